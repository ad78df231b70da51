"""Divides a target's tables into dbt projects of the portal.

A target with few tables is one project. The sorted tables of a large target are cut into parts after names with certain hashes.
So adding or removing a table changes only the part that it is in, and seldom a neighbouring part.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from stringx_dataops.contract.documents.names import TableName

MOST_TABLES = 250  # per project; docs/scale.md shows what a project of this size costs
_FEWEST = MOST_TABLES // 2
_ONE_IN = MOST_TABLES // 8  # one in so many names may end a part


@dataclass(frozen=True)
class Part:
    """Some tables of a target in their order. `name` is empty if the target has only this part."""

    name: str
    tables: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The folder of its dbt project, relative to the target's folder."""
        return f"parts/{self.name}" if self.name else ""


def cut(tables: Iterable[str]) -> list[Part]:
    """The parts of a target with these tables, each with at most MOST_TABLES."""
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
    """The key by which tables are sorted: schema, then name."""
    name = TableName.parse(table)
    return name.schema, name.name
