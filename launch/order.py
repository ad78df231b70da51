"""The order of an upgrade: schema, Backend, DataOps, workers.

A process understands what one of the release before sends; the other way round it need not. A cluster replaces all roles at
once. So each new process waits by itself (`python -m launch wait ROLE`): until no migration is missing, and until nothing of an
earlier release runs that it sends something to.
"""

import sys
import time
from collections.abc import Iterator

from database.migrate import missing_migrations
from database.pool import Database
from database.releases import older
from stringx_dataops import __version__
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import Settings

BEFORE: dict[str, tuple[str, ...]] = {
    "backend": (),
    "trigger": (),
    "docs": (),
    "api": ("backend",),
    "worker": ("backend", "api"),
}
LONGEST_S = 900.0  # then the process ends, and whoever started it starts it again
_NAMES = {"backend": "Backend", "api": "DataOps"}
_LOOK_S = 1.0
_AGAIN_S = 30.0  # how often the same reason is printed
_MOST_NAMES = 3


def wait(settings: Settings, role: str, longest_s: float = LONGEST_S) -> int:
    """Wait until there is no reason left and return 0, or 3 if that takes longer than `longest_s`. Prints what it waits for.

    Raises SettingsError without STRINGX_DATABASE_URL.
    """
    database = Database(settings.require_database_url(), size=1, application_name="stringx wait")
    until, printed, printed_at = time.monotonic() + longest_s, "", 0.0
    while True:
        try:
            reason = next(reasons(database, role), None)
        except StringXError as error:
            reason = error.detail
        now = time.monotonic()
        if reason is None:
            return 0
        if reason != printed or now - printed_at > _AGAIN_S:
            print(f"wait {role}: {reason}", file=sys.stderr, flush=True)
            printed, printed_at = reason, now
        if now > until:
            print(f"wait {role}: gave up after {longest_s:.0f} s", file=sys.stderr)
            return 3
        time.sleep(_LOOK_S)


def reasons(database: Database, role: str, release: str = __version__) -> Iterator[str]:
    """Why a process of this role and release must not start yet, one line each. Raises a StringXError if the database is away."""
    if missing := missing_migrations(database):
        yield f"migrations are missing: {_few(missing)}; the role migrate applies them"
        return
    for other in BEFORE[role]:
        if found := older(database, other, release):
            yield f"{_NAMES[other]} of release {found[0][1]} still runs: {_few([name.split(':')[0] for name, _ in found])}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else "")
