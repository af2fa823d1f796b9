"""What is handed to operators fits the program: every setting, every figure, every unit."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic import SecretStr

from clinicdesk import cli
from clinicdesk.cli.commands import Options
from clinicdesk.server.figures import _of_clinic
from clinicdesk.server.serving import Serving, serve_from
from clinicdesk.server.settings import Settings, load_settings, variables

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "packaging" / "server"
OPERATOR = ROOT / "docs" / "operator.md"
_FIGURE = re.compile(r"clinicdesk_\w+")


def assignments(file: Path) -> dict[str, str]:
    found = re.findall(r"^#?(CLINICDESK_\w+)=(.*)$", file.read_text(encoding="utf-8"), re.M)
    assert len(found) == len(dict(found)), "each once"
    return dict(found)


def test_the_example_environment_has_every_setting_and_nothing_else() -> None:
    assert assignments(SERVER / "environment.example").keys() == variables()


def test_what_the_example_sets_would_start(tmp_path: Path) -> None:
    lines = (SERVER / "environment.example").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line.startswith("CLINICDESK_"))
    secret = tmp_path / "secret-key"
    secret.write_text("a secret of more than thirty-two characters")
    assert load_settings({**given, "CLINICDESK_SECRET_KEY_FILE": str(secret)}).workers == 4


def test_the_example_tells_the_defaults_as_they_are() -> None:
    examples = assignments(SERVER / "environment.example")
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, bool | int | float) and name not in ("workers",):
            told = examples[f"CLINICDESK_{name.upper()}"]
            assert told == ({True: "on", False: "off"}[default] if isinstance(default, bool) else f"{default:g}"
                            if isinstance(default, float) else str(default)), name  # fmt: skip
        assert not isinstance(default, SecretStr) or examples[f"CLINICDESK_{name.upper()}"] == ""


def test_the_operators_page_says_what_every_setting_is() -> None:
    page = OPERATOR.read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(CLINICDESK_\w+)`", page, re.M))
    assert told == {name for name in variables() if not name.endswith("_FILE")}


@pytest.fixture
def serving(db: Any) -> Serving:
    return serve_from(load_settings({}), db, lambda: None)


def figures(serving: Serving) -> set[str]:
    """Every name under which a figure may stand at /metrics."""
    names: set[str] = set()
    for registry in (REGISTRY, _of_clinic(serving)):
        for metric in registry.collect():
            names |= {metric.name, *(sample.name for sample in metric.samples)}
            if metric.type == "counter":
                names.add(f"{metric.name}_total")
            if metric.type == "histogram":
                names |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
    return {name for name in names if name.startswith("clinicdesk_")}


@pytest.mark.parametrize("file", ["grafana-dashboard.json", "alerts.yaml"])
def test_every_figure_that_is_drawn_or_watched_exists(serving: Serving, file: str) -> None:
    text = (SERVER / file).read_text(encoding="utf-8")
    if file.endswith("json"):
        expressions = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    else:
        expressions = [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    used = {name for expression in expressions for name in _FIGURE.findall(expression)}
    assert used
    assert sorted(used - figures(serving)) == []


def test_the_operators_page_says_what_each_alert_means() -> None:
    alerts = {
        rule["alert"]
        for group in yaml.safe_load((SERVER / "alerts.yaml").read_text())["groups"]
        for rule in group["rules"]
    }
    assert set(re.findall(r"^\| `(ClinicDesk\w+)`", OPERATOR.read_text(encoding="utf-8"), re.M)) == alerts


@pytest.mark.parametrize("unit", ["clinicdesk.service", "clinicdesk-worker.service"])
def test_a_unit_runs_a_command_that_there_is_without_rights_it_does_not_need(unit: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SERVER / unit)
    service = parser["Service"]
    words = service["ExecStart"].split()[1:]
    cli._parser().parse_args(words, Options(json=False, data_dir=None, run=None))
    assert service["User"] == "clinicdesk"
    assert (service["ProtectSystem"], service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == (
        "strict",
        "yes",
        "",
    )


def test_the_containers_use_settings_that_exist_and_no_secret_stands_in_them() -> None:
    text = (SERVER / "compose.yaml").read_text(encoding="utf-8")
    composed = yaml.safe_load(text)
    own = composed["services"]["server"]["environment"]
    assert own.keys() <= variables()
    assert composed["services"].keys() == {"server", "worker", "database", "redis", "proxy"}
    for secret in composed["secrets"].values():
        assert secret["file"].startswith("../../secrets/")
    container = (SERVER / "Containerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in container
    assert re.search(r"^USER 10001$", container, re.M)
    assert "HEALTHCHECK" in container
