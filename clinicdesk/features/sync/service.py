"""The verbs of sync, in one place."""

from clinicdesk.features.sync.conflicts import (
    cancel,
    find_conflicts,
    keep_values,
    open_conflict,
    rebook,
    swap,
    take_values,
)
from clinicdesk.features.sync.devices import (
    actor_of,
    challenge,
    edit_device,
    enrol,
    find_devices,
    forget_challenges,
    get_device,
    hello,
    make_code,
    open_devices,
    prove,
    revoke_device,
    to_sign,
)
from clinicdesk.features.sync.entities import is_synced
from clinicdesk.features.sync.holding import forget_contents, held_content, hold_content
from clinicdesk.features.sync.pulling import digest, move_horizon, pull, snapshot
from clinicdesk.features.sync.pushing import push

__all__ = [
    "actor_of",
    "cancel",
    "challenge",
    "digest",
    "edit_device",
    "enrol",
    "find_conflicts",
    "find_devices",
    "forget_challenges",
    "forget_contents",
    "get_device",
    "held_content",
    "hello",
    "hold_content",
    "is_synced",
    "keep_values",
    "make_code",
    "move_horizon",
    "open_conflict",
    "open_devices",
    "prove",
    "pull",
    "push",
    "rebook",
    "revoke_device",
    "snapshot",
    "swap",
    "take_values",
    "to_sign",
]
