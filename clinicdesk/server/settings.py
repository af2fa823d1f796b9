"""The server's settings: from the environment, or secrets from files that it names, all checked before anything starts."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.keys import ENCRYPTION_SETTING, KEYRING_SETTING, PASSPHRASE_SETTING
from clinicdesk.features.documents.schemas import Quota

PREFIX = "CLINICDESK_"
_FROM_FILES = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SMTP_PASSWORD",
    "SMS_TOKEN",
    "DOCUMENTS_S3_SECRET_KEY",
    "METRICS_TOKEN",
    "SENTRY_DSN",
)


# Kubernetes puts such variables beside ours where a service of its is called clinicdesk.
_OF_CLUSTER = re.compile(PREFIX + r"(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")
_OF_DATA = (PASSPHRASE_SETTING, KEYRING_SETTING, ENCRYPTION_SETTING)


class SettingsWrong(InvalidInput):
    """A setting of the environment cannot be right; `problems` names each."""

    code = "settings_wrong"


def _origin(value: str) -> str:
    scheme, colon, rest = value.strip().rstrip("/").partition("://")
    if scheme not in {"http", "https"} or not colon or not rest or "/" in rest:
        raise ValueError("an origin is like https://desk.example")
    return f"{scheme}://{rest}"


def _words(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _provider(value: str) -> str:
    parts = urlsplit(value)
    if value and parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("a provider is spoken to by https")
    return value


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username):
        raise ValueError("an object store is at an address like https://s3.example")
    return value.rstrip("/")


class Jobs(StrEnum):
    """Where the work is done that no request waits for."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class LogLevel(StrEnum):
    """From where on something is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """What can be set, each as CLINICDESK_ and the name in capitals. Without any, a trial on an embedded database."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path | None = None
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    secret_key: SecretStr | None = Field(default=None, min_length=32)
    """Seals the audit trail and signs tokens where the data lies in PostgreSQL; beside an embedded database lies a key."""
    workers: int = Field(default=1, ge=1, le=64)

    public_url: Annotated[str, AfterValidator(_origin)] = "http://127.0.0.1:8000"
    """What people see in front of the server: links in mails begin with it, and browsers may send from it."""
    trusted_proxies: Annotated[list[str], NoDecode] = ["127.0.0.1", "::1"]
    require_https: bool = True
    """Refuse what did not come by TLS, except from this machine itself."""
    cors_origins: Annotated[list[str], NoDecode] = []

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: bool = True
    mail_from: str = "clinicdesk@localhost"

    sms_url: Annotated[str, AfterValidator(_provider)] = ""
    """Of the provider that takes `{"to", "from", "text", "reference"}` as JSON by POST; empty: no SMS."""
    sms_sender: str = Field(default="", max_length=20)
    sms_token: SecretStr = SecretStr("")

    documents_dir: Path | None = None
    """The folder of documents, sealed; several machines share it. Without one: `documents` in the data folder."""
    documents_s3_url: Annotated[str, AfterValidator(_endpoint)] = ""
    """Of an object store that speaks S3, in place of the folder; its bucket has to be there."""
    documents_s3_bucket: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")
    documents_s3_access_key: str = ""
    documents_s3_secret_key: SecretStr = SecretStr("")
    documents_s3_region: str = "us-east-1"

    documents_patient_count: int = Field(default=200, ge=1, le=1_000_000)
    documents_patient_mib: int = Field(default=250, ge=1, le=10_000_000)
    """How many documents a patient may have sent in, and of what size together."""
    documents_clinic_mib: int = Field(default=0, ge=0, le=1_000_000_000)
    """How large all documents of the clinic may be together; 0: no bound."""
    documents_removed_days: int = Field(default=3653, ge=0, le=36_525)
    """How long the content of a removed document is kept; 0: for ever. What is said of it stays in any case."""

    retention_years: int = Field(default=6, ge=1, le=100)
    """How long the audit trail is kept. The law of most places asks for six years or more."""

    jobs: Jobs = Jobs.AUTO
    """Whether a server sends what waits and does the jobs as well: auto, where it is a single process."""

    pool_size: int = Field(default=5, ge=1, le=200)
    pool_overflow: int = Field(default=10, ge=0, le=200)
    """Connections to PostgreSQL that each process keeps, and those that it opens besides when many ask at once."""
    pool_wait: float = Field(default=10, gt=0, le=300)
    statement_timeout: float = Field(default=30, gt=0, le=3600)
    lock_timeout: float = Field(default=10, gt=0, le=3600)
    """Seconds: for a connection, of one statement, for somebody else's lock."""
    slow_statement_ms: int = Field(default=500, ge=0, le=3_600_000)
    """Log statements that take so long, without their values; 0: none."""

    log_level: LogLevel = LogLevel.INFO
    log_bytes: int = Field(default=1_000_000, ge=10_000, le=10_000_000_000)
    log_files: int = Field(default=5, ge=1, le=1000)
    """Of the log in the data folder: how large a file gets, and how many older ones are kept."""
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    """What /metrics asks for as a bearer token; without one it answers this machine alone."""
    sentry_dsn: SecretStr | None = None
    sentry_environment: str = Field(default="production", pattern=r"^[\w.-]{1,60}$")
    shutdown_seconds: int = Field(default=30, ge=1, le=3600)
    """How long what was begun may take to finish after the server was told to end."""

    limit_anonymous: int = Field(default=100, ge=1)
    limit_sign_ins: int = Field(default=10, ge=1)
    limit_device: int = Field(default=600, ge=1)
    """Requests in 15 minutes: without a sign-in from one address, failed sign-ins from one place, by one account that is
    signed in, on however many devices."""
    limit_sessions: int = Field(default=50, ge=1, le=10_000)
    """How often one account may be signed in at once; above that the session ends which was used longest ago."""

    @model_validator(mode="before")
    @classmethod
    def _split(cls, values: Any) -> Any:
        for name in ("trusted_proxies", "cors_origins"):
            if name in values:
                values[name] = _words(values[name])
        return values

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for origin in self.cors_origins:
            _named("CORS_ORIGINS", _origin, origin)
        for proxy in self.trusted_proxies:
            _named("TRUSTED_PROXIES", ipaddress.ip_network, proxy)
        if self.database_url and not self.database_url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError(f"{PREFIX}DATABASE_URL: it begins with postgresql://")
        if self.database_url and not self.secret_key:
            raise ValueError(f"{PREFIX}SECRET_KEY: PostgreSQL needs a secret of at least 32 characters beside it")
        self._check_documents()
        if self.workers > 1 and not self.redis_url:
            raise ValueError(
                f"{PREFIX}WORKERS: several workers share limits and events in Redis; set {PREFIX}REDIS_URL"
            )
        return self

    def _check_documents(self) -> None:
        if not self.documents_s3_url:
            return
        if self.documents_dir:
            raise ValueError(f"{PREFIX}DOCUMENTS_DIR: documents lie in a folder or in an object store, not in both")
        needed = {
            "BUCKET": self.documents_s3_bucket, "ACCESS_KEY": self.documents_s3_access_key,
            "SECRET_KEY": self.documents_s3_secret_key.get_secret_value(),
        }  # fmt: skip
        for name, value in needed.items():
            if not value:
                raise ValueError(f"{PREFIX}DOCUMENTS_S3_{name}: an object store needs it beside its address")

    @property
    def quota(self) -> Quota:
        """How much is kept of documents."""
        clinic, patient = self.documents_clinic_mib << 20, self.documents_patient_mib << 20
        return Quota(self.documents_patient_count, patient, clinic)

    @property
    def works(self) -> bool:
        """Whether the server does the jobs itself."""
        return self.jobs is Jobs.ON or (self.jobs is Jobs.AUTO and self.workers == 1)


def _named(name: str, check: Any, value: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{PREFIX}{name}: {error}") from error


def variables() -> frozenset[str]:
    """Every variable that is a setting of the server, or of a clinic's data folder."""
    own = {PREFIX + name.upper() for name in Settings.model_fields}
    return frozenset(own | {f"{PREFIX}{name}_FILE" for name in _FROM_FILES} | set(_OF_DATA))


def _unknown(given: Mapping[str, str]) -> list[str]:
    """What is said of variables that begin as ours do and are none: most often one letter is wrong."""
    known = variables()
    told = []
    for name in sorted(given):
        if name.startswith(PREFIX) and name not in known and not _OF_CLUSTER.fullmatch(name):
            meant = get_close_matches(name, known, 1)
            told.append(f"{name}: there is no such setting" + (f"; is {meant[0]} meant?" if meant else ""))
    return told


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the environment. Raises SettingsWrong, which names each variable that is not right."""
    given = dict(os.environ if environment is None else environment)
    values: dict[str, Any] = {}
    problems = _unknown(given)
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if given.get(variable):
            values[name] = given[variable]
        elif name.upper() in _FROM_FILES and given.get(f"{variable}_FILE"):
            try:
                values[name] = Path(given[f"{variable}_FILE"]).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{variable}_FILE: the file cannot be read ({type(error).__name__})")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            message = problem["msg"].removeprefix("Value error, ")
            place = PREFIX + str(problem["loc"][0]).upper() + ": " if problem["loc"] else ""
            problems.append(place + message)
    if problems:
        raise SettingsWrong(problems="; ".join(problems))
    return settings


def with_data_dir(data_dir: Path | None) -> Settings:
    """The settings of the environment, with the folder that the command line names. Raises SettingsWrong."""
    if data_dir is not None:
        os.environ[f"{PREFIX}DATA_DIR"] = str(data_dir.absolute())  # the processes of a server read it too
    return load_settings()
