"""How documents name tables of Trino: that of a document is of the target's catalog."""

from stringx_dataops.contract.documents.names import TableName


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
