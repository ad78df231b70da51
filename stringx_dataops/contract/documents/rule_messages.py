"""The text that a rule shows in place of its finding: words with placeholders for its numbers, and no other format."""

import string
from collections.abc import Mapping
from typing import Any

PLACEHOLDERS = ("failures", "total", "ratio", "measured")
MAX_MESSAGE = 1000  # characters as written
_KNOWN = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)


def check_message(text: str) -> str:
    """Return the text unchanged. Raises ValueError with one sentence if it has another placeholder, or a format."""
    if not text.strip():
        raise ValueError("is empty; write what to show, or leave it out")
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(
            f"has a single {{ or }}; write {{{{ or }}}} for the sign itself, known placeholders: {_KNOWN}"
        ) from error
    for _, name, form, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            raise ValueError(f"has the placeholder {_written(name, form, conversion)[:80]}; known are {_KNOWN}")
    return text


def filled_in(text: str, numbers: Mapping[str, Any]) -> str:
    """The text with `numbers` for its placeholders. They are put in as they are: braces in them mean nothing."""
    parts = string.Formatter().parse(text)
    return "".join(words + (str(numbers[name]) if name is not None else "") for words, name, _, _ in parts)


def _written(name: str, form: str | None, conversion: str | None) -> str:
    return "{" + name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "") + "}"
