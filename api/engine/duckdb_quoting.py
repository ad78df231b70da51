"""Names and texts as DuckDB's SQL has them."""

import string
from collections.abc import Sequence

_FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def text_of(value: str) -> str:
    """A text in quotes."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def texts_of(values: Sequence[str]) -> str:
    """A list of texts."""
    return f"[{', '.join(map(text_of, values))}]::varchar[]"


def name_of(value: str) -> str:
    """A name in quotes."""
    quoted = value.replace('"', '""')
    return f'"{quoted}"'


def folded(name: str) -> str:
    """The same for all names that DuckDB takes for one: it compares names without regard to case, but only letters of ASCII."""
    return name.translate(_FOLDED)
