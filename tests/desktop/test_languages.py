"""Words for the person at the desk: English with its plurals always, and a glyph behind every name of one."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import PySide6
import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

import clinicdesk
from clinicdesk.core.paths import resource_dir
from clinicdesk.desktop.languages import speak
from clinicdesk.desktop.look import glyphs

SOURCE = Path(clinicdesk.__file__).parent
ENGLISH = resource_dir() / "i18n" / "clinicdesk_en.ts"

Text = tuple[str, str, str]
"""Context, source text, and the comment that tells it from another with the same words."""


def texts_with_a_number() -> Iterator[Text]:
    for file in sorted(SOURCE.rglob("*.py")):
        yield from _in_class(ast.parse(file.read_text("utf-8")), "")


def _in_class(node: ast.AST, name: str) -> Iterator[Text]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.ClassDef) else name
        yield from _in_class(child, inside)
        if isinstance(child, ast.Call):
            words = [part.value if isinstance(part, ast.Constant) else None for part in child.args]
            at = next((i for i, word in enumerate(words) if isinstance(word, str) and re.search("%L?n", word)), None)
            if at is not None and at + 1 < len(words):
                yield inside if at == 0 else str(words[0]), str(words[at]), str(words[at + 1])


def english_forms() -> dict[Text, list[str]]:
    return {
        (context.findtext("name", ""), message.findtext("source", ""), message.findtext("comment", "")): [
            form.text or "" for form in message.iterfind("translation/numerusform")
        ]
        for context in ElementTree.parse(ENGLISH).iterfind("context")
        for message in context.iterfind("message")
    }


def test_every_text_with_a_number_has_its_two_english_forms() -> None:
    needed, there = set(texts_with_a_number()), english_forms()
    assert len(needed) > 30
    assert needed - set(there) == set(), "add these to clinicdesk_en.ts, then: make translations"
    assert set(there) - needed == set(), "the program says these no more"
    assert [text for text, forms in there.items() if len(forms) != 2 or not all(forms)] == []


def test_the_compiled_english_is_that_of_its_source(tmp_path: Path) -> None:
    compiled = tmp_path / "en.qm"
    tool = Path(PySide6.__path__[0]) / ("lrelease.exe" if sys.platform == "win32" else "lrelease")
    subprocess.run([tool, "-silent", ENGLISH, "-qm", compiled], check=True)
    assert compiled.read_bytes() == ENGLISH.with_suffix(".qm").read_bytes(), "run: make translations"


@pytest.mark.parametrize(("count", "words"), [(0, "in 0 days"), (1, "in 1 day"), (2, "in 2 days"), (21, "in 21 days")])
def test_one_of_a_thing_is_told_in_the_singular(count: int, words: str) -> None:
    assert QCoreApplication.translate("Patients", "in %n days", "", count) == words


def test_english_is_spoken_where_the_system_names_no_language_and_is_loaded_once(qapp: QCoreApplication) -> None:
    before = QLocale()
    for translator in qapp.findChildren(QTranslator):
        qapp.removeTranslator(translator)
        translator.setParent(None)
    try:
        QLocale.setDefault(QLocale.c())
        speak(qapp)
        spoken = qapp.findChildren(QTranslator)
        assert QCoreApplication.translate("Patients", "%n found", "", 1) == "1 found"
        assert QCoreApplication.translate("Patients", "%n years", "", 1) == "1 year"
        speak(qapp)
        assert qapp.findChildren(QTranslator) == spoken
    finally:
        QLocale.setDefault(before)


def test_every_glyph_that_is_named_is_in_the_icon_font() -> None:
    """One that is not would raise while a widget is painted, and end the program."""
    named = {
        (name, file.name)
        for file in SOURCE.rglob("*.py")
        for name in re.findall(r"""["'](ph\.[a-z0-9-]+)["']""", file.read_text("utf-8"))
    }
    assert len(named) > 60

    def missing(name: str) -> bool:
        try:
            return not glyphs.character(name)
        except KeyError:
            return True

    assert {(name, file) for name, file in named if missing(name)} == set()
