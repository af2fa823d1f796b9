"""Why a visit is cancelled: nine reasons on the digits, then Enter."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, KeyCap, Sheet, TextLabel
from clinicdesk.features.appointments.rules import CANCEL_DIGITS


def reason_words(code: str) -> str:
    """One of FHIR's cancellation reasons as the desk says it; a code that the desk does not offer as it is."""
    _translate = QCoreApplication.translate
    return {
        "pat": _translate("Cancel", "Patient cancelled"),
        "pat-fb": _translate("Cancel", "Patient feels better"),
        "pat-lt": _translate("Cancel", "Patient has no transport"),
        "pat-mv": _translate("Cancel", "Patient has moved away"),
        "prov": _translate("Cancel", "Clinic cancelled"),
        "prov-hosp": _translate("Cancel", "Practitioner is ill"),
        "oth-weath": _translate("Cancel", "Weather"),
        "oth-oerr": _translate("Cancel", "Booked by mistake"),
        "other": _translate("Cancel", "Other reason"),
    }.get(code, code)


class CancelSheet(Sheet):
    """Asks for the reason; Enter takes the one that is marked, Esc keeps the visit."""

    reason_chosen = Signal(str)

    def __init__(self, host: QWidget, title: str) -> None:
        super().__init__(host, title, width=380, light=True)
        metrics = theme().tokens.metrics
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(20), metrics.px(16), metrics.px(20), metrics.px(16))
        column.setSpacing(metrics.px(4))
        column.addWidget(TextLabel(title, Role.CARD, wrap=True, parent=self))
        column.addSpacing(metrics.px(4))
        self._group = QButtonGroup(self)
        for number, code in enumerate(CANCEL_DIGITS, start=1):
            choice = QRadioButton(reason_words(code), self)
            choice.setAccessibleDescription(str(number))
            choice.setMinimumHeight(metrics.px(26))
            self._group.addButton(choice, number)
            row = QHBoxLayout()
            row.addWidget(KeyCap(str(number), self))
            row.addSpacing(metrics.px(4))
            row.addWidget(choice, 1)
            column.addLayout(row)
        self._group.button(1).setChecked(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(metrics.related)
        keep = ActionButton(self.tr("Keep visit"), "Esc", height=32)
        keep.clicked.connect(self.close_sheet)
        cancel = ActionButton(self.tr("Cancel visit"), "Enter", kind=ButtonKind.DANGER, height=32)
        cancel.clicked.connect(self._take)
        buttons.addStretch()
        buttons.addWidget(keep)
        buttons.addWidget(cancel)
        column.addSpacing(metrics.px(8))
        column.addLayout(buttons)
        self.closed.connect(self.deleteLater)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if Qt.Key.Key_1 <= key <= Qt.Key.Key_9:
            choice = self._group.button(key - Qt.Key.Key_0)
            choice.setChecked(True)
            choice.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take()
        else:
            super().keyPressEvent(event)

    def _take(self) -> None:
        code = CANCEL_DIGITS[self._group.checkedId() - 1]
        self.close_sheet()
        self.reason_chosen.emit(code)
