"""Plain words for DuckDB's errors that mislead: the cause, and what to do about it."""

import re
from collections.abc import Collection
from pathlib import Path

from api.engine.duckdb_csv import WRONG

# DuckDB's words about one file or schema, the first group, and ours. First match wins.
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"No magic bytes found at end of file '([^']+)'"),
        "{} is damaged or incomplete, as it does not end as a file of Parquet; write it again",
    ),
    (
        re.compile(r"File '([^']+)' too small to be a Parquet file"),
        "{} is damaged or incomplete, as it is too small for a file of Parquet; write it again",
    ),
    (re.compile(r'Could not read enough bytes from file "(.+)": attempted'), "{} is damaged or incomplete; write it again"),
    (re.compile(r'Failed to read file "([^"]+)"'), "{} is damaged; write it again"),
    (
        re.compile(r'Ambiguous reference to catalog or schema "([^"]+)"'),
        "the database file has the name of its schema {}, which DuckDB takes for the database; rename the file",
    ),
)
_NO_ACCESS = re.compile(r'Cannot access (?:file|directory) "([^"]+)" - file system operations are disabled by configuration')
_KINDS = ("IO Error", "Invalid Input Error", "Permission Error", "Binder Error")  # that are about files and names
_WITHIN = "/**/*.parquet"  # what DuckDB looks for behind a name that is no file's: it could be a folder's

_CORRUPT = re.compile(
    r"Corrupt database file: computed checksum [0-9]+ does not match stored checksum ([0-9]+) in block at location ([0-9]+)"
)
_OF_DATABASES = ("Corrupt database file", "FATAL Error", "INTERNAL Error", "IO Error")
DAMAGED = "a database file of the target is damaged; write it again, or put a whole copy in place: {}"
_CSV_FAULT = re.compile(r"CSV Error on Line: ([0-9]+)|The CSV Parser state machine reached an invalid state.*")
# Whole lines, since DuckDB's message holds lines of the file, too.
_CSV_REASON = re.compile(
    r"Expected Number of Columns: [0-9]+ Found: [0-9]+|Value with unterminated quote found\."
    r"|Invalid unicode \(byte sequence mismatch\) detected\. This file is not utf-8 encoded\."
    r"|Maximum line size of [0-9]+ bytes exceeded\. Actual Size:[0-9]+ bytes\."
)
_CSV_TOO_LONG = re.compile(r"Maximum line size of ([0-9]+) bytes .*")


def words_for(error: str, files: Collection[str]) -> str | None:
    """One line for an error of DuckDB, as it says it; None if its own words do. `files` are those of the target's tables, which
    may be read. Nothing that stands within a message is taken for DuckDB's words: it may be the value of a row."""
    kind, _, message = (error.splitlines() or [""])[0].partition(": ")
    if kind not in _KINDS:
        return None
    for pattern, words in _WORDS:
        if found := pattern.match(message):
            return words.format(found[1])[:600]
    if (refused := _NO_ACCESS.match(message)) is None:
        return None
    path = refused[1].removesuffix(_WITHIN)
    if path in files:
        return f"{path} was removed while it was read; check again when its writer is done"
    if files:  # no view of somebody else's
        return None
    return f"a view reads {path}, which the target does not let it; add its folder to allow_paths"[:600]


def of_databases(error: str, files: Collection[str]) -> str | None:
    """One line for an error about a block of one of these database files, which DuckDB does not name; None for other errors."""
    if error.partition(":")[0] not in _OF_DATABASES or (found := _CORRUPT.search(error)) is None:
        return None
    stored, location = int(found[1]), int(found[2])
    having = [file for file in files if _number_at(file, location) == stored]
    return DAMAGED.format(", ".join(having or files))[:600]


def _number_at(file: str, location: int) -> int | None:
    """The checksum that stands before a block."""
    try:
        with Path(file).open("rb") as opened:
            opened.seek(location)
            return int.from_bytes(opened.read(8), "little")
    except OSError:
        return None


def of_csv(lines: list[str]) -> str | None:
    """In one line, why a file cannot be read as CSV, without what is in it; None if the error is about something else."""
    words = lines[0].partition(": ")[2]
    if words.startswith(WRONG):
        return words.removeprefix(WRONG)[:300]
    broken = _CSV_FAULT.fullmatch(words)
    if broken is None:
        return None
    file = next((line.partition("=")[2].strip() for line in reversed(lines) if line.startswith("  file = ")), "a file")
    why = next((line for line in lines[1:] if _CSV_REASON.fullmatch(line)), "it is not as RFC 4180 has it")
    if not broken[1]:  # DuckDB's parser has lost its place
        why = "its line ends are of several kinds; end each line with LF, or each with CRLF"
    elif too_long := _CSV_TOO_LONG.fullmatch(why):
        why = f"the line is too long; DuckDB reads {too_long[1]} bytes per line"
    place = f"line {broken[1]} of {file}" if broken[1] else file
    return f"{place} cannot be read as CSV: {why}"[:600]
