"""Hostile texts, by family. They aim at the canaries of `canaries.py`: a table, a file and secrets with fixed names."""

from dataclasses import dataclass

from tests.safety.canaries import FILE, TABLE, VARIABLE
from tests.safety.hostile_markup import html, json_texts, paths, yaml
from tests.safety.hostile_sql import calls, comments, control_characters, dollars, quotes, stacked, strings, unicode
from tests.safety.hostile_templates import formats, jinja, long, placeholders

# Texts that do their deed on a build without quoting, which proves that the canaries can see it (`test_canaries.py`).
DELETES = f'open_door"; delete from {TABLE}; --'
DROPS = f'open_door"; drop table {TABLE}; --'
WRITES_THE_FILE = f"open_door\"; copy (select 'x') to '{FILE}'; --"
READS_THE_FILE = f"c\") || pg_read_file('{FILE}') || max(\"c"
CALLS_IN_A_VALUE = "' || canary.wipe() || '"
READS_THE_TABLE = f'c") || (select secret from {TABLE}) || max("c'
TELLS_THE_SECRET = f"{{{{ env_var('{VARIABLE}') }}}}"
RUNS_A_QUERY = f"{{{{ run_query('delete from {TABLE}; commit') }}}}"
ARMED = (
    DELETES, DROPS, WRITES_THE_FILE, READS_THE_FILE, CALLS_IN_A_VALUE, READS_THE_TABLE, TELLS_THE_SECRET, RUNS_A_QUERY,
)  # fmt: skip


@dataclass(frozen=True)
class Payload:
    """One hostile text."""

    family: str
    text: str


def corpus() -> list[Payload]:
    """All payloads, each text once."""
    found: dict[str, Payload] = {}
    for family, texts in _FAMILIES.items():
        for text in texts():
            found.setdefault(text, Payload(family, text))
    return list(found.values())


def representative(each: int) -> list[Payload]:
    """Some of every family, spread over it."""
    chosen: list[Payload] = []
    for family in _FAMILIES:
        members = [payload for payload in corpus() if payload.family == family]
        step = max(1, len(members) // each)
        chosen += members[::step][:each]
    return chosen


_FAMILIES = {
    "armed": lambda: iter(ARMED),
    "quotes": quotes,
    "stacked statements": stacked,
    "function calls": calls,
    "comments": comments,
    "dollar quoting": dollars,
    "string prefixes": strings,
    "unicode": unicode,
    "control characters": control_characters,
    "jinja": jinja,
    "yaml": yaml,
    "format strings and shells": formats,
    "paths": paths,
    "html and javascript": html,
    "json": json_texts,
    "placeholders and names": placeholders,
    "long": long,
}
