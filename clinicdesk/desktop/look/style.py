"""The style of standard Qt controls: Fusion's behaviour with hairline borders, small radii and one focus ring."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QFrame,
    QPlainTextEdit,
    QProxyStyle,
    QStyle,
    QStyleHintReturn,
    QStyleOption,
    QStyleOptionButton,
    QStyleOptionComplex,
    QStyleOptionFrame,
    QStyleOptionHeader,
    QStyleOptionMenuItem,
    QStyleOptionProgressBar,
    QStyleOptionSlider,
    QStyleOptionSpinBox,
    QStyleOptionTab,
    QTabBar,
    QTableView,
    QTextEdit,
    QWidget,
)

from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.tokens import Tokens

_State = QStyle.StateFlag
_Primitive = QStyle.PrimitiveElement
_Control = QStyle.ControlElement
_Metric = QStyle.PixelMetric
_Hint = QStyle.StyleHint
_Contents = QStyle.ContentsType

INVALID = "invalid"
"""The dynamic property that a field carries while what it holds needs attention."""


class ClinicStyle(QProxyStyle):
    """Fusion, drawn with the tokens; the theme replaces `tokens` when they change."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__("Fusion")
        self.tokens = tokens
        self._primitives: dict[
            QStyle.PrimitiveElement, Callable[[QStyleOption, QPainter, QWidget | None], None]
        ] = {
            _Primitive.PE_FrameFocusRect: self._focus_rect,
            _Primitive.PE_PanelLineEdit: self._line_edit,
            _Primitive.PE_FrameLineEdit: self._line_edit,
            _Primitive.PE_Frame: self._frame,
            _Primitive.PE_PanelButtonCommand: self._button,
            _Primitive.PE_PanelButtonTool: self._tool_button,
            _Primitive.PE_IndicatorCheckBox: self._check_box,
            _Primitive.PE_IndicatorRadioButton: self._radio_button,
            _Primitive.PE_IndicatorHeaderArrow: self._header_arrow,
            _Primitive.PE_PanelItemViewItem: self._item,
            _Primitive.PE_FrameMenu: self._menu_frame,
            _Primitive.PE_PanelTipLabel: self._tip,
            _Primitive.PE_PanelStatusBar: self._top_line,
            _Primitive.PE_FrameStatusBarItem: self._nothing,
            _Primitive.PE_PanelMenuBar: self._nothing,
            _Primitive.PE_FrameTabBarBase: self._bottom_line,
            _Primitive.PE_FrameTabWidget: self._nothing,
        }  # fmt: skip

    # Sizes

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        metrics = self.tokens.metrics
        if metric is _Metric.PM_DefaultFrameWidth:
            return 3 if isinstance(widget, QTextEdit | QPlainTextEdit) else 1
        if metric is _Metric.PM_FocusFrameHMargin and isinstance(widget, QAbstractItemView):
            # Item views take this as the margin of a cell's text.
            return metrics.px(9)
        if metric in (_Metric.PM_FocusFrameHMargin, _Metric.PM_FocusFrameVMargin):
            return metrics.focus_gap + metrics.focus_stroke
        if metric is _Metric.PM_SplitterWidth:
            return 1
        if metric is _Metric.PM_ScrollBarExtent:
            return metrics.px(12)
        if metric in (_Metric.PM_SmallIconSize, _Metric.PM_ButtonIconSize, _Metric.PM_IndicatorWidth,
                      _Metric.PM_IndicatorHeight, _Metric.PM_ExclusiveIndicatorWidth,
                      _Metric.PM_ExclusiveIndicatorHeight):  # fmt: skip
            return metrics.icon
        if metric is _Metric.PM_HeaderMargin:
            return metrics.px(10)
        if metric in (_Metric.PM_LayoutHorizontalSpacing, _Metric.PM_LayoutVerticalSpacing):
            return metrics.related
        if metric in (_Metric.PM_MenuBarPanelWidth, _Metric.PM_ToolBarFrameWidth, _Metric.PM_TabBarTabShiftVertical):
            return 0
        if metric is _Metric.PM_MenuVMargin:
            return metrics.px(4)
        return super().pixelMetric(metric, option, widget)

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returnData: QStyleHintReturn | None = None,
    ) -> int:
        if hint in (_Hint.SH_EtchDisabledText, _Hint.SH_DialogButtonBox_ButtonsHaveIcons,
                    _Hint.SH_Widget_Animation_Duration):  # fmt: skip
            return 0
        if hint in (_Hint.SH_FocusFrame_AboveWidget, _Hint.SH_MenuBar_AltKeyNavigation):
            return 1
        return super().styleHint(hint, option, widget, returnData)

    def sizeFromContents(
        self, kind: QStyle.ContentsType, option: QStyleOption, size: QSize, widget: QWidget | None = None
    ) -> QSize:
        made = super().sizeFromContents(kind, option, size, widget)  # type: ignore[arg-type]  # Qt takes a null widget
        metrics = self.tokens.metrics
        if kind is _Contents.CT_PushButton:
            return QSize(made.width() + metrics.px(8), max(metrics.button, made.height()))
        if kind in (_Contents.CT_LineEdit, _Contents.CT_ComboBox, _Contents.CT_SpinBox):
            return QSize(made.width() + metrics.px(8), metrics.field)
        if kind is _Contents.CT_MenuItem:
            height = made.height() if made.height() < metrics.px(12) else max(made.height(), metrics.menu)
            return QSize(made.width() + metrics.px(12), height)
        if kind is _Contents.CT_MenuBarItem:
            return QSize(made.width(), metrics.menu)
        if kind is _Contents.CT_TabBarTab:
            return QSize(made.width(), metrics.tab)
        if kind is _Contents.CT_ItemViewItem and not isinstance(widget, QTableView):
            return QSize(made.width(), max(metrics.row_roles, made.height()))
        if kind is _Contents.CT_HeaderSection:
            return QSize(made.width(), max(metrics.header, made.height()))
        return made

    def subElementRect(self, element: QStyle.SubElement, option: QStyleOption, widget: QWidget | None = None) -> QRect:
        rect = super().subElementRect(element, option, widget)  # type: ignore[arg-type]  # Qt takes a null widget
        if (
            element is QStyle.SubElement.SE_LineEditContents
            and isinstance(option, QStyleOptionFrame)
            and option.lineWidth
        ):
            room = self.tokens.metrics.px(6)
            return rect.adjusted(room, 0, -room, 0)
        return rect

    def subControlRect(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        part: QStyle.SubControl,
        widget: QWidget | None = None,
    ) -> QRect:
        rect = super().subControlRect(control, option, part, widget)  # type: ignore[arg-type]  # Qt takes a null widget
        if part in (QStyle.SubControl.SC_ComboBoxEditField, QStyle.SubControl.SC_SpinBoxEditField):
            room = self.tokens.metrics.px(6)
            mirrored = option.direction is Qt.LayoutDirection.RightToLeft
            return rect.adjusted(0, 0, -room, 0) if mirrored else rect.adjusted(room, 0, 0, 0)
        return rect

    # Drawing

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        draw = self._primitives.get(element)
        if draw is None:
            super().drawPrimitive(element, option, painter, widget)
            return
        painter.save()
        draw(option, painter, widget)
        painter.restore()

    def drawControl(
        self, element: QStyle.ControlElement, option: QStyleOption, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if element is _Control.CE_PushButtonLabel and isinstance(option, QStyleOptionButton) and _is_default(option):
            option = QStyleOptionButton(option)
            option.palette.setColor(QPalette.ColorRole.ButtonText, self.tokens.on_solid)
        elif element is _Control.CE_HeaderLabel and isinstance(option, QStyleOptionHeader):
            option.palette.setColor(QPalette.ColorRole.ButtonText, self.tokens.ink2)
            # Qt keeps the header's margin above and below too, and a row of 28 px has no room for that.
            margin = self.pixelMetric(_Metric.PM_HeaderMargin, option, widget)
            option.rect = option.rect.adjusted(0, -margin, 0, margin)
        elif element is _Control.CE_ProgressBarGroove:
            painter.save()
            shapes.box(painter, option.rect, self.tokens.metrics.radius_chip, self.tokens.sunk)
            painter.restore()
            return
        elif element is _Control.CE_ProgressBarContents and isinstance(option, QStyleOptionProgressBar):
            self._progress(option, painter)
            return
        elif element is _Control.CE_FocusFrame:
            self._focus_frame(option, painter)
            return
        elif element in (_Control.CE_HeaderSection, _Control.CE_HeaderEmptyArea):
            painter.fillRect(option.rect, self.tokens.alt)
            self._bottom_line(option, painter, widget)
            return
        elif element is _Control.CE_Splitter:
            painter.fillRect(option.rect, self.tokens.line2)
            return
        elif element is _Control.CE_TabBarTabShape and isinstance(option, QStyleOptionTab):
            self._tab(option, painter)
            return
        elif (
            element is _Control.CE_MenuItem
            and isinstance(option, QStyleOptionMenuItem)
            and option.menuItemType is QStyleOptionMenuItem.MenuItemType.Separator
        ):
            self._menu_separator(option, painter)
            return
        elif element is _Control.CE_MenuBarItem and isinstance(option, QStyleOptionMenuItem):
            self._menu_bar_item(option, painter)
            return
        elif element is _Control.CE_MenuBarEmptyArea:
            painter.fillRect(option.rect, self.tokens.chrome)
            return
        super().drawControl(element, option, painter, widget)

    def drawComplexControl(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        if control is QStyle.ComplexControl.CC_ScrollBar and isinstance(option, QStyleOptionSlider):
            self._scroll_bar(option, painter, widget)
        elif control is QStyle.ComplexControl.CC_Slider and isinstance(option, QStyleOptionSlider):
            self._slider(option, painter, widget)
        elif control is QStyle.ComplexControl.CC_ComboBox:
            painter.save()
            self._field(option, painter, widget)
            arrow = self.subControlRect(control, option, QStyle.SubControl.SC_ComboBoxArrow, widget)
            self._caret(painter, arrow, "ph.caret-down-bold", option)
            painter.restore()
        elif control is QStyle.ComplexControl.CC_SpinBox and isinstance(option, QStyleOptionSpinBox):
            painter.save()
            self._field(option, painter, widget)
            if option.buttonSymbols is not QAbstractSpinBox.ButtonSymbols.NoButtons:
                for part, glyph in (
                    (QStyle.SubControl.SC_SpinBoxUp, "ph.caret-up-bold"),
                    (QStyle.SubControl.SC_SpinBoxDown, "ph.caret-down-bold"),
                ):
                    self._caret(painter, self.subControlRect(control, option, part, widget), glyph, option)
            painter.restore()
        else:
            super().drawComplexControl(control, option, painter, widget)

    def _nothing(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        pass

    def _focus_rect(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        if isinstance(widget, QAbstractItemView | QTabBar):
            width = self.tokens.metrics.focus_stroke
            shapes.box(painter, option.rect, self.tokens.metrics.radius_chip, None, self.tokens.focus, width)

    def _focus_frame(self, option: QStyleOption, painter: QPainter) -> None:
        tokens, grow = self.tokens, self.tokens.metrics.focus_gap + self.tokens.metrics.focus_stroke
        painter.save()
        shapes.focus_ring(painter, option.rect.adjusted(grow, grow, -grow, -grow), tokens.metrics.radius, tokens)
        painter.restore()

    def _line_edit(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        if not isinstance(option, QStyleOptionFrame) or option.lineWidth:
            self._field(option, painter, widget)

    def _field(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        tokens = self.tokens
        enabled = bool(option.state & _State.State_Enabled)
        invalid = widget is not None and bool(widget.property(INVALID))
        focused = bool(option.state & _State.State_HasFocus)
        edge = tokens.rust if invalid else tokens.focus if focused else tokens.ctl if enabled else tokens.line2
        width = tokens.metrics.focus_stroke if invalid or focused else 1
        shapes.box(painter, option.rect, tokens.metrics.radius, tokens.base if enabled else tokens.alt, edge, width)

    def _frame(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        if isinstance(widget, QTextEdit | QPlainTextEdit):
            self._field(option, painter, widget)
        elif isinstance(widget, QFrame) and widget.frameShape() is QFrame.Shape.StyledPanel:
            shapes.box(painter, option.rect, 0, None, self.tokens.line2)

    def _button(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        draw_button(painter, option.rect, self.tokens, primary=_is_default(option), enabled=_is(option, "Enabled"),
                    hover=_is(option, "MouseOver"), down=_is(option, "Sunken") or _is(option, "On"))  # fmt: skip

    def _item(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        super().drawPrimitive(_Primitive.PE_PanelItemViewItem, option, painter, widget)
        if self.tokens.is_contrast and _is(option, "Selected"):
            # A system palette of high contrast has no tint to choose with: the chosen cells get an edge.
            shapes.box(painter, option.rect, 0, None, self.tokens.ink)

    def _tool_button(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        tokens = self.tokens
        if _is(option, "On") or _is(option, "Sunken"):
            shapes.box(painter, option.rect, tokens.metrics.radius, tokens.sel)
        elif _is(option, "MouseOver") and _is(option, "Enabled"):
            shapes.box(painter, option.rect, tokens.metrics.radius, tokens.sunk)

    def _check_box(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        tokens, on = self.tokens, _is(option, "On") or _is(option, "NoChange")
        enabled = _is(option, "Enabled")
        fill = tokens.solid if on and enabled else tokens.base if enabled else tokens.alt
        shapes.box(
            painter, option.rect, tokens.metrics.radius_chip, fill, tokens.solid if on and enabled else tokens.ctl
        )
        if on:
            glyph = "ph.minus-bold" if _is(option, "NoChange") else "ph.check-bold"
            inner = option.rect.adjusted(2, 2, -2, -2)
            glyphs.draw(painter, inner, glyph, tokens.on_solid if enabled else tokens.ink3)

    def _radio_button(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        tokens, on = self.tokens, _is(option, "On")
        rect = QRectF(option.rect)
        enabled = _is(option, "Enabled")
        edge = tokens.solid if on and enabled else tokens.ctl
        shapes.box(painter, rect, rect.width() / 2, tokens.base if enabled else tokens.alt, edge)
        if on:
            dot = rect.adjusted(4, 4, -4, -4)
            shapes.box(painter, dot, dot.width() / 2, edge)

    def _header_arrow(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        down = getattr(option, "sortIndicator", None)
        name = "ph.caret-up-bold" if down is not None and down.name == "SortDown" else "ph.caret-down-bold"
        rect = QRect(0, 0, self.tokens.metrics.px(10), self.tokens.metrics.px(10))
        rect.moveCenter(option.rect.center())
        glyphs.draw(painter, rect, name, self.tokens.ink2)

    def _menu_frame(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        shapes.box(painter, option.rect, 0, None, self.tokens.line2)

    def _tip(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        shapes.box(painter, option.rect, 0, self.tokens.raised, self.tokens.line2)

    def _top_line(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        rect = option.rect
        painter.fillRect(rect, self.tokens.chrome)
        shapes.hairline(painter, QPointF(rect.topLeft()), QPointF(rect.topRight()), self.tokens.line)

    def _bottom_line(self, option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
        rect = option.rect
        shapes.hairline(painter, QPointF(rect.bottomLeft()), QPointF(rect.bottomRight()), self.tokens.line2)

    def _menu_separator(self, option: QStyleOptionMenuItem, painter: QPainter) -> None:
        rect, inset = option.rect, self.tokens.metrics.px(8)
        painter.fillRect(rect, option.palette.base())
        y = rect.center().y()
        shapes.hairline(painter, QPointF(rect.left() + inset, y), QPointF(rect.right() - inset, y), self.tokens.line2)

    def _menu_bar_item(self, option: QStyleOptionMenuItem, painter: QPainter) -> None:
        tokens = self.tokens
        open_ = _is(option, "Selected") and _is(option, "Sunken")
        painter.fillRect(option.rect, tokens.sel if open_ else tokens.chrome)
        painter.setPen(tokens.ink if _is(option, "Enabled") else tokens.ink3)
        painter.drawText(option.rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextShowMnemonic, option.text)

    def _tab(self, option: QStyleOptionTab, painter: QPainter) -> None:
        rect = option.rect
        if option.state & _State.State_Selected:
            painter.fillRect(QRect(rect.left(), rect.bottom() - 1, rect.width(), 2), self.tokens.accent)
        elif option.state & _State.State_MouseOver:
            painter.fillRect(QRect(rect.left(), rect.bottom() - 1, rect.width(), 2), self.tokens.line2)

    def _caret(self, painter: QPainter, rect: QRect, glyph: str, option: QStyleOption) -> None:
        size = min(self.tokens.metrics.px(12), rect.height() - 3)
        target = QRect(0, 0, size, size)
        inward = self.tokens.metrics.px(3)
        target.moveCenter(rect.center())
        target.translate(inward if option.direction is Qt.LayoutDirection.RightToLeft else -inward, 0)
        glyphs.draw(painter, target, glyph, self.tokens.ink2 if _is(option, "Enabled") else self.tokens.ink3)

    def _progress(self, option: QStyleOptionProgressBar, painter: QPainter) -> None:
        span = option.maximum - option.minimum
        if span <= 0:
            return
        done = QRect(option.rect)
        done.setWidth(round(done.width() * (option.progress - option.minimum) / span))
        painter.save()
        shapes.box(painter, QStyle.visualRect(option.direction, option.rect, done), self.tokens.metrics.radius_chip,
                   self.tokens.slate)  # fmt: skip
        painter.restore()

    def _slider(self, option: QStyleOptionSlider, painter: QPainter, widget: QWidget | None) -> None:
        control = QStyle.ComplexControl.CC_Slider
        groove = QRectF(self.subControlRect(control, option, QStyle.SubControl.SC_SliderGroove, widget))
        handle = QRectF(self.subControlRect(control, option, QStyle.SubControl.SC_SliderHandle, widget))
        track = QRectF(groove)
        if option.orientation is Qt.Orientation.Horizontal:
            track.setHeight(4)
        else:
            track.setWidth(4)
        track.moveCenter(groove.center())
        side = min(handle.width(), handle.height(), self.tokens.metrics.icon)
        knob = QRectF(0, 0, side, side)
        knob.moveCenter(handle.center())
        painter.save()
        shapes.box(painter, track, 2, self.tokens.line2)
        shapes.box(painter, knob, side / 2, self.tokens.base, self.tokens.solid, 2)
        painter.restore()

    def _scroll_bar(self, option: QStyleOptionSlider, painter: QPainter, widget: QWidget | None) -> None:
        control = QStyle.ComplexControl.CC_ScrollBar
        handle = QRectF(self.subControlRect(control, option, QStyle.SubControl.SC_ScrollBarSlider, widget))
        if option.minimum == option.maximum:
            return
        across = option.orientation is Qt.Orientation.Vertical
        handle = handle.adjusted(3, 1, -3, -1) if across else handle.adjusted(1, 3, -1, -3)
        active = option.state & (_State.State_MouseOver | _State.State_Sunken)
        painter.save()
        shapes.box(painter, handle, min(handle.width(), handle.height()) / 2,
                   self.tokens.ctl if active else self.tokens.line2)  # fmt: skip
        painter.restore()


def draw_button(
    painter: QPainter, rect: QRect, tokens: Tokens, *, primary: bool, enabled: bool, hover: bool, down: bool,
    danger: bool = False,
) -> None:  # fmt: skip
    """The box of a push button: solid when it is the primary one, else a bordered box; rust edge when dangerous."""
    radius = tokens.metrics.radius
    if not enabled:
        shapes.box(painter, rect, radius, tokens.alt, tokens.line2)
    elif primary:
        fill = tokens.solid.darker(115) if down else tokens.solid.darker(107) if hover else tokens.solid
        shapes.box(painter, rect, radius, fill)
    else:
        fill = tokens.sunk if down else tokens.alt if hover else tokens.base
        shapes.box(painter, rect, radius, fill, tokens.rust if danger else tokens.ctl)


def _is(option: QStyleOption, state: str) -> bool:
    return bool(option.state & getattr(_State, f"State_{state}"))


def _is_default(option: QStyleOption) -> bool:
    return (
        isinstance(option, QStyleOptionButton)
        and bool(option.features & QStyleOptionButton.ButtonFeature.DefaultButton)
        and _is(option, "Enabled")
    )
