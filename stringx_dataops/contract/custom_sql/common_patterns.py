"""Regular expressions that PostgreSQL, DuckDB (RE2) and Trino (Joni, as its macros write them) read alike. `refusals.sql` of
their macros has the same expression."""

import re

_INSIDE = r"(?:[^\\\[\]^-]|\\[\\\]\[^.$*+?(){}|/-])"
_BRACKET = rf"\[\^?{_INSIDE}(?:-{_INSIDE})?(?:{_INSIDE}(?:-{_INSIDE})?)*-?\]"
_ATOM = rf"(?:[^\\\[\](){{}}|*+?^$]|\\[\\\]\[^.$*+?(){{}}|/dtnrfv-]|{_BRACKET}|\))"
_UP_TO_255 = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])"  # RE2 reads {01} as characters
_TIMES = rf"(?:[*+?]|\{{{_UP_TO_255}(?:,{_UP_TO_255}?)?\}})"
# Characters, escaped punctuation, \d and white space by name, brackets of plain characters and ranges; groups; alternatives;
# anchors; quantifiers up to 255.
COMMON = rf"(?:{_ATOM}(?:{_TIMES}\??)?(?![*+?{{])|\((?:\?:)?(?![*+?{{])|\|(?![*+?{{])|[\^$](?![*+?{{]))*"
_COMMON = re.compile(COMMON)


def fault_of_pattern(pattern: str, engine: str) -> str | None:
    """Why the engine cannot be asked for a pattern, as the end of a sentence; None if it reads the pattern as PostgreSQL does."""
    if _COMMON.fullmatch(pattern) is None:
        return (
            f"has something that PostgreSQL and {engine} read differently; take characters, brackets such as [a-z], groups,"
            " |, ^, $, \\d and quantifiers"
        )
    return None
