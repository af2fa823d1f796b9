"""The mails that accounts need: plain, short, with a link that works once."""

from __future__ import annotations

from clinicdesk.core.smtp import Mail


def verification(email: str, clinic: str, link: str) -> Mail:
    """Asks whoever reads `email` to confirm it."""
    return Mail(
        email, f"{clinic}: confirm your e-mail address",
        f"Somebody, presumably you, has given this address to {clinic}.\n\nConfirm it within three days:\n{link}\n\n"
        "If it was not you, do not confirm it: the account is somebody else's.\n",
    )  # fmt: skip


def already_registered(email: str, clinic: str, link: str) -> Mail:
    """Tells the owner of an account that somebody tried to open it a second time."""
    return Mail(
        email, f"{clinic}: you have an account already",
        f"Somebody, presumably you, has asked {clinic} for an account with this address. There is one already.\n\n"
        f"If the password is lost, ask for a new one:\n{link}\n\nIf it was not you, there is nothing to do.\n",
    )  # fmt: skip


def password_reset(email: str, clinic: str, link: str) -> Mail:
    """Lets whoever reads `email` choose a new password."""
    return Mail(
        email, f"{clinic}: choose a new password",
        f"Somebody, presumably you, has asked {clinic} for a new password.\n\nChoose it within an hour:\n{link}\n\n"
        "If it was not you, there is nothing to do: the password is as it was.\n",
    )  # fmt: skip
