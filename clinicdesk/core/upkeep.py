"""What the keeper of the machine does to the clinic's data as a whole, entered in the audit trail like everything else."""

from __future__ import annotations

from clinicdesk.core import epoch
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb


def _done(tx: Tx, what: str, note: str = "") -> None:
    tx.record(Change(what, None, Action.EXECUTE, note=note))


@verb(Permission.MAINTAIN)
def back_up(tx: Tx) -> None:
    """A backup is about to be made; it holds this entry itself."""
    _done(tx, "database")


@verb(Permission.MAINTAIN)
def restore(tx: Tx, entries: int) -> None:
    """This database was restored from a backup whose audit trail had so many entries: whoever followed it starts over."""
    epoch.begin(tx.connection)
    _done(tx, "database", f"{entries} entries")


@verb(Permission.MAINTAIN)
def upgrade(tx: Tx, before: str, after: str) -> None:
    """The schema was brought from one revision to another."""
    _done(tx, "database", f"{before} to {after}")


@verb(Permission.MAINTAIN)
def check(tx: Tx) -> None:
    """Configuration, key, database and schema were checked."""
    _done(tx, "database")


@verb(Permission.MANAGE_CLINIC)
def set_passphrase(tx: Tx) -> None:
    """The key of the clinic's data is about to be put under a passphrase."""
    _done(tx, "key")


@verb(Permission.MAINTAIN)
def show_recovery_key(tx: Tx) -> None:
    """Somebody was shown the key of the clinic's data."""
    _done(tx, "key")
