"""Remembers that the embedded internal database was moved elsewhere, so that it is not started by mistake.

Uses only the standard library, because it is looked at before anything is installed.
"""

from pathlib import Path

from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.settings import Settings
from stringx_dataops.contract.variables import SettingsError

MARK = "database-moved"  # a file in STRINGX_HOME


def require_not_moved(settings: Settings) -> None:
    """Raises SettingsError if the embedded database is to be used, and was moved."""
    mark = settings.home / MARK
    if settings.database_url is None and mark.exists():
        raise SettingsError(
            f"the internal database was moved to {mark.read_text(encoding='utf-8').strip() or 'another server'}: set"
            f" STRINGX_DATABASE_URL to it; or delete {mark} to go back to the embedded one, as it was then"
        )


def remember(home: Path, where: str) -> None:
    """From now on, the embedded database is not started. `where` has no password."""
    write_whole(home / MARK, f"{where}\n")
