"""The pieces that the forms of the administration are made of."""

from __future__ import annotations

from uuid import UUID

from pytestqt.qtbot import QtBot

from clinicdesk.core.ids import new_id
from clinicdesk.desktop.admin.form import choose, combo


def test_an_equal_id_chooses_its_line(qtbot: QtBot) -> None:
    first, second = new_id(), new_id()
    box = combo([("one", first), ("two", second)], first)
    qtbot.addWidget(box)
    choose(box, UUID(second.hex))
    assert box.currentData() == second
    choose(box, new_id())
    assert box.currentData() == first
