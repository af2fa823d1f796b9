"""The controls that every screen is made of."""

from clinicdesk.desktop.widgets.buttons import ActionButton, ButtonKind, RailButton, Segmented
from clinicdesk.desktop.widgets.fields import Field, FieldError, SearchField, Suggestion
from clinicdesk.desktop.widgets.keys import KeyCap, KeyHint
from clinicdesk.desktop.widgets.labels import Chip, Glyph, InitialsTile, TextLabel
from clinicdesk.desktop.widgets.sheet import Scrim, Sheet
from clinicdesk.desktop.widgets.states import StatePane
from clinicdesk.desktop.widgets.tables import TableView
from clinicdesk.desktop.widgets.toast import Toast, ToastAction

__all__ = [
    "ActionButton",
    "ButtonKind",
    "Chip",
    "Field",
    "FieldError",
    "Glyph",
    "InitialsTile",
    "KeyCap",
    "KeyHint",
    "RailButton",
    "Scrim",
    "SearchField",
    "Segmented",
    "Sheet",
    "StatePane",
    "Suggestion",
    "TableView",
    "TextLabel",
    "Toast",
    "ToastAction",
]
