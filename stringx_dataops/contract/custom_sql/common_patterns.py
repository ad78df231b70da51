"""Regular expressions that PostgreSQL, DuckDB (RE2) and Trino (Joni, as its macros write them) read alike. `refusals.sql` of
their macros has the same expression."""

import re
import warnings

_INSIDE = r"(?:[^\\\[\]^-]|\\[\\\]\[^.$*+?(){}|/-])"
_BRACKET = rf"\[\^?{_INSIDE}(?:-{_INSIDE})?(?:{_INSIDE}(?:-{_INSIDE})?)*-?\]"
_ATOM = rf"(?:[^\\\[\](){{}}|*+?^$]|\\[\\\]\[^.$*+?(){{}}|/dtnrfv-]|{_BRACKET}|\))"
_UP_TO_255 = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])"  # RE2 reads {01} as characters
_TIMES = rf"(?:[*+?]|\{{{_UP_TO_255}(?:,{_UP_TO_255}?)?\}})"
# Characters, escaped punctuation, \d and white space by name, brackets of plain characters and ranges; groups; alternatives;
# anchors; quantifiers up to 255.
COMMON = rf"(?:{_ATOM}(?:{_TIMES}\??)?(?![*+?{{])|\((?:\?:)?(?![*+?{{])|\|(?![*+?{{])|[\^$](?![*+?{{]))*"
_COMMON = re.compile(COMMON)
_BROKEN = {  # Python's words, and plain ones
    "unterminated character set": "a bracket [ without its ]",
    "missing ), unterminated subpattern": "a group ( without its )",
    "unbalanced parenthesis": "a ) without its (",
    "bad character range": "a range whose end is before its beginning",
    "min repeat greater than max repeat": "a quantifier whose end is before its beginning",
    "nothing to repeat": "a quantifier with nothing to repeat",
    "multiple repeat": "a quantifier behind another one",
    "bad escape (end of pattern)": "a backslash at the end",
}


def fault_of_pattern(pattern: str, engine: str) -> str | None:
    """Why the engine cannot be asked for a pattern, as the end of a sentence; None if it reads the pattern as PostgreSQL does."""
    if (broken := _fault_everywhere(pattern)) is not None:
        return f"is no regular expression: {broken}"
    if _COMMON.fullmatch(pattern) is None:
        return (
            f"has something that PostgreSQL and {engine} read differently; take characters, brackets such as [a-z], groups,"
            " |, ^, $, \\d and quantifiers"
        )
    return None


def _fault_everywhere(pattern: str) -> str | None:
    """What is broken in a pattern for every reader; None if that is not sure."""
    if pattern.startswith("***"):  # options of PostgreSQL
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        words = _BROKEN.get("bad character range" if error.msg.startswith("bad character range") else error.msg)
        return f"{words} (at character {(error.pos or 0) + 1})" if words is not None else None
    except (OverflowError, RecursionError):
        return None
    return None
