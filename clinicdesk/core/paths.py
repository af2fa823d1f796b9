"""Where ClinicDesk's own files lie, however it was installed, and where a clinic's data goes."""

from pathlib import Path

from platformdirs import user_data_path

from clinicdesk.core.errors import Unavailable

_PACKAGE = Path(__file__).resolve().parent.parent
_PACKED = _PACKAGE / "_data"
# A wheel and a frozen build carry these folders inside the package; a checkout has them beside it.
_SHIPPED = _PACKED if _PACKED.is_dir() else _PACKAGE.parent


def resource_dir() -> Path:
    """The folder of icons, styles, translations and templates. It is read-only to the program."""
    return _SHIPPED / "resources"


def migrations_dir() -> Path:
    """The folder of the migration chain (`env.py` and `versions/`). It is read-only to the program."""
    return _SHIPPED / "migrations"


def data_dir(override: Path | None = None) -> Path:
    """The folder of the clinic's database, backups and logs: `override`, or this person's place for application data.

    It is made if it is missing, open to its owner alone; a folder that exists keeps the permissions it was given.
    Raises Unavailable("data_dir_unusable") where it cannot be made.
    """
    folder = (override or user_data_path("clinicdesk", appauthor=False)).absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Unavailable("data_dir_unusable", folder=str(folder)) from error
    return folder
