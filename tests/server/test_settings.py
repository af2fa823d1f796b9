"""The settings are checked before anything starts, and each error names its variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinicdesk.server.settings import SettingsWrong, load_settings

SECRET = "a secret of more than thirty-two characters"
S3 = "https://s3.example"
URL = "postgresql://clinic@db/clinic"


def test_a_trial_needs_no_setting() -> None:
    settings = load_settings({})
    assert (settings.database_url, settings.redis_url, settings.workers) == (None, None, 1)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"CLINICDESK_WORKERS": "many"}, "CLINICDESK_WORKERS"),
        ({"CLINICDESK_WORKERS": "4"}, "CLINICDESK_REDIS_URL"),
        ({"CLINICDESK_DATABASE_URL": URL}, "CLINICDESK_SECRET_KEY"),
        ({"CLINICDESK_DATABASE_URL": "mysql://x", "CLINICDESK_SECRET_KEY": SECRET}, "CLINICDESK_DATABASE_URL"),
        ({"CLINICDESK_SECRET_KEY": "short"}, "CLINICDESK_SECRET_KEY"),
        ({"CLINICDESK_SMTP_PORT": "0"}, "CLINICDESK_SMTP_PORT"),
        ({"CLINICDESK_CORS_ORIGINS": "portal.example"}, "CLINICDESK_CORS_ORIGINS"),
        ({"CLINICDESK_TRUSTED_PROXIES": "proxy"}, "CLINICDESK_TRUSTED_PROXIES"),
        ({"CLINICDESK_PUBLIC_URL": "desk"}, "CLINICDESK_PUBLIC_URL"),
        ({"CLINICDESK_SECRET_KEY_FILE": "/nowhere"}, "CLINICDESK_SECRET_KEY_FILE"),
        ({"CLINICDESK_REQUIRE_HTTPS": "perhaps"}, "CLINICDESK_REQUIRE_HTTPS"),
        ({"CLINICDESK_WORKER": "1"}, "CLINICDESK_WORKERS meant"),
        ({"CLINICDESK_SMPT_PORT": "25"}, "CLINICDESK_SMTP_PORT meant"),
        ({"CLINICDESK_NONSENSE_OF_A_KIND": "1"}, "CLINICDESK_NONSENSE_OF_A_KIND"),
        ({"CLINICDESK_POOL_SIZE": "0"}, "CLINICDESK_POOL_SIZE"),
        ({"CLINICDESK_LOG_LEVEL": "loud"}, "CLINICDESK_LOG_LEVEL"),
        ({"CLINICDESK_RETENTION_YEARS": "0"}, "CLINICDESK_RETENTION_YEARS"),
        ({"CLINICDESK_SMS_URL": "http://sms.example/"}, "CLINICDESK_SMS_URL"),
        ({"CLINICDESK_METRICS_TOKEN": "short"}, "CLINICDESK_METRICS_TOKEN"),
        ({"CLINICDESK_SMTP_PASSWORD_FILE": "/nowhere"}, "CLINICDESK_SMTP_PASSWORD_FILE"),
        ({"CLINICDESK_DOCUMENTS_S3_URL": "s3.example"}, "CLINICDESK_DOCUMENTS_S3_URL"),
        ({"CLINICDESK_DOCUMENTS_S3_URL": S3, "CLINICDESK_DOCUMENTS_DIR": "/x"}, "CLINICDESK_DOCUMENTS_DIR"),
        ({"CLINICDESK_DOCUMENTS_S3_URL": S3}, "CLINICDESK_DOCUMENTS_S3_BUCKET"),
        ({"CLINICDESK_DOCUMENTS_S3_URL": S3, "CLINICDESK_DOCUMENTS_S3_BUCKET": "B!"}, "CLINICDESK_DOCUMENTS_S3_BUCKET"),
        (
            {"CLINICDESK_DOCUMENTS_S3_URL": S3, "CLINICDESK_DOCUMENTS_S3_BUCKET": "clinic"},
            "CLINICDESK_DOCUMENTS_S3_ACCESS_KEY",
        ),
        (
            {
                "CLINICDESK_DOCUMENTS_S3_URL": S3,
                "CLINICDESK_DOCUMENTS_S3_BUCKET": "clinic",
                "CLINICDESK_DOCUMENTS_S3_ACCESS_KEY": "key",
            },
            "CLINICDESK_DOCUMENTS_S3_SECRET_KEY",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        load_settings(environment)
    assert named in str(wrong.value.params["problems"])


def test_every_wrong_setting_is_named_at_once_and_no_secret_is() -> None:
    with pytest.raises(SettingsWrong) as wrong:
        load_settings({"CLINICDESK_SMTP_PORT": "x", "CLINICDESK_WORKERS": "x", "CLINICDESK_SECRET_KEY": "hush"})
    problems = str(wrong.value.params["problems"])
    assert "SMTP_PORT" in problems
    assert "WORKERS" in problems
    assert "hush" not in problems


def test_a_secret_can_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    settings = load_settings({"CLINICDESK_DATABASE_URL": URL, "CLINICDESK_SECRET_KEY_FILE": str(file)})
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


def test_what_a_cluster_puts_beside_the_settings_is_none_of_our_business() -> None:
    names = ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_8000_TCP_ADDR")
    assert load_settings({f"CLINICDESK_{name}": "tcp://10.0.0.1:8000" for name in names}).workers == 1
