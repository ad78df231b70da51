"""Which tables of a target share a dbt project of the portal.

A target with few tables is one project. One with many is cut into parts along the order of its tables, where a name's hash says
so: a table more or less changes the part that it is in, and seldom a neighbour, whatever the others are.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from stringx_dataops.contract.documents.names import TableName

MOST_TABLES = 250  # in a project: see docs/scale.md for what one of this size costs
_FEWEST = MOST_TABLES // 2
_ONE_IN = MOST_TABLES // 8  # names that may end a part


@dataclass(frozen=True)
class Part:
    """Tables of a target in their order; `name` is empty where they are all that it has."""

    name: str
    tables: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Of its dbt project, below the target's."""
        return f"parts/{self.name}" if self.name else ""


def cut(tables: Iterable[str]) -> list[Part]:
    ordered = sorted(tables, key=place_of)
    if len(ordered) <= MOST_TABLES:
        return [Part("", tuple(ordered))]
    found: list[Part] = []
    name, members = "first", list[str]()
    for table in ordered:
        members.append(table)
        digest = hashlib.sha256(table.encode()).digest()
        if len(members) == MOST_TABLES or (len(members) >= _FEWEST and int.from_bytes(digest[:4]) % _ONE_IN == 0):
            found.append(Part(name, tuple(members)))
            name, members = digest.hex()[:12], []
    return [*found, Part(name, tuple(members))] if members else found


def place_of(table: str) -> tuple[str, str]:
    """What tables are ordered by."""
    name = TableName.parse(table)
    return name.schema, name.name
