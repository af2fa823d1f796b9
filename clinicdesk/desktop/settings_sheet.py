"""The settings of this desk: light or dark, the size of text, single-letter keys. What is changed holds at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from clinicdesk.desktop.look.theme import Mode, theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.widgets import KeyHint, Segmented, Sheet, TextLabel

_STEP = 10


class SettingsSheet(Sheet):
    """Changes `preferences` and the theme as one chooses; `set_character_keys` is told of single-letter keys."""

    def __init__(self, host: QWidget, preferences: Preferences, set_character_keys: Callable[[bool], None]) -> None:
        super().__init__(host, self.tr("Settings"), width=520, light=True)
        self._preferences = preferences
        metrics = theme().tokens.metrics
        self.modes = Segmented(
            [(Mode.SYSTEM, self.tr("As the system")), (Mode.LIGHT, self.tr("Light")), (Mode.DARK, self.tr("Dark"))],
            self.tr("Colours"),
        )
        self.modes.choose(preferences.mode)
        self.modes.chosen.connect(self._choose_mode)
        self.text_size = QSlider(Qt.Orientation.Horizontal)
        self.text_size.setAccessibleName(self.tr("Size of text"))
        self.text_size.setRange(90 // _STEP, 200 // _STEP)
        self.text_size.setPageStep(1)
        self.text_size.setValue(preferences.text_percent // _STEP)
        self._percent = TextLabel("", Role.BODY, "ink2")
        self._percent.setMinimumWidth(metrics.px(48))
        self._percent.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        self._show_percent(self.text_size.value())
        self.text_size.valueChanged.connect(self._choose_size)
        self.letters = QCheckBox(self.tr("Single letters act in calendars and lists"))
        self.letters.setChecked(preferences.character_keys)
        self.letters.toggled.connect(set_character_keys)

        head = QHBoxLayout()
        head.addWidget(TextLabel(self.tr("Settings of this desk"), Role.PAGE), 1)
        head.addWidget(KeyHint("Esc", self.tr("close")))
        sizes = QHBoxLayout()
        sizes.addWidget(self.text_size, 1)
        sizes.addWidget(self._percent)
        column = QVBoxLayout(self)
        margin = metrics.px(24)
        column.setContentsMargins(margin, metrics.px(18), margin, margin)
        column.setSpacing(metrics.px(8))
        column.addLayout(head)
        column.addSpacing(metrics.px(8))
        column.addWidget(TextLabel(self.tr("Colours"), Role.SMALL, "ink", 500))
        column.addWidget(self.modes, 0, Qt.AlignmentFlag.AlignLeading)
        column.addSpacing(metrics.px(8))
        column.addWidget(TextLabel(self.tr("Size of text"), Role.SMALL, "ink", 500))
        column.addLayout(sizes)
        column.addSpacing(metrics.px(8))
        column.addWidget(self.letters)

    def _choose_mode(self, mode: str) -> None:
        self._preferences.mode = Mode(mode)
        theme().set_mode(Mode(mode))

    def _choose_size(self, steps: int) -> None:
        self._preferences.text_percent = steps * _STEP
        self._show_percent(steps)
        theme().set_text_size(steps * _STEP / 100)

    def _show_percent(self, steps: int) -> None:
        self._percent.setText(self.tr("{percent} %").replace("{percent}", str(steps * _STEP)))
