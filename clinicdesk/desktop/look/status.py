"""The status code of a visit as data: what each state is called and what it looks like."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QCoreApplication

from clinicdesk.desktop.look.tokens import ColourName

if TYPE_CHECKING:

    def QT_TRANSLATE_NOOP(context: str, text: str) -> str:  # PySide6 declares it to return object
        ...
else:
    from PySide6.QtCore import QT_TRANSLATE_NOOP

FamilyName = Literal["slate", "amber", "solid", "rust", "sand", "done", "quiet"]


class Fill(StrEnum):
    """What a visit's box is filled with; it rises as the patient nears the doctor, then drains."""

    BASE = "base"
    TINT = "tint"
    SOLID = "solid"
    SUNK = "sunk"


class Edge(StrEnum):
    """The border of a visit's box."""

    NONE = "none"
    LINE = "line"
    DASHED = "dashed"
    DOTTED = "dotted"


@dataclass(frozen=True)
class Family:
    """The colour tokens of a family: edge, bar and glyph, then the tint under text and the text on it."""

    colour: ColourName
    tint: ColourName
    ink: ColourName


FAMILIES: dict[FamilyName, Family] = {
    "slate": Family("slate", "slate_tint", "slate_ink"),
    "amber": Family("amber", "amber_tint", "amber_ink"),
    "solid": Family("solid", "accent_tint", "accent"),
    "rust": Family("rust", "rust_tint", "rust_ink"),
    "sand": Family("sand", "sand_tint", "sand_ink"),
    "done": Family("ok", "ok_tint", "ok"),
    "quiet": Family("ink3", "base", "ink3"),
}


@dataclass(frozen=True)
class StatusLook:
    """How one state looks; `source` and `word` are untranslated, read `label` and `on_visit` instead."""

    key: str
    source: str
    glyph: str
    family: FamilyName
    fill: Fill
    edge: Edge = Edge.NONE
    bar: int = 0
    hatch: bool = False
    struck: bool = False
    weight: int = 600
    word: str = ""

    @property
    def label(self) -> str:
        """The name of the state, translated."""
        return QCoreApplication.translate("Status", self.source)

    @property
    def on_visit(self) -> str:
        """The word at the right end of a visit, translated; empty where the glyph says enough."""
        return QCoreApplication.translate("Status", self.word) if self.word else ""

    @property
    def colours(self) -> Family:
        """The colour tokens of the state."""
        return FAMILIES[self.family]


def _table(*looks: StatusLook) -> dict[str, StatusLook]:
    return {look.key: look for look in looks}


STATUS_LOOKS = _table(
    StatusLook(
        "proposed", QT_TRANSLATE_NOOP("Status", "Proposed"), "ph.circle-dashed", "slate", Fill.BASE, Edge.DASHED,
        word=QT_TRANSLATE_NOOP("Status", "Proposed"),
    ),
    StatusLook(
        "pending", QT_TRANSLATE_NOOP("Status", "Pending"), "ph.hourglass", "slate", Fill.TINT, Edge.DASHED,
        word=QT_TRANSLATE_NOOP("Status", "Awaiting doctor"),
    ),
    StatusLook("booked", QT_TRANSLATE_NOOP("Status", "Booked"), "ph.circle", "slate", Fill.TINT, bar=3),
    StatusLook("confirmed", QT_TRANSLATE_NOOP("Status", "Confirmed"), "ph.check-circle", "slate", Fill.TINT, bar=3),
    StatusLook("arrived", QT_TRANSLATE_NOOP("Status", "Arrived"), "ph.armchair-fill", "amber", Fill.TINT, bar=4),
    StatusLook(
        "checked-in", QT_TRANSLATE_NOOP("Status", "Checked in"), "ph.sign-in-bold", "solid", Fill.SOLID,
        word=QT_TRANSLATE_NOOP("Status", "ready"),
    ),
    StatusLook(
        "in-room", QT_TRANSLATE_NOOP("Status", "In room"), "ph.door-fill", "solid", Fill.SOLID,
        word=QT_TRANSLATE_NOOP("Status", "In room"),
    ),
    StatusLook(
        "fulfilled", QT_TRANSLATE_NOOP("Status", "Fulfilled"), "ph.check-bold", "done", Fill.BASE, Edge.LINE,
        weight=500,
    ),
    StatusLook(
        "cancelled", QT_TRANSLATE_NOOP("Status", "Cancelled"), "ph.x-bold", "quiet", Fill.BASE, Edge.LINE,
        struck=True, weight=500, word=QT_TRANSLATE_NOOP("Status", "Cancelled"),
    ),
    StatusLook(
        "noshow", QT_TRANSLATE_NOOP("Status", "No-show"), "ph.user-minus-bold", "rust", Fill.TINT, bar=3, hatch=True,
        word=QT_TRANSLATE_NOOP("Status", "No-show"),
    ),
    StatusLook("waitlist", QT_TRANSLATE_NOOP("Status", "Waitlist"), "ph.list-plus", "sand", Fill.TINT, Edge.DASHED),
    StatusLook(
        "entered-in-error", QT_TRANSLATE_NOOP("Status", "Entered in error"), "ph.eraser", "quiet", Fill.SUNK,
        Edge.DOTTED, weight=500,
    ),
)  # fmt: skip
"""Every state by its key: FHIR's appointment status, plus "confirmed" and "in-room" as states that only show."""


def visual_state(status: str, confirmed: bool = False, in_progress: bool = False) -> str:
    """The key in STATUS_LOOKS of an appointment: its FHIR status, refined by the patient's answer and the encounter."""
    if status == "booked" and confirmed:
        return "confirmed"
    if status == "checked-in" and in_progress:
        return "in-room"
    return status


def status_look(status: str, confirmed: bool = False, in_progress: bool = False) -> StatusLook:
    """The look of an appointment; raises KeyError for a status outside the vocabulary."""
    return STATUS_LOOKS[visual_state(status, confirmed, in_progress)]
