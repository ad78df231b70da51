"""What an injection would touch: a table that must not change, a file that must not be read, secrets that must not be told."""

import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from tests.support.databases import Target

TABLE = "canary.gold"
FILE = str(Path(tempfile.gettempdir()) / f"stringx-canary-{os.getpid()}.txt")  # known before the tests start: payloads spell it
VARIABLE = "STRINGX_TARGET_CANARY"  # begins like what a check's process is given, and is given to it beside those


class Tripped(AssertionError):
    """A canary was touched; the text says which, and where it was seen."""


@dataclass
class Canaries:
    """Set up beside a target. `watch` what was said and written since; `require_untouched` raises Tripped."""

    target: Target
    secret: str = field(default_factory=lambda: f"canary-{secrets.token_hex(12)}")
    in_file: str = field(default_factory=lambda: f"canary-{secrets.token_hex(12)}")
    in_table: str = field(default_factory=lambda: f"canary-{secrets.token_hex(12)}")

    def place(self) -> None:
        """The table belongs to the loader; the file may be read and written by anybody, PostgreSQL's user included."""
        self.target.execute(f"create schema canary; create table {TABLE} (secret text)")
        self.target.execute(f"insert into {TABLE} values (%s)", (self.in_table,))
        path = Path(FILE)
        path.unlink(missing_ok=True)
        path.write_text(self.in_file, encoding="utf-8")
        path.chmod(0o666)

    def remove(self) -> None:
        Path(FILE).unlink(missing_ok=True)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear nowhere."""
        return (self.secret, self.in_file, self.in_table, self.target.password)

    def require_unchanged(self) -> None:
        """The table and the file are what they were."""
        try:
            rows = self.target.query(f"select secret from {TABLE}")
        except psycopg2.Error as error:
            raise Tripped(f"the table is gone: {error}") from error
        if rows != [(self.in_table,)]:
            raise Tripped("the table was changed")
        if Path(FILE).read_text(encoding="utf-8") != self.in_file:
            raise Tripped("the file was changed")

    def require_untouched(self, texts: Iterable[tuple[str, str | bytes]]) -> int:
        """Both; how many texts were looked at."""
        self.require_unchanged()
        return self.require_unsaid(texts)

    def require_unsaid(self, texts: Iterable[tuple[str, str | bytes]]) -> int:
        """No secret stands in any of these (place, content); how many were looked at."""
        looked = 0
        for place, content in texts:
            looked += 1
            found = content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
            for secret in self.secrets:
                if secret.encode() in found:
                    raise Tripped(f"a secret stands in {place}")
        return looked


def files(folder: Path, but: Iterable[Path] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, but for these files and folders."""
    left_out = {path.resolve() for path in but}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not left_out & {path.resolve(), *path.resolve().parents}:
            yield str(path), path.read_bytes()


def rows(url: str) -> Iterator[tuple[str, str]]:
    """Every row of every table of a database, as text."""
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"select row::text from {table} as row")
            yield table, "\n".join(text for (text,) in cursor.fetchall())
    connection.close()
