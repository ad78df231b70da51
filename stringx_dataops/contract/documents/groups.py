"""Rules that are decided for each group of rows: `per` and what stands beside it."""

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

from pydantic import Field

from stringx_dataops.contract.catalogue.rule_types import RuleType
from stringx_dataops.contract.documents.fields import AtMost, Column
from stringx_dataops.contract.documents.globs import is_column_glob, is_literal
from stringx_dataops.contract.problems import FieldError

MOST_GROUPS = 1_000  # of a rule; the dbt project counts them (macros/gate/groups.sql)
MOST_GROUP_COLUMNS = 8
SHOWN_GROUPS = 20  # the worst ones, in a result

Per = Column | Annotated[list[Column], Field(min_length=1), AtMost(MOST_GROUP_COLUMNS)]
Severity = Literal["warn", "fail"]


class Grouped(Protocol):
    """The fields of a rule that are about groups."""

    @property
    def per(self) -> str | list[str] | None: ...
    @property
    def new_groups(self) -> Severity | None: ...
    @property
    def missing_groups(self) -> Severity | None: ...
    @property
    def verify(self) -> str: ...


def faults_of_groups(rule: Grouped, rule_type: RuleType, pointer: str) -> Iterator[FieldError]:
    """Faults of `per`, `new_groups` and `missing_groups`."""
    if rule.per is None:
        for name in ("new_groups", "missing_groups"):
            if getattr(rule, name) is not None:
                yield FieldError(f"{pointer}/{name}", "compares the groups of two checks; say with per which column makes them")
        return
    if not rule_type.per:
        yield FieldError(f"{pointer}/per", f"{rule_type.name} cannot be decided for each group; leave it out")
    if rule.verify == "constraint":
        yield FieldError(f"{pointer}/verify", "a constraint proves all rows together; leave out verify, or per")
    columns = [rule.per] if isinstance(rule.per, str) else rule.per
    for index, column in enumerate(columns):
        if is_column_glob(column) and not is_literal(column):
            place = f"{pointer}/per" if isinstance(rule.per, str) else f"{pointer}/per/{index}"
            yield FieldError(place, f"{column} stands for several columns; name them; a literal * or ? is written [*] or [?]")
    if len(set(columns)) < len(columns):
        yield FieldError(f"{pointer}/per", "names a column twice")
