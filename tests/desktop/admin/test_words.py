"""What the administration calls things: nothing that it may have to name is without a word."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin import words


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_has_words(qtbot: QtBot, permission: Permission) -> None:
    assert words.permission(permission)
