"""The current theme: the one place that colours, fonts and sizes come from, and the signal that they changed."""

from enum import StrEnum

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QFocusFrame, QWidget

from clinicdesk.desktop.look import fonts
from clinicdesk.desktop.look.style import ClinicStyle
from clinicdesk.desktop.look.tokens import Metrics, Role, Scheme, Timing, Tokens


class Mode(StrEnum):
    """What the user asked for; SYSTEM follows the desktop, high contrast included."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Theme(QObject):
    """Holds the current tokens and dresses the application in them; `changed` says that they are new."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._mode = Mode.SYSTEM
        self._text_size = 1.0
        self._comfortable = False
        self._reduced_motion = False
        self._tokens = self._choose()
        self._style = ClinicStyle(self._tokens)
        app.setStyle(self._style)
        self._focus_frame: QFocusFrame | None = None
        self._dress()
        app.focusChanged.connect(self._move_focus_ring)
        hints = app.styleHints()
        hints.colorSchemeChanged.connect(self._refresh)
        hints.accessibility().contrastPreferenceChanged.connect(self._refresh)

    @property
    def tokens(self) -> Tokens:
        """Colours, metrics and timing as they are now."""
        return self._tokens

    @property
    def mode(self) -> Mode:
        """What the user asked for."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Follow the system, or keep to light or dark."""
        self._mode = mode
        hints = self._app.styleHints()
        if mode is Mode.SYSTEM:
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if mode is Mode.DARK else Qt.ColorScheme.Light)
        self._refresh()

    def set_text_size(self, text_size: float) -> None:
        """Scale text and every distance by 0.9 to 2.0; raises ValueError outside that."""
        if not 0.9 <= text_size <= 2.0:
            raise ValueError("text size must lie between 0.9 and 2.0")
        self._text_size = text_size
        self._refresh()

    def set_comfortable(self, comfortable: bool) -> None:
        """Rows 4 px higher, or as drawn."""
        self._comfortable = comfortable
        self._refresh()

    def set_reduced_motion(self, reduced: bool) -> None:
        """Nothing slides when reduced."""
        self._reduced_motion = reduced
        self._refresh()

    def font(self, role: Role, weight: int | None = None) -> QFont:
        """The font of a role at the user's text size."""
        return fonts.font(role, weight, self._text_size)

    def name_font(self, role: Role, weight: int | None = None) -> QFont:
        """The font of a role for names and record numbers at the user's text size."""
        return fonts.name_font(role, weight, self._text_size)

    def mono_font(self, role: Role) -> QFont:
        """The font of hashes at the user's text size."""
        return fonts.mono_font(role, self._text_size)

    def _choose(self) -> Tokens:
        metrics = Metrics.at(self._text_size, self._comfortable)
        timing = Timing.reduced() if self._reduced_motion else Timing()
        hints = self._app.styleHints()
        if (
            self._mode is Mode.SYSTEM
            and hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast
        ):
            self._app.setPalette(QPalette())
            return Tokens.high_contrast(self._app.palette(), metrics, timing)
        dark = self._mode is Mode.DARK or (self._mode is Mode.SYSTEM and hints.colorScheme() is Qt.ColorScheme.Dark)
        return (Tokens.dark if dark else Tokens.light)(metrics, timing)

    def _refresh(self) -> None:
        chosen = self._choose()
        if chosen == self._tokens and chosen.scheme is not Scheme.CONTRAST:
            return
        self._tokens = chosen
        self._dress()
        self.changed.emit()

    def _dress(self) -> None:
        self._style.tokens = self._tokens
        self._app.setPalette(palette(self._tokens))
        self._app.setFont(self.font(Role.BODY))
        for widget_class, role, weight in (
            ("QHeaderView", Role.SMALL, 500), ("QToolTip", Role.SMALL, 400), ("QStatusBar", Role.SMALL, 400),
        ):  # fmt: skip
            self._app.setFont(self.font(role, weight), widget_class)  # type: ignore[arg-type]  # declared bytes, takes str
        for widget in self._app.topLevelWidgets():
            QApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))

    def _move_focus_ring(self, _old: QWidget | None, new: QWidget | None) -> None:
        ringed = new if isinstance(new, QAbstractButton | QAbstractSlider) else None
        if self._focus_frame is None:
            if ringed is None:
                return
            self._focus_frame = QFocusFrame()
            self._focus_frame.destroyed.connect(self._forget_focus_ring)
        self._focus_frame.setWidget(ringed)  # type: ignore[arg-type]  # Qt takes null for none

    def _forget_focus_ring(self) -> None:
        self._focus_frame = None


def palette(tokens: Tokens) -> QPalette:
    """The Qt palette of a set of tokens."""
    made = QPalette()
    role = QPalette.ColorRole
    for to, colour in {
        role.Window: tokens.chrome, role.WindowText: tokens.ink, role.Base: tokens.base,
        role.AlternateBase: tokens.alt, role.Text: tokens.ink, role.Button: tokens.base,
        role.ButtonText: tokens.ink, role.BrightText: tokens.on_solid, role.Highlight: tokens.sel,
        role.HighlightedText: tokens.ink, role.Link: tokens.accent, role.LinkVisited: tokens.accent,
        role.PlaceholderText: tokens.ink3, role.ToolTipBase: tokens.raised, role.ToolTipText: tokens.ink,
        role.Accent: tokens.solid, role.Light: tokens.base, role.Midlight: tokens.line, role.Mid: tokens.line2,
        role.Dark: tokens.ctl, role.Shadow: tokens.ink3,
    }.items():  # fmt: skip
        made.setColor(to, colour)
    for to in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, to, tokens.ink3)
    return made


_theme: Theme | None = None


def theme() -> Theme:
    """The theme of the running application, dressed on the first call; needs a QApplication."""
    global _theme
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("the theme needs a QApplication")
    if _theme is None:
        _theme = Theme(app)
    return _theme
