"""How a rule names another table: it may be one of another catalog."""

import re

from stringx_dataops.contract.documents.names import check_identifier

_QUOTED = re.compile(r'"(?:[^"]|"")+"(?:\."(?:[^"]|"")+"){1,2}')


def parts_of_relation(text: str) -> list[str]:
    """The names of `schema.table` or `catalog.schema.table`, or of two or three names in quotes. Raises ValueError otherwise."""
    if _QUOTED.fullmatch(text):
        parts = [part[1:-1].replace('""', '"') for part in re.findall(r'"(?:[^"]|"")+"', text)]
    else:
        parts = text.split(".")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise ValueError("is no table name; write schema.table, or catalog.schema.table for one of another catalog")
    return [check_identifier(part) for part in parts]
