"""Plain words for a database file that cannot be opened: the cause, and what to do about it."""

import os
import re

from stringx_dataops.contract.documents.engines.duckdb import DuckdbTarget

# DuckDB's and dbt's words, and what to do about each. First match wins.
_CAUSES: tuple[tuple[str, str], ...] = (
    (r"(a database file of the target is damaged; [^\n]+)", "{0}"),
    (
        r"Could not set lock on file",
        "another process writes to {path}, and DuckDB lets nobody read meanwhile; check when it is done",
    ),
    (
        r"it was overwritten while it was read",
        "{path} was changed, replaced or removed while it was read; check again when its writer is done, and put new files in"
        " place by renaming, between checks",
    ),
    (r"Could not find adapter type duckdb|No module named 'dbt\.adapters\.duckdb'", "{install}"),
    (
        r"(newer|different|older) version of DuckDB|version number|storage version|was created with DuckDB version",
        "{path} was written by a version of DuckDB that this one cannot read; write it with STORAGE_VERSION of an older one",
    ),
    (
        r"the database defines functions or types: ([^\n]+)",
        "{path} defines functions, or types with names of DuckDB's own ({0}), which could decide about rules; take them out",
    ),
    (r"database does not exist", "there is no file {path} where the workers run; make it, or correct {field}"),
    (r"Cannot open encrypted database", "{path} is encrypted, and targets have no keys; write it without encryption"),
    (
        r"the database has a schema with the name of an attached one: ([^\n]+)",
        "attach names {0}, and {path} has a schema of that name, which DuckDB could not tell from it; give it another name",
    ),
    (r'database with name "([^"]+)" already exists', "attach names {0}, as DuckDB calls {own} already; give it another name"),
    (r"Unique file handle conflict|is already attached", "{path} is attached twice, or is the target's own; leave it out"),
    (
        r'Could not read enough bytes from file "(.+)": attempted',
        "{0} is damaged or incomplete; write it again, or put a whole copy in place",
    ),
    (r"not a valid DuckDB database file", "{path} is no database file of DuckDB; correct {field}"),
    (
        r"Corrupt database file|checksum|WAL file|replaying WAL",
        "{path} is damaged, or its .wal file does not fit; open it once with DuckDB",
    ),
    (r"Out of Memory|could not allocate block|failed to pin block", "a check needs more than its memory_limit; raise it"),
    (r"No space left|max_temp_directory_size", "no room on the workers' disk for what does not fit into memory_limit; raise it"),
)
_FILE = 'database file "{}": '  # before the fault of one of several
_PASSING = re.compile(r"Could not set lock on file")
_WHAT = {"dbt-duckdb": "DuckDB", "fsspec": "what reads objects of S3 (fsspec)"}


def install(package: str) -> str:
    """How to install what checks need."""
    return (
        f"{_WHAT[package]} is not installed where the workers run: start with ./start-service.sh --local --with duckdb, or run"
        " pip install --require-hashes -r requirements-duckdb.txt"
    )


INSTALL = install("dbt-duckdb")


def may_pass(message: str) -> bool:
    """Whether the file may be free within seconds."""
    return _PASSING.search(message) is not None


def explain(target: DuckdbTarget, message: str) -> str | None:
    """One line that names the cause and the fix; None where the message is about something else."""
    for pattern, words in _CAUSES:
        if found := re.search(pattern, message, re.IGNORECASE):
            path, field = _meant(target, message)
            line = words.format(*found.groups(), path=path, field=field, own=target.path, install=INSTALL)
            return f"target {target.name}: {line}"
    return None


def _meant(target: DuckdbTarget, message: str) -> tuple[str, str]:
    """The database file that a message is about, as the document names it, and the field that names it."""
    for path in target.attach.values():
        if any(_FILE.format(file) in message for file in (path, os.path.realpath(path))):
            return path, "attach"
    return target.path, "path"
