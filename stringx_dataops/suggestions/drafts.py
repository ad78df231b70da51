"""Drafts of suggestions, and what those who make them know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from stringx_dataops.contract.documents.globs import literal_column
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile
from stringx_dataops.suggestions.engines import Engine
from stringx_dataops.suggestions.suggestion import EarlierCheck

FEWEST_ROWS = 30  # with fewer, nothing is said about values


@dataclass(frozen=True)
class Draft:
    """A rule without its id. `name` is what the id is made of."""

    name: str
    rule: JsonObject
    reason: str
    value: float


@dataclass(frozen=True)
class Known:
    """A profile, older ones of the same table (oldest first), and earlier checks (oldest first)."""

    profile: Profile
    older: Sequence[Profile] = ()
    checks: Sequence[EarlierCheck] = ()
    types: frozenset[str] = field(default_factory=frozenset)  # that the catalogue has for the engine
    engine: Engine = field(default_factory=Engine)

    def columns(self) -> Sequence["Seen"]:
        """The columns that could be measured."""
        return self._seen

    @cached_property
    def _seen(self) -> Sequence["Seen"]:
        return list(self._read())

    def _read(self) -> Iterator["Seen"]:
        before = [(each.rows_read, {column.name: column for column in each.columns}) for each in self.older]
        for column in self.profile.columns:
            if column.error is None and column.nulls is not None:
                older = [
                    (found, rows)
                    for rows, columns in before
                    if (found := columns.get(column.name)) and found.family == column.family and found.error is None
                ]
                yield Seen(column, self.profile, older)


@dataclass(frozen=True)
class Seen:
    """A column, its profile, and the same column in older profiles with the rows that they read."""

    column: ColumnProfile
    profile: Profile
    older: Sequence[tuple[ColumnProfile, int]] = ()

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def rows(self) -> int:
        """The rows that were read."""
        return self.profile.rows_read

    @property
    def nulls(self) -> int:
        return self.column.nulls or 0

    @property
    def values(self) -> int:
        """The rows that have a value."""
        return self.rows - self.nulls

    @property
    def is_sample(self) -> bool:
        """Whether rows were not read, so that what was not found may be in them."""
        return self.profile.sample is not None

    @property
    def shown(self) -> bool:
        """Whether its values may be in a rule."""
        return not self.column.values_hidden

    @property
    def is_number(self) -> bool:
        return self.column.family in ("integer", "decimal", "float")

    @property
    def is_text(self) -> bool:
        return self.column.family == "text"

    @property
    def is_moment(self) -> bool:
        return self.column.family in ("date", "timestamp")

    def rule(self, rule_type: str, **fields: object) -> JsonObject:
        """A rule about the column. Names with a `*` or `?` are written as the pattern that means the name."""
        return {"type": rule_type, "column": literal_column(self.name), **fields}
