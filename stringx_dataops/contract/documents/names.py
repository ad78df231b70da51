"""Names of tables and columns: taken literally, without case folding, and never longer than PostgreSQL allows."""

import re
import unicodedata
from dataclasses import dataclass

MAX_IDENTIFIER_BYTES = 63  # NAMEDATALEN - 1: PostgreSQL silently truncates longer names and would read another table

_PATTERN = re.compile(r"(?<!/)[*](?!/)|(?<=\w)[?]|[?](?=\w)")  # not a lone ?, nor /* and */
_QUOTED = re.compile(r'"((?:[^"]|"")+)"\."((?:[^"]|"")+)"')


def check_identifier(name: str) -> str:
    """Return the name unchanged. Raises ValueError with one sentence if PostgreSQL cannot hold it."""
    if not name:
        raise ValueError("is empty; name it as it stands in the database")
    if "\x00" in name:
        raise ValueError("contains a NUL character, which PostgreSQL cannot hold")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"is longer than the {MAX_IDENTIFIER_BYTES} bytes that a PostgreSQL name can have")
    return name


def fault_of_literal_name(name: str) -> str | None:
    """A sentence if a name looks like a pattern or a variable, or has control characters; None if it is all right."""
    if wildcard := _PATTERN.search(name):
        return f"holds {wildcard[0]}, and no pattern is meant here; name one table"
    if control := next((char for char in name if unicodedata.category(char) in ("Cc", "Zl", "Zp")), None):
        return f"holds the control character {control!r}, which no line of a log or message can show; rename the table"
    return "holds ${, and variables are not filled in; write the name itself" if "${" in name else None


def is_pattern(name: str) -> bool:
    """Whether a name has a `*` or `?` that no table's name may have."""
    return _PATTERN.search(name) is not None


@dataclass(frozen=True)
class TableName:
    """A relation by schema and name. `str()` gives the canonical spelling, which `parse` reads back."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "TableName":
        """Parse `schema.table`, split at the first dot, or `"a.b"."c"` for a schema with a dot. Raises ValueError otherwise."""
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

    @property
    def as_other(self) -> str:
        """As a rule of any engine names it as another table: in quotes if the name itself has a dot, which some engines would
        take for the end of a schema."""
        if "." not in self.name:
            return str(self)
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.name))


def parts_of_table(text: str) -> list[str]:
    """Schema and name of another table, as a rule names it. Raises ValueError otherwise."""
    table = TableName.parse(text)
    return [table.schema, table.name]
