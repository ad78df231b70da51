"""Plain words for a database file that cannot be opened: the cause, and what to do about it."""

import re

from stringx_dataops.contract.documents.engines.duckdb import DuckdbTarget

# DuckDB's and dbt's words, and what to do about each. First match wins.
_CAUSES: tuple[tuple[str, str], ...] = (
    (
        r"Could not set lock on file",
        "another process writes to {path}, and DuckDB lets nobody read meanwhile; check when it is done",
    ),
    (
        r"the database file was overwritten while it was read",
        "{path} was overwritten while it was read; check again when its writer is done, and put new ones in place by renaming",
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
    (r"database does not exist", "there is no file {path} where the workers run; make it, or correct path"),
    (
        r'Could not read enough bytes from file "([^"]+)"',
        "{0} is damaged or incomplete; write it again, or put a whole copy in place",
    ),
    (r"not a valid DuckDB database file", "{path} is no database file of DuckDB; correct path"),
    (
        r"Corrupt database file|checksum|WAL file|replaying WAL",
        "{path} is damaged, or its .wal file does not fit; open it once with DuckDB",
    ),
    (r"Out of Memory|could not allocate block|failed to pin block", "a check needs more than its memory_limit; raise it"),
    (r"No space left|max_temp_directory_size", "no room on the workers' disk for what does not fit into memory_limit; raise it"),
)
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
            return f"target {target.name}: {words.format(*found.groups(), path=target.path, install=INSTALL)}"
    return None
