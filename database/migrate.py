"""Brings the internal database up to date and makes the secrets of an installation: `python -m database.migrate`.

Migrations are numbered SQL files, each run once, in order, in a transaction of its own, under an advisory lock.
"""

import sys
from pathlib import Path

from contract import environment, signatures
from contract.environment import Settings, SettingsError
from contract.keys import SCOPES, SERVICE_SCOPES, new_key
from contract.problems import Unavailable
from database import keys
from database.pool import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_418_205_331  # any number of ours: two migrations never run at once


def migrate(database: Database) -> list[str]:
    """Apply what is missing; the names of the files that were run."""
    with database.transaction() as cursor:
        cursor.run("select pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})
        cursor.run(
            "create table if not exists public.stringx_migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        missing = _missing(cursor.all("select name from public.stringx_migrations"))
        for path in missing:
            cursor.run(path.read_text(encoding="utf-8"))
            cursor.run("insert into public.stringx_migrations (name) values (%(name)s)", {"name": path.name})
    return [path.name for path in missing]


def missing_migrations(database: Database) -> list[str]:
    """The files that the database has not seen; what /readyz tells."""
    with database.transaction() as cursor:
        if cursor.one("select 1 from pg_tables where schemaname = 'public' and tablename = 'stringx_migrations'") is None:
            return [path.name for path in _missing([])]
        return [path.name for path in _missing(cursor.all("select name from public.stringx_migrations"))]


def _missing(applied: list[dict[str, str]]) -> list[Path]:
    known = {row["name"] for row in applied}
    return [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name not in known]


def make_secrets(settings: Settings, database: Database) -> None:
    """The owner's key, the key and the signing secret of the services: made where missing, keys registered."""
    for variable, file, scopes in (
        ("STRINGX_API_KEY", "api-key", SCOPES),
        ("STRINGX_SERVICE_KEY", "service-key", SERVICE_SCOPES),
    ):
        path = settings.home / file
        if environment.secret(variable, path) is None:
            environment.write_secret(path, new_key())
        key = environment.secret(variable, path)
        assert key is not None  # just written
        keys.register(database, file, key, scopes)
    if environment.secret("STRINGX_SIGNING_SECRET", settings.home / "signing-secret") is None:
        environment.write_secret(settings.home / "signing-secret", signatures.new_secret())


def main() -> int:
    try:
        settings = environment.read()
        database = Database(settings.require_database_url(), size=1, application_name="stringx migrate")
        for name in migrate(database):
            print(f"applied {name}")
        make_secrets(settings, database)
    except (SettingsError, Unavailable) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
