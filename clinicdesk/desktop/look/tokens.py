"""Every colour, size and distance of the interface, in one frozen value."""

from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from typing import Literal, NamedTuple, Self

from PySide6.QtGui import QColor, QPalette


class Scheme(StrEnum):
    """Which set of colours is in use."""

    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


class _Type(NamedTuple):
    px: float
    weight: int
    line: int
    tracking: float


class Role(Enum):
    """A use of type: size in pixels at 96 dpi, usual weight, line height and letter spacing in pixels."""

    BADGE = _Type(10, 600, 12, 0)
    HAIR = _Type(11, 400, 14, 0)
    SMALL = _Type(12, 400, 16, 0)
    BODY = _Type(13, 400, 18, 0)
    CARD = _Type(15, 600, 20, 0)
    PAGE = _Type(18, 600, 24, -0.15)
    FIGURE = _Type(24, 600, 30, -0.3)
    CLOCK = _Type(72, 600, 80, -2)


@dataclass(frozen=True)
class Metrics:
    """Distances in logical pixels for one text size; the calendar's pixels per minute stay apart from it."""

    text_size: float = 1.0
    comfortable: bool = False

    # The drawing measures, at text size 1.
    page_margin: int = 16
    card_padding: int = 12
    related: int = 8
    unrelated: int = 16
    stroke: int = 1
    focus_stroke: int = 2
    focus_gap: int = 1
    bar: int = 3
    radius: int = 4
    radius_card: int = 6
    radius_page: int = 8
    radius_chip: int = 3
    menu: int = 28
    toolbar: int = 48
    status_bar: int = 26
    rail_item: int = 52
    rail: int = 72
    tab: int = 36
    header: int = 28
    row: int = 32
    row_roles: int = 28
    row_audit: int = 31
    row_two_lines: int = 52
    row_opening: int = 36
    button: int = 28
    button_dialog: int = 32
    button_sign_in: int = 38
    field: int = 30
    field_sign_in: int = 36
    chip: int = 20
    key_cap: int = 18
    icon: int = 16
    icon_rail: int = 20
    icon_state: int = 34
    day_header: int = 52
    gutter: int = 52
    column_min: int = 150
    visit_one_line: int = 17
    visit_two_lines: int = 34
    visit_line: int = 15

    @classmethod
    def at(cls, text_size: float = 1.0, comfortable: bool = False) -> Self:
        """The metrics for a user's text size (0.9 to 2.0); comfortable density adds 4 px to each row."""
        kept = {"text_size", "comfortable", "stroke", "focus_stroke", "focus_gap", "bar"}
        rows = {"row", "row_roles", "row_audit", "row_two_lines", "row_opening"}
        scaled: dict[str, int] = {}
        for field in fields(cls):
            if field.name in kept:
                continue
            value = int(str(field.default)) + (4 if comfortable and field.name in rows else 0)
            scaled[field.name] = round(value * text_size)
        return cls(text_size=text_size, comfortable=comfortable, **scaled)

    def px(self, value: float) -> int:
        """A distance of the 4 px grid (4, 6, 8, 12, 16, 24, 36) at this text size."""
        return round(value * self.text_size)


CALENDAR_ZOOMS = (0.9, 1.2, 1.6, 2.4)
"""Pixels per minute of the calendar; 1.2 is the usual one."""

WINDOW_MINIMUM = (1120, 700)


@dataclass(frozen=True)
class Timing:
    """Delays and movements in milliseconds; with reduced motion nothing slides."""

    hover_card: int = 350
    slide: int = 120
    scroll: int = 160
    skeleton: int = 150
    loading_words: int = 2_000
    loading_stop: int = 10_000
    toast: int = 8_000
    reveal: int = 20_000

    @classmethod
    def reduced(cls) -> Self:
        """The timing for people who asked for less movement."""
        return cls(hover_card=0, slide=0, scroll=0)


ColourName = Literal[
    "chrome", "base", "alt", "off", "sunk", "raised", "line", "line2", "ctl", "ink", "ink2", "ink3", "accent",
    "accent_tint", "solid", "on_solid", "sel", "focus", "slate", "slate_tint", "slate_ink", "amber", "amber_tint",
    "amber_ink", "rust", "rust_tint", "rust_ink", "sand", "sand_tint", "sand_ink", "ok", "ok_tint", "tip", "on_tip",
    "hatch",
]  # fmt: skip


@dataclass(frozen=True)
class Tokens:
    """The colours of one scheme with the metrics and timing that go with them."""

    scheme: Scheme
    chrome: QColor
    base: QColor
    alt: QColor
    off: QColor
    sunk: QColor
    raised: QColor
    line: QColor
    line2: QColor
    ctl: QColor
    ink: QColor
    ink2: QColor
    ink3: QColor
    accent: QColor
    accent_tint: QColor
    solid: QColor
    on_solid: QColor
    sel: QColor
    focus: QColor
    slate: QColor
    slate_tint: QColor
    slate_ink: QColor
    amber: QColor
    amber_tint: QColor
    amber_ink: QColor
    rust: QColor
    rust_tint: QColor
    rust_ink: QColor
    sand: QColor
    sand_tint: QColor
    sand_ink: QColor
    ok: QColor
    ok_tint: QColor
    tip: QColor
    on_tip: QColor
    hatch: QColor
    heat: tuple[QColor, ...]
    scrim: QColor
    metrics: Metrics = Metrics()
    timing: Timing = Timing()

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than what it stands on."""
        return self.base.lightness() < self.ink.lightness()

    @property
    def is_contrast(self) -> bool:
        """Whether the system asked for high contrast: tints are gone and every status gets a border."""
        return self.scheme is Scheme.CONTRAST

    def colour(self, name: ColourName) -> QColor:
        """The colour of that name."""
        colour: QColor = getattr(self, name)
        return colour

    @classmethod
    def light(cls, metrics: Metrics | None = None, timing: Timing | None = None) -> Self:
        """The light scheme."""
        return cls(Scheme.LIGHT, **_colours(_LIGHT), heat=tuple(map(QColor, _HEAT_LIGHT)),
                   scrim=QColor(22, 32, 36, 82), metrics=metrics or Metrics(), timing=timing or Timing())  # fmt: skip

    @classmethod
    def dark(cls, metrics: Metrics | None = None, timing: Timing | None = None) -> Self:
        """The dark scheme."""
        return cls(Scheme.DARK, **_colours(_DARK), heat=tuple(map(QColor, _HEAT_DARK)),
                   scrim=QColor(0, 0, 0, 140), metrics=metrics or Metrics(), timing=timing or Timing())  # fmt: skip

    @classmethod
    def high_contrast(cls, palette: QPalette, metrics: Metrics | None = None, timing: Timing | None = None) -> Self:
        """The scheme of a system high-contrast palette: every tint becomes base, every edge and word is text."""
        base, text = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        chosen = palette.color(QPalette.ColorRole.Highlight)
        colours = dict.fromkeys(_LIGHT, text)
        colours |= dict.fromkeys(
            ("chrome", "base", "alt", "off", "sunk", "raised", "accent_tint", "slate_tint", "amber_tint", "rust_tint",
             "sand_tint", "ok_tint", "on_tip", "sel"), base)  # fmt: skip
        colours |= {"solid": chosen, "on_solid": palette.color(QPalette.ColorRole.HighlightedText)}
        return cls(Scheme.CONTRAST, **colours, heat=(base,) * 5 + (chosen,), scrim=QColor(0, 0, 0, 170),
                   metrics=metrics or Metrics(), timing=timing or Timing())  # fmt: skip


def _colours(table: dict[str, str]) -> dict[str, QColor]:
    return {name: QColor(value) for name, value in table.items()}


_LIGHT = {
    "chrome": "#EDF0F1", "base": "#FFFFFF", "alt": "#F5F7F7", "off": "#EEF1F2", "sunk": "#E6EAEB",
    "raised": "#FFFFFF", "line": "#DCE1E3", "line2": "#C3CBCE", "ctl": "#808B90", "ink": "#162024",
    "ink2": "#465258", "ink3": "#5D696F", "accent": "#0B6870", "accent_tint": "#DDEDEE", "solid": "#0B6870",
    "on_solid": "#FFFFFF", "sel": "#D3E7E8", "focus": "#0B6870", "slate": "#41679F", "slate_tint": "#E8EEF7",
    "slate_ink": "#2C4A78", "amber": "#B06A00", "amber_tint": "#FCE8BF", "amber_ink": "#744400",
    "rust": "#B23A24", "rust_tint": "#FBE7E2", "rust_ink": "#8F2A17", "sand": "#7A6A45", "sand_tint": "#F1EDE1",
    "sand_ink": "#5B4D2E", "ok": "#2B6E49", "ok_tint": "#E0F0E6", "tip": "#1C272B", "on_tip": "#F3F6F6",
    "hatch": "#D5DBDD",
}  # fmt: skip

_DARK = {
    "chrome": "#12181B", "base": "#181F23", "alt": "#141A1E", "off": "#11171A", "sunk": "#0E1316",
    "raised": "#212A2F", "line": "#2A343A", "line2": "#3B474E", "ctl": "#6B7980", "ink": "#E5EBED",
    "ink2": "#B3BEC3", "ink3": "#929FA5", "accent": "#52BCC4", "accent_tint": "#163338", "solid": "#1B7B84",
    "on_solid": "#FFFFFF", "sel": "#1B3F45", "focus": "#6CCBD3", "slate": "#8CAEE0", "slate_tint": "#1E2B3F",
    "slate_ink": "#B5CDF0", "amber": "#EBAF4A", "amber_tint": "#45330F", "amber_ink": "#F6CE85",
    "rust": "#F08C74", "rust_tint": "#43221B", "rust_ink": "#F8B3A2", "sand": "#C3AF80", "sand_tint": "#2E2A1F",
    "sand_ink": "#DBCBA2", "ok": "#6CC492", "ok_tint": "#173024", "tip": "#E5EBED", "on_tip": "#162024",
    "hatch": "#2B353B",
}  # fmt: skip

_HEAT_LIGHT = ("#F0F3F7", "#D9E1EC", "#BECBDE", "#A4B6D1", "#89A1C3", "#41679F")
_HEAT_DARK = ("#1C242B", "#212D3A", "#283850", "#304768", "#3A5783", "#8CAEE0")
