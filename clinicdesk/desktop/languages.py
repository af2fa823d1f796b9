"""Gives the desk its words: English with its plurals always, and the system's language over it where that is known."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from clinicdesk.core.paths import resource_dir


def speak(app: QCoreApplication) -> None:
    """Load the translations, once for each program.

    The texts in the source are English, but only a translation knows that one day is no "1 days".
    """
    if app.findChild(QTranslator) is not None:
        return
    ours = str(resource_dir() / "i18n")
    _install(app, "clinicdesk_en", ours)
    locale = QLocale()
    if locale.language() not in (QLocale.Language.C, QLocale.Language.English):
        _install(app, locale, QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath), "qtbase")
        _install(app, locale, ours, "clinicdesk")


def _install(app: QCoreApplication, what: str | QLocale, folder: str, name: str = "") -> None:
    translator = QTranslator(app)
    found = translator.load(what, folder) if isinstance(what, str) else translator.load(what, name, "_", folder)
    if found:
        app.installTranslator(translator)
    else:
        translator.deleteLater()
