"""Passwords: any length and script, hashed as slowly as promised, and none that anybody would guess."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from datetime import timedelta

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.users import passwords
from clinicdesk.features.users.rules import check_email, check_password, lock_length

CONTEXT = ["Harbour Street Clinic", "Grace Lee", "grace.lee@harbour.example"]


def test_the_program_hashes_at_twelve_rounds(shipped_rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ROUNDS", shipped_rounds)
    assert passwords.hash_password("seven quiet boats at noon").startswith("$2b$12$")


@settings(max_examples=20)
@given(st.text(max_size=256), st.text(max_size=256))
def test_a_password_fits_its_own_hash_and_no_other(one: str, other: str) -> None:
    digest = bcrypt.hashpw(passwords._digest(one), bcrypt.gensalt(4)).decode()
    assert passwords.verify_password(one, digest)
    same = unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", other)
    assert passwords.verify_password(other, digest) == same


def test_what_lies_behind_the_72nd_byte_counts() -> None:
    long = "ёжик " * 40
    assert not passwords.verify_password(long + "a", passwords.hash_password(long + "b"))


def test_the_same_passphrase_from_another_keyboard_fits() -> None:
    composed, decomposed = "K\u00f6nigin \u2460 im Garten", "Ko\u0308nigin 1 im Garten"
    assert passwords.verify_password(decomposed, passwords.hash_password(composed))


def test_above_a_thousand_characters_is_refused_unread() -> None:
    stored = passwords.hash_password("x" * 1000)
    assert passwords.verify_password("x" * 1000, stored)
    for attempt in (
        lambda: passwords.verify_password("x" * 1001, stored),
        lambda: passwords.hash_password("x" * 1001),
        lambda: passwords.prepare(None, "x" * 1001),
    ):
        with pytest.raises(InvalidInput, match="password_too_long"):
            attempt()


def test_nobody_has_a_password_but_checking_it_is_real_work() -> None:
    nobody = passwords.prepare(None, "seven quiet boats at noon", "another one altogether")
    assert (nobody.fits, nobody.new_hash) == (False, "")
    assert bcrypt.checkpw(b"", passwords._nobodys_hash().encode()) is False  # well-formed, or it would raise
    assert passwords._nobodys_hash().startswith(passwords.hash_password("x")[:7])


def test_passwords_are_not_printed() -> None:
    stored = passwords.hash_password("seven quiet boats at noon")
    assert stored not in repr(passwords.prepare(stored, "seven quiet boats at noon", "new"))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Zug fährt um acht nach Ulm",
        "9f8s7d6f8sd7f6x",
        "日本語のとても長い合言葉です東京",
        "🦔🐢🦉🐝🦔🐢🦉🐙🦔🐢🦉🐠🦔🐢🦂",
        "correct-horse-7!",
        "é" * 3 + "long passphrases are welcome here" * 6,
    ],
)
def test_any_characters_make_a_password(password: str) -> None:
    check_password(password, CONTEXT)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password12345678",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "123456789012345",
        "1q2w3e4r5t6y7u8i9o0p",
        "harbourstreetclinic2026",
        "Harbour Street Clinic!",
        "GraceLee1984Lee!!",
        "grace.lee@harbour.example",
        "December 2026 Clinic",
        "Summer2026Summer2026",
        "xk7qm2 xk7qm2 xk7qm2",
        "ｐａｓｓｗｏｒｄ ｐａｓｓｗｏｒｄ",
    ],
)
def test_what_anybody_would_guess_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="password_guessable") as caught:
        check_password(password, CONTEXT)
    assert caught.value.params["field"] == "password"


@pytest.mark.parametrize(
    ("password", "code"), [("x7 kd-qo2 m.9v", "password_too_short"), ("tide lamp " * 26, "password_too_long")]
)
def test_a_password_has_fifteen_to_256_characters(password: str, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        check_password(password, CONTEXT)


@given(st.text(min_size=15, max_size=256))
def test_every_password_gets_an_answer(password: str) -> None:
    with suppress(InvalidInput):
        check_password(password, CONTEXT)


@pytest.mark.parametrize("email", ["Ada@Harbour.Example", " ada@harbour.example ", "ａda@harbour.example"])
def test_an_email_is_folded(email: str) -> None:
    assert check_email(email) == "ada@harbour.example"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@harbour.example",
        "ada@",
        "a da@harbour.example",
        "ada@b@c",
        "ada@.example",
        "a@b..c",
        "a@" + "b" * 253,
    ],
)
def test_what_cannot_be_an_email_is_refused(email: str) -> None:
    with pytest.raises(InvalidInput, match="email_not_right"):
        check_email(email)


def test_each_lock_is_twice_as_long_up_to_a_day() -> None:
    assert [lock_length(15, n) for n in (0, 1, 2, 3)] == [timedelta(minutes=m) for m in (15, 30, 60, 120)]
    assert lock_length(15, 1000) == timedelta(days=1)
