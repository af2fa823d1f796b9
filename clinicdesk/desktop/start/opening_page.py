"""What the window shows until the data is open: nothing at first, and after a while what it is that takes so long."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.users.cover import CoverPage
from clinicdesk.desktop.widgets import TextLabel


class OpeningPage(CoverPage):
    """Stays quiet where opening is quick, as it mostly is."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__((), parent)
        label = TextLabel(words, colour="ink2", wrap=True)
        label.hide()
        self.form.addWidget(label)
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(label.show)
        timer.start(theme().tokens.timing.loading_words)
