"""The countries of the world to choose from, by their names in the user's language."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtWidgets import QComboBox

from clinicdesk.desktop.admin.form import combo


def country_box(code: str, *, required: bool) -> QComboBox:
    """All countries by name, with their ISO 3166 codes as data; unless one is required, none can be chosen too."""
    known = {QLocale.territoryToCode(territory): territory for territory in QLocale.Country}
    choices: list[tuple[str, object]] = sorted(
        (QLocale.territoryToString(territory), letters)
        for letters, territory in known.items()
        if len(letters) == 2 and letters.isalpha()
    )
    if not required:
        choices.insert(0, (QCoreApplication.translate("Admin", "Not said"), ""))
    elif code not in known:
        code = QLocale.territoryToCode(QLocale.system().territory())
    return combo(choices, code)
