"""Keeps the one key of a clinic's data: 256 random bits, in the keyring, under a passphrase, or in a private file.

`key.json` in the data folder says who keeps the key. It holds the key itself only where nothing better was to be had, and
the clinic is warned of that at each start.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from clinicdesk.core.errors import InvalidInput, Unavailable
from clinicdesk.core.files import write_private

log = logging.getLogger(__name__)

KEY_BYTES = 32
DESCRIPTOR_NAME = "key.json"
SERVICE = "clinicdesk"

PASSPHRASE_SETTING = "CLINICDESK_PASSPHRASE"  # noqa: S105  (the name of a setting)
KEYRING_SETTING = "CLINICDESK_KEYRING"
ENCRYPTION_SETTING = "CLINICDESK_ENCRYPTION"

_KEYRING_SECONDS = 60  # time for a person to unlock the keyring; where nobody can, the program must not hang
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}  # 32 MiB and about a tenth of a second
_SCRYPT_MEMORY = 64 * 2**20

T = TypeVar("T")


class Keeper(StrEnum):
    """Who keeps the key."""

    KEYRING = "keyring"
    PASSPHRASE = "passphrase"  # noqa: S105  (a word, not a secret)
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Key:
    """The key, who keeps it, and whether the database is encrypted with it (the audit trail is sealed with it anyhow)."""

    secret: bytes = field(repr=False)
    keeper: Keeper
    encrypted: bool = True

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of what a clinic should be told about how its data is kept."""
        if not self.encrypted:
            return ("not_encrypted",)
        return ("key_in_file",) if self.keeper is Keeper.FILE else ()


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What `key.json` holds: how to come by the key again."""

    keeper: Keeper
    encrypted: bool
    details: dict[str, Any] = field(repr=False)


def is_kept(folder: Path) -> bool:
    """Whether the data folder says where its key is."""
    return (folder / DESCRIPTOR_NAME).exists()


def check_settings() -> None:
    """Raise InvalidInput("setting_invalid") for a setting of the environment that is neither `on` nor `off`."""
    for name in (KEYRING_SETTING, ENCRYPTION_SETTING):
        _is_off(name)


def _is_off(setting: str) -> bool:
    value = os.environ.get(setting, "").strip().lower()
    if value not in {"", "on", "off"}:
        raise InvalidInput("setting_invalid", field=setting, setting=setting)
    return value == "off"


# ---- making a key and putting it away ------------------------------------------------------------------------------


def create(folder: Path, passphrase: str | None = None) -> Key:
    """Make a new key and have it kept, for a data folder that has neither a key nor a database."""
    secret = secrets.token_bytes(KEY_BYTES)
    encrypted = not _is_off(ENCRYPTION_SETTING)
    descriptor = entrust(secret, passphrase, encrypted=encrypted)
    store(folder, descriptor)
    return Key(secret, descriptor.keeper, encrypted)


def entrust(secret: bytes, passphrase: str | None = None, *, encrypted: bool = True) -> Descriptor:
    """Give the key to the best keeper there is, and say how to come by it again; `store` writes that down.

    A passphrase that was chosen is used; else the keyring keeps the key; else it will lie in the descriptor.
    """
    passphrase = passphrase or os.environ.get(PASSPHRASE_SETTING)
    if passphrase:
        return Descriptor(Keeper.PASSPHRASE, encrypted, _wrap(secret, passphrase))
    entry = secrets.token_hex(16)
    if not _is_off(KEYRING_SETTING) and _put_in_keyring(entry, secret):
        return Descriptor(Keeper.KEYRING, encrypted, {"entry": entry})
    return Descriptor(Keeper.FILE, encrypted, {"key": secret.hex()})


def store(folder: Path, descriptor: Descriptor) -> None:
    """Write the descriptor into the data folder, in place of one that is there."""
    facts = {"version": 1, "keeper": descriptor.keeper, "encrypted": descriptor.encrypted, **descriptor.details}
    write_private(folder / DESCRIPTOR_NAME, json.dumps(facts, indent=1).encode() + b"\n")


def protect(folder: Path, key: Key, passphrase: str) -> Key:
    """Put the key under a passphrase, in place of whoever keeps it now; the data itself stays as it is.

    A crash leaves the old keeper or the new one, never none. Raises Unavailable("key_missing", "key_damaged").
    """
    before = _read(folder)
    store(folder, Descriptor(Keeper.PASSPHRASE, key.encrypted, _wrap(key.secret, passphrase)))
    if before.keeper is Keeper.KEYRING:
        _forget_in_keyring(str(before.details.get("entry", "")))
    return Key(key.secret, Keeper.PASSPHRASE, key.encrypted)


# ---- coming by it again --------------------------------------------------------------------------------------------


def load(folder: Path, passphrase: str | None = None) -> Key:
    """The key of a data folder. The passphrase is taken from CLINICDESK_PASSPHRASE where none is given.

    Raises Unavailable: key_missing (nobody has it), key_damaged (the descriptor cannot be read), keyring_unavailable,
    passphrase_needed, wrong_passphrase.
    """
    descriptor = _read(folder)
    try:
        secret = _secret(descriptor, passphrase or os.environ.get(PASSPHRASE_SETTING))
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("key_damaged") from error
    if len(secret) != KEY_BYTES:
        raise Unavailable("key_damaged")
    return Key(secret, descriptor.keeper, descriptor.encrypted)


def _read(folder: Path) -> Descriptor:
    try:
        facts = json.loads((folder / DESCRIPTOR_NAME).read_bytes())
        return Descriptor(Keeper(facts.pop("keeper")), facts.pop("encrypted") is not False, facts)
    except FileNotFoundError as error:
        raise Unavailable("key_missing") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("key_damaged") from error


def _secret(descriptor: Descriptor, passphrase: str | None) -> bytes:
    details = descriptor.details
    if descriptor.keeper is Keeper.FILE:
        return bytes.fromhex(details["key"])
    if descriptor.keeper is Keeper.KEYRING:
        return _get_from_keyring(details["entry"])
    if not passphrase:
        raise Unavailable("passphrase_needed")
    return _unwrap(details, passphrase)


# ---- the passphrase ------------------------------------------------------------------------------------------------


def _wrap(secret: bytes, passphrase: str) -> dict[str, Any]:
    """The key under a one-time pad that scrypt makes of the passphrase and a fresh salt, with a MAC to know it by."""
    salt = secrets.token_bytes(16)
    pad, mac_key = _stretch(passphrase, salt, _SCRYPT)
    wrapped = _xor(secret, pad)
    mac = hmac.digest(mac_key, wrapped, "sha256")
    return {"scrypt": _SCRYPT, "salt": salt.hex(), "wrapped": wrapped.hex(), "mac": mac.hex()}


def _unwrap(details: dict[str, Any], passphrase: str) -> bytes:
    pad, mac_key = _stretch(passphrase, bytes.fromhex(details["salt"]), details["scrypt"])
    wrapped = bytes.fromhex(details["wrapped"])
    if not hmac.compare_digest(hmac.digest(mac_key, wrapped, "sha256"), bytes.fromhex(details["mac"])):
        raise Unavailable("wrong_passphrase")
    return _xor(wrapped, pad)


def _stretch(passphrase: str, salt: bytes, cost: dict[str, int]) -> tuple[bytes, bytes]:
    words = unicodedata.normalize("NFKC", passphrase).encode()  # the same on every keyboard and system
    long = hashlib.scrypt(
        words, salt=salt, n=cost["n"], r=cost["r"], p=cost["p"], maxmem=_SCRYPT_MEMORY, dklen=2 * KEY_BYTES
    )
    return long[:KEY_BYTES], long[KEY_BYTES:]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


# ---- the keyring ---------------------------------------------------------------------------------------------------


def _put_in_keyring(entry: str, secret: bytes) -> bool:
    def put() -> bool:
        import keyring  # loading it costs a seventh of a second, and most starts of most clinics do not need it

        backend = keyring.get_keyring()
        if backend.priority < 1:  # no keyring at all, or one that keeps its secrets as plain text
            return False
        backend.set_password(SERVICE, entry, secret.hex())
        return backend.get_password(SERVICE, entry) == secret.hex()

    try:
        return _in_time(put)
    except Exception as error:  # whatever a backend of whatever system may raise, there is a next best keeper
        log.warning("the keyring does not take the key: %s", type(error).__name__)
        return False


def _get_from_keyring(entry: str) -> bytes:
    if _is_off(KEYRING_SETTING):
        raise Unavailable("keyring_unavailable")

    def get() -> str | None:
        import keyring

        return keyring.get_password(SERVICE, entry)

    try:
        kept = _in_time(get)
    except Exception as error:
        log.warning("the keyring does not answer: %s", type(error).__name__)
        raise Unavailable("keyring_unavailable") from error
    if kept is None:
        raise Unavailable("key_missing")
    return bytes.fromhex(kept)


def _forget_in_keyring(entry: str) -> None:
    """Take the key out, where the keyring still answers; the passphrase keeps it by now."""

    def forget() -> None:
        import keyring

        keyring.delete_password(SERVICE, entry)

    try:
        _in_time(forget)
    except Exception as error:
        log.warning("the keyring does not give up the key: %s", type(error).__name__)


def _in_time(call: Callable[[], T]) -> T:
    """The call's result. Raises TimeoutError where it waits too long: a keyring may ask a screen that nobody sees."""
    outcome: list[T] = []
    failure: list[Exception] = []

    def run() -> None:
        try:
            outcome.append(call())
        except Exception as error:  # handed over to the caller below
            failure.append(error)

    worker = threading.Thread(target=run, name="keyring", daemon=True)
    worker.start()
    worker.join(_KEYRING_SECONDS)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError
    return outcome[0]


# ---- the recovery key ----------------------------------------------------------------------------------------------


def to_recovery_key(secret: bytes) -> str:
    """The key as a person can keep it on paper: eight groups of eight letters and digits."""
    return "-".join(re.findall(".{8}", secret.hex()))


def from_recovery_key(text: str) -> bytes:
    """The key out of its written form; spaces, dashes and capitals do not matter. Raises InvalidInput."""
    try:
        secret = bytes.fromhex(re.sub(r"[\s-]", "", text))
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise InvalidInput("recovery_key_malformed", field="recovery_key")
    return secret
