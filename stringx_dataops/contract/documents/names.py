"""Names of tables and columns: taken literally, never folded, never longer than PostgreSQL keeps."""

import re
import unicodedata
from dataclasses import dataclass

MAX_IDENTIFIER_BYTES = 63  # NAMEDATALEN - 1: PostgreSQL cuts longer names silently and would read another table

_PATTERN = re.compile(r"(?<!/)[*](?!/)|(?<=\w)[?]|[?](?=\w)")  # a lone ? and the signs of a comment are none
_QUOTED = re.compile(r'"((?:[^"]|"")+)"\."((?:[^"]|"")+)"')


def check_identifier(name: str) -> str:
    """The name itself; ValueError with one sentence where PostgreSQL could not hold it."""
    if not name:
        raise ValueError("is empty; name it as it stands in the database")
    if "\x00" in name:
        raise ValueError("contains a NUL character, which PostgreSQL cannot hold")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"is longer than the {MAX_IDENTIFIER_BYTES} bytes that a PostgreSQL name can have")
    return name


def fault_of_literal_name(name: str) -> str | None:
    """What looks like a pattern or a variable where only a name is meant, or cannot be shown in one line."""
    if found := _PATTERN.search(name):
        return f"holds {found[0]}, and no pattern is meant here; name one table"
    if control := next((char for char in name if unicodedata.category(char) in ("Cc", "Zl", "Zp")), None):
        return f"holds the control character {control!r}, which no line of a log or message can show; rename the table"
    return "holds ${, and variables are not filled in; write the name itself" if "${" in name else None


@dataclass(frozen=True)
class TableName:
    """A relation by schema and name; `str()` gives the one canonical spelling, which `parse` reads back."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "TableName":
        """`schema.table`, split at the first dot; `"a.b"."c"` where the schema has a dot. ValueError otherwise."""
        if quoted := _QUOTED.fullmatch(text):
            schema, name = (part.replace('""', '"') for part in quoted.groups())
        else:
            schema, dot, name = text.partition(".")
            if not dot or not schema or not name:
                raise ValueError("is no table name; write schema.table, such as public.flights")
        return cls(check_identifier(schema), check_identifier(name))

    def __str__(self) -> str:
        if "." in self.schema or self.schema.startswith('"'):
            schema, name = (part.replace('"', '""') for part in (self.schema, self.name))
            return f'"{schema}"."{name}"'
        return f"{self.schema}.{self.name}"
