"""Plain words for DuckDB's errors that mislead: the cause, and what to do about it."""

import re
from collections.abc import Collection

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
    (re.compile(r'Could not read enough bytes from file "([^"]+)"'), "{} is damaged or incomplete; write it again"),
    (re.compile(r'Failed to read file "([^"]+)"'), "{} is damaged; write it again"),
    (
        re.compile(r'Ambiguous reference to catalog or schema "([^"]+)"'),
        "the database file has the name of its schema {}, which DuckDB takes for the database; rename the file",
    ),
)
_NO_ACCESS = re.compile(r'Cannot access (?:file|directory) "([^"]+)" - file system operations are disabled by configuration')
_KINDS = ("IO Error", "Invalid Input Error", "Permission Error", "Binder Error")  # that are about files and names
_WITHIN = "/**/*.parquet"  # what DuckDB looks for behind a name that is no file's: it could be a folder's


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
