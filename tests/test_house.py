"""The house keeps its own rules: nothing of one machine in the repository, small files that say what they promise."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "clinicdesk").rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# Folders of a developer's or a build machine, and the ways in which a package index is named.
MACHINE_PATH = re.compile(rb"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+)/")
PACKAGE_INDEX = re.compile(
    rb"^\s*--(?:extra-)?index-url|^\s*--find-links|//(?:[\w.-]+\.)?(?:pypi|pythonhosted)\.org", re.M
)

# The parts of Qt that are offered under the GPL alone, which a program under the Apache licence cannot be shipped with.
GPL_ONLY_QT = re.compile(
    r"Qt(?:Charts|Coap|DataVisualization|Graphs\w*|HttpServer|LanguageServer|Mqtt|NetworkAuth|Quick3D\w*"
    r"|QuickTimeline|VirtualKeyboard|WaylandCompositor)"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file of the repository; `safe.directory` lets another user than the owner of the checkout ask."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if (ROOT / name).is_file()]


def names_of(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


def imports_of(module: Path) -> set[str]:
    """The dotted names that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module or ''}.{alias.name}" for alias in node.names)
    return names


def test_no_tracked_file_names_a_path_of_one_machine(tracked: list[Path]) -> None:
    assert names_of([file for file in tracked if MACHINE_PATH.search(file.read_bytes())]) == []


def test_no_tracked_file_names_a_package_index(tracked: list[Path]) -> None:
    assert names_of([file for file in tracked if PACKAGE_INDEX.search(file.read_bytes())]) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_with_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = re.findall(r"^[^\s#].*", text.replace("\\\n", ""), re.M)

    assert entries
    assert [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:", entry)] == []
    assert "://" not in text


def test_every_module_opens_with_what_it_promises() -> None:
    silent = [module for module in MODULES if not ast.get_docstring(ast.parse(module.read_bytes()))]
    assert names_of(silent) == []


def test_no_module_is_too_long_to_read() -> None:
    long = [module for module in MODULES if module.read_bytes().count(b"\n") >= 700]
    assert names_of(long) == []


def test_no_part_of_qt_that_is_under_the_gpl_alone_is_imported() -> None:
    refused = [module for module in MODULES if any(GPL_ONLY_QT.search(name) for name in imports_of(module))]
    assert names_of(refused) == []


def test_the_desk_installs_nothing_of_the_server_and_the_server_no_window() -> None:
    pinned = {lock.stem: set(re.findall(r"^([a-z0-9-]+)==", lock.read_text(encoding="utf-8"), re.M)) for lock in LOCKS}
    assert (
        pinned["run"] & {"fastapi", "uvicorn", "psycopg", "redis", "boto3", "prometheus-client", "sentry-sdk"} == set()
    )
    assert {name for name in pinned["server"] if name.startswith(("pyside", "shiboken", "qt"))} == set()
    assert pinned["server"] <= pinned["dev"] | pinned["run"]
