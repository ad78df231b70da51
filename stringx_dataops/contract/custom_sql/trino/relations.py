"""How documents name tables: that of a document is of the target's catalog, another table may be one of another catalog."""

import re

from stringx_dataops.contract.documents.names import TableName, check_identifier

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


def fault_of_table(text: str) -> str | None:
    """What is wrong with the text as the table of a document, if it is a name at all."""
    try:
        table = TableName.parse(text)
    except ValueError:
        return None  # which the document's model says
    if "." in table.name and "." not in table.schema:
        return f"names a catalog, which is the target's: write {table.name}"
    if str(table) != str(table).lower():
        return f"is another name than Trino has, which knows lower case alone; write {str(table).lower()}"
    if table.schema == "information_schema" or "$" in table.name:
        return "is about tables and none itself; name a table of the target"
    return None
