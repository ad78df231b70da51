"""Names and texts as DuckDB's SQL has them."""

from collections.abc import Sequence


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
