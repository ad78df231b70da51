"""How rules name other tables on engines with several catalogs or databases."""

import re

from stringx_dataops.contract.documents.names import check_identifier

_QUOTED = re.compile(r'"(?:[^"]|"")+"(?:\."(?:[^"]|"")+"){1,2}')


def parts_of_relation(text: str, outermost: str) -> list[str]:
    """The names of `schema.table`, of three names such as `catalog.schema.table`, or of two or three names in quotes. `outermost`
    is what the engine calls the first of three. Raises ValueError otherwise."""
    is_quoted = _QUOTED.fullmatch(text) is not None
    quoted = re.findall(r'"(?:[^"]|"")+"', text) if is_quoted else []
    parts = [part[1:-1].replace('""', '"') for part in quoted] or text.split(".")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise ValueError(f"is no table name; write schema.table, or {outermost}.schema.table for one of another {outermost}")
    if not is_quoted and any('"' in part or part != part.strip() for part in parts):
        raise ValueError("has a quote, or a blank at an end of a name; write all names in quotes, or none")
    return [check_identifier(part) for part in parts]
