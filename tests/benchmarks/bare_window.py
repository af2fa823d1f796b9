"""The least that a window can be, in a process of its own: painted empty, then 300 boxes with two texts each, then a list of
50 rows. Prints as JSON what that took, as `session` does of the desk."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from PySide6.QtCore import QPoint, QRect, QStringListModel, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QListView, QWidget

from tests.benchmarks.memory import peak_memory

REPAINTS = 20
_SIZE = (1920, 1080)


class _Boxes(QWidget):
    """A day of ten practitioners, as the plainest calendar would paint it; every day has names of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.day = itertools.count()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, day = QPainter(self), next(self.day)
        for column, row in itertools.product(range(10), range(30)):
            box = QRect(column * 180, row * 30, 170, 28)
            painter.fillRect(box, Qt.GlobalColor.lightGray)
            painter.drawText(box.topLeft() + QPoint(20, 12), f"Name {day} {column} {row}")
            painter.drawText(box.topLeft() + QPoint(100, 12), f"Reason {row}")


class _Empty(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        results["complete"] = time.monotonic_ns()
        results["peak"] = peak_memory()
        QTimer.singleShot(0, _more)


def _more() -> None:
    boxes, rows, model = _Boxes(), QListView(), QStringListModel()
    rows.setModel(model)
    for widget in (boxes, rows):
        widget.resize(*_SIZE)
        widget.show()
        app.processEvents()
    for nth in range(REPAINTS):
        spent = time.thread_time()
        boxes.repaint()
        results["days"].append(time.thread_time() - spent)
        began = time.perf_counter()
        model.setStringList([f"Name {nth} {row}, born on a day, at a number" for row in range(50)])
        rows.viewport().repaint()
        results["keys"].append(time.perf_counter() - began)
    QTimer.singleShot(0, app.quit)


if __name__ == "__main__":
    results: dict[str, Any] = {"days": [], "keys": []}
    app = QApplication([])
    window = _Empty()
    window.resize(*_SIZE)
    window.show()
    app.exec()
    print(json.dumps(results))
