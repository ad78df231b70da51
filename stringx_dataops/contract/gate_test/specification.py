"""What dbt's `gate` test reads from `var('gate')`: data only. Nothing in it becomes SQL or Jinja."""

from typing import Any, Literal, NotRequired, TypedDict

Names = dict[str, list[str]]  # by the name of the condition that they stand in: `where`, or an argument


class Threshold(TypedDict, total=False):
    """One of the two: a number of rows, or a share of them as the text of an exact decimal from 0 to 1."""

    count: int
    share: str


# Half-open. `column` is None if neither the request nor the document names one.
Window = TypedDict("Window", {"column": str | None, "from": NotRequired[Any], "to": NotRequired[Any]})


class RuleSpecification(TypedDict):
    """A rule. What is usual is left out, because a check of many rules would take longer: see `USUAL`."""

    id: str
    type: str
    columns: list[str]
    arguments: dict[str, Any]
    where: NotRequired[str | None]
    warn_above: Threshold | None
    fail_above: Threshold | None
    verify: NotRequired[Literal["constraint", "scan"]]  # whether a constraint may prove it

    # of its type
    windowed: NotRequired[bool]  # whether a window narrows it
    about_rows: NotRequired[bool]  # whether it is about the table's rows; if not it counts in an empty table too
    relations: NotRequired[list[list[str]]]  # other tables that it names, each as its parts
    typed: NotRequired[bool]  # whether its macro is told the types of columns
    accepts: NotRequired[list[str] | None]  # families of types that its columns may have
    other_columns: NotRequired[list[str]]  # columns of other tables

    # of its custom SQL
    compared: NotRequired[dict[str, Any]]  # comparisons of a column with values, by condition
    named: NotRequired[Names]  # names without a dot that could be a whole row
    qualified: NotRequired[dict[str, list[Any]]]  # names after a dot
    custom: NotRequired[list[str]]  # arguments that are SQL
    renames: NotRequired[bool]  # whether it may look at columns that it does not name
    casts: NotRequired[list[Any]]  # types that it casts to
    patterns: NotRequired[Names]  # regular expressions, in an argument or in SQL

    # of a rule that runs a dbt test
    expressions: NotRequired[Any]  # arguments that are SQL and may be run
    severity: NotRequired[str | None]  # of the rule, if it says one
    own_thresholds: NotRequired[bool]  # whether the rule, not the test, decides

    fault: NotRequired[str]  # why it cannot be decided: it is not run


# What the engine takes for granted of a rule.
USUAL: dict[str, Any] = {
    "windowed": True,
    "about_rows": True,
    "relations": [],
    "typed": False,
    "compared": {},
    "named": {},
    "qualified": {},
    "accepts": None,
    "other_columns": [],
    "custom": [],
    "renames": False,
    "casts": [],
    "patterns": {},
}


class TableSpecification(TypedDict):
    """A table and its rules; several of them are read on one snapshot."""

    schema: str
    name: str
    timezone: str
    on_empty: str
    window: Window | None
    key: list[str]
    sample_rows: int
    sample_columns: list[str]
    rules: list[RuleSpecification]


class SessionLimits(TypedDict):
    """What a target's document limits in its checks' sessions. Times are milliseconds; None leaves the role's own setting."""

    lock_timeout_ms: int
    work_mem: str | None
    max_parallel_workers_per_gather: int | None


class Specification(SessionLimits):
    """A check. Times are milliseconds."""

    statement_timeout_ms: int
    tables: list[TableSpecification]
    allow_arguments: NotRequired[str]  # of dbt tests: the target's setting
    lock_first: NotRequired[str]  # a relation whose lock others held in the attempt before: it is waited for
    unlockable: NotRequired[list[str]]  # relations that could not be locked in time: their rules are undecided
    plan_only: NotRequired[bool]  # compile the rules and ask the target nothing
    looks_up_project: NotRequired[bool]  # read the project's tests and models before it is needed
