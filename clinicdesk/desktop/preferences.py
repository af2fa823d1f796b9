"""What this desk remembers of how its window looked: geometry, theme and sizes; nothing of a patient, no secret."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from PySide6.QtCore import QByteArray, QSettings

from clinicdesk.desktop.look.theme import Mode

FILE_NAME = "preferences.ini"


class Preferences:
    """Typed values in one small file of the data folder; a file that is missing or spoilt gives the defaults."""

    def __init__(self, folder: Path) -> None:
        self._settings = QSettings(str(folder / FILE_NAME), QSettings.Format.IniFormat)

    @property
    def mode(self) -> Mode:
        """Light, dark, or as the system says."""
        word = self._text("look/mode")
        return Mode(word) if word in set(Mode) else Mode.SYSTEM

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._settings.setValue("look/mode", mode.value)

    @property
    def text_percent(self) -> int:
        """The size of text in percent, 90 to 200."""
        word = self._text("look/text_percent")
        return min(max(int(word), 90), 200) if word.isdecimal() else 100

    @text_percent.setter
    def text_percent(self, percent: int) -> None:
        self._settings.setValue("look/text_percent", str(percent))

    @property
    def character_keys(self) -> bool:
        """Whether single letters act in calendars and lists."""
        return self._text("keys/characters") != "off"

    @character_keys.setter
    def character_keys(self, on: bool) -> None:
        self._settings.setValue("keys/characters", "on" if on else "off")

    @property
    def last_screen(self) -> str:
        """The name of the screen that was open last; empty at first."""
        return self._text("window/screen")

    @last_screen.setter
    def last_screen(self, name: str) -> None:
        self._settings.setValue("window/screen", name)

    @property
    def geometry(self) -> QByteArray:
        """Where the window was, as Qt keeps it; empty at first."""
        return self._bytes("window/geometry")

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("window/geometry", geometry)

    def practitioners(self, user_id: UUID) -> frozenset[UUID] | None:
        """Whose columns this person chose to see on the calendar; None where they follow from the day."""
        try:
            return frozenset(map(UUID, self._text(f"calendar/{user_id.hex}").split())) or None
        except ValueError:
            return None

    def set_practitioners(self, user_id: UUID, ids: frozenset[UUID] | None) -> None:
        self._settings.setValue(f"calendar/{user_id.hex}", " ".join(sorted(one.hex for one in ids or ())))

    def splitter(self, name: str) -> QByteArray:
        """The state of the splitter of that name, as Qt keeps it; empty at first."""
        return self._bytes(f"splitters/{name}")

    def set_splitter(self, name: str, state: QByteArray) -> None:
        self._settings.setValue(f"splitters/{name}", state)

    def save(self) -> None:
        """Write the file now."""
        self._settings.sync()

    def _text(self, key: str) -> str:
        value = self._settings.value(key, "")
        return value if isinstance(value, str) else ""

    def _bytes(self, key: str) -> QByteArray:
        value = self._settings.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()
