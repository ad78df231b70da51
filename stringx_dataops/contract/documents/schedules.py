"""Documents of schedules: when which tables are checked by themselves."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stringx_dataops.contract.documents.cron import MAX_CRON, check_cron
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import (
    Column,
    DatasetName,
    Duration,
    Flag,
    Matching,
    Model,
    Table,
    TargetName,
    Words,
    parse_model,
)
from stringx_dataops.contract.documents.globs import MOST_GLOBS, NameGlob, matches
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.documents.zones import Zone
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid, invalid

WHAT = ("table", "tables", "dataset")  # exactly one of them says what is checked
_DAY = 86_400
_LONGEST = 3_660 * _DAY

ScheduleName = Annotated[
    str,
    Matching(
        r"[a-z0-9][a-z0-9_-]{0,62}",
        "is no name of a schedule; write 1 to 63 of a to z, 0 to 9, _ and -, with a letter or digit in front, such as nightly",
    ),
]


def _last(text: str) -> str:
    if not 60 <= parse_duration(text) <= _LONGEST:
        raise ValueError("must lie between 1m and 3660d")
    return text


def _lag(text: str) -> str:
    if not parse_duration(text) <= _LONGEST:
        raise ValueError("must lie between 0s and 3660d")
    return text


class ScheduleWindow(Model):
    """The rows that a run looks at: of the time `last` before `lag` before the time that the run was due. Whole days are calendar
    days of the schedule's zone. Without a column, each table's `window_column` counts."""

    column: Column | None = None
    last: Annotated[Duration, AfterValidator(_last)]
    lag: Annotated[Duration, AfterValidator(_lag)] = "0s"


class ScheduleDocument(Model):
    """One schedule: at each time that `cron` says in `timezone`, one table, the tables that match, or a dataset are checked."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Schedule"]
    name: ScheduleName
    target: TargetName
    description: Words = ""
    table: Table | None = None
    tables: Annotated[list[NameGlob], Field(min_length=1, max_length=MOST_GLOBS)] | None = None
    dataset: DatasetName | None = None
    cron: Annotated[str, Field(max_length=MAX_CRON), AfterValidator(check_cron)]
    timezone: Zone = "UTC"
    window: ScheduleWindow | None = None
    active: Flag = True

    def takes(self, table: str) -> bool:
        """Whether it checks this table of its target, by its name: alone or as one that matches."""
        return table == self.table or (self.tables is not None and matches(table, self.tables))


def parse_schedule(value: Any, pointer: str = "") -> ScheduleDocument:
    """A schedule from its document. Raises Invalid with every fault; the caller checks whether its tables are configured."""
    faults = list(_faults(value, pointer)) if isinstance(value, dict) else []
    try:
        document = parse_model(ScheduleDocument, value, pointer)
    except Invalid as fault:
        raise invalid([*fault.errors, *faults]) from fault
    if faults:
        raise invalid(faults)
    return document


def _faults(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    given = [name for name in WHAT if value.get(name) is not None]
    if not given:
        yield FieldError(f"{pointer}/tables", 'is missing; say what is checked: table, tables (such as ["public.*"]) or dataset')
    elif len(given) > 1:
        yield FieldError(f"{pointer}/{given[1]}", f"is given besides {given[0]}; keep one of table, tables and dataset")
    table = value.get("table")
    if isinstance(table, str) and (fault := fault_of_literal_name(table)):
        yield FieldError(f"{pointer}/table", fault if "pattern" not in fault else "is a pattern; write it in the list tables")
