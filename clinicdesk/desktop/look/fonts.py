"""The fonts of the interface: Inter where it is installed, else the platform's, with tabular figures."""

from functools import cache

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication

from clinicdesk.desktop.look.tokens import Role

_TABULAR = QFont.Tag("tnum")
_TAILED_L = QFont.Tag("cv05")


@cache
def interface_family() -> str:
    """The family that the interface is set in."""
    return (
        _first_installed("Inter", "Inter Variable")
        or QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    )


@cache
def mono_family() -> str:
    """The family of hashes, and of nothing else."""
    return _first_installed("JetBrains Mono") or QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()


def font(role: Role, weight: int | None = None, text_size: float = 1.0, *, family: str | None = None) -> QFont:
    """The font of a role; weight 400 to 700 overrides the role's own, text_size is the user's (0.9 to 2.0)."""
    kind = role.value
    made = QFont(family or interface_family())
    made.setPointSizeF(kind.px * text_size * 72 / _dots_per_inch())
    made.setWeight(QFont.Weight(weight or kind.weight))
    made.setFeature(_TABULAR, 1)
    if kind.tracking:
        made.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, kind.tracking * text_size)
    return made


def name_font(role: Role, weight: int | None = None, text_size: float = 1.0) -> QFont:
    """The font of a role for people's names and record numbers, where l, I and 1 must differ."""
    made = font(role, weight, text_size)
    made.setFeature(_TAILED_L, 1)
    return made


def mono_font(role: Role, text_size: float = 1.0) -> QFont:
    """The font of a hash."""
    return font(role, 400, text_size, family=mono_family())


def _first_installed(*families: str) -> str | None:
    installed = set(QFontDatabase.families())
    return next((family for family in families if family in installed), None)


def _dots_per_inch() -> float:
    screen = QGuiApplication.primaryScreen()
    return screen.logicalDotsPerInch() if screen else 96.0
