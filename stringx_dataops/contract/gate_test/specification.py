"""The specification: the data that dbt's test `gate` reads from `var('gate')`. It has no statements and no Jinja."""

from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from stringx_dataops.contract.json_types import JsonObject

Names = dict[str, list[str]]  # names in custom SQL, by the field that holds the SQL: `where`, or an argument


class Threshold(TypedDict, total=False):
    """Either `count`, a number of rows, or `share`, an exact decimal from 0 to 1 as text."""

    count: int
    share: str


# `from` is inclusive, `to` exclusive. `column` is None if neither the request nor the document names one.
Window = TypedDict("Window", {"column": str | None, "from": NotRequired[Any], "to": NotRequired[Any]})


class TypeFacts(TypedDict, total=False):
    """Facts from a rule's type. Keys with the values in `USUAL` are left out: they would slow down a check of many rules."""

    windowed: bool  # whether a window narrows it
    about_rows: bool  # whether it looks at the table's rows; if not, it runs for an empty table too
    relations: list[list[str]]  # other tables that it reads, each as [schema, name] or [name]
    typed: bool  # whether its macro gets the types of columns
    accepts: list[str] | None  # families of types that its columns may have
    other_columns: list[str]  # columns of other tables


class CustomSqlFacts(TypedDict, total=False):
    """Facts from a rule's custom SQL. Keys with the values in `USUAL` are left out."""

    compared: JsonObject  # comparisons of a column with values, by the field that holds the SQL
    named: Names  # names without a dot, which could mean a whole row
    qualified: dict[str, list[Any]]  # names after a dot
    custom: list[str]  # arguments that are SQL
    renames: bool  # whether it may read columns that it does not name
    casts: list[Any]  # types that it casts to
    patterns: Names  # regular expressions, in an argument or in SQL


class DbtTestFacts(TypedDict, total=False):
    """Facts about a rule that runs a dbt test; other rules have none of these keys."""

    expressions: list[str]  # arguments that are SQL and may be run
    severity: str | None  # of the rule, if it has one
    own_thresholds: bool  # whether the rule's thresholds apply instead of the test's


class BaselineFacts(TypedDict):
    """What the earlier points of a rule say. `low`, `high`, `warn_low` and `warn_high` are its bounds, and nothing else decides:
    decimals as text, None for no bound, as while it learns. The others are for the reader of the command."""

    low: str | None
    high: str | None
    warn_low: str | None
    warn_high: str | None
    center: str | None
    points: int
    season: str
    learning: JsonObject | None  # `have` and `need`
    fault: NotRequired[str]  # why there can be no bounds; the rule is not decided then


class Before(TypedDict):
    """What the last deciding check has left for a rule. `at` is an RFC 3339 time."""

    at: str
    check_id: str
    state: JsonObject


class RuleSpecification(TypeFacts, CustomSqlFacts, DbtTestFacts):
    """A rule with the facts about it that its macro needs."""

    id: str
    type: str
    columns: list[str]
    arguments: JsonObject
    where: NotRequired[str | None]
    warn_above: Threshold | None
    fail_above: Threshold | None
    verify: NotRequired[Literal["constraint", "scan"]]  # whether a constraint may prove it
    column_globs: NotRequired[dict[str, str]]  # columns that stand for those that match, with their regular expressions
    most_columns: NotRequired[int | None]  # that its type takes
    per: NotRequired[list[str]]  # the columns that make its groups
    new_groups: NotRequired[Literal["warn", "fail"] | None]
    missing_groups: NotRequired[Literal["warn", "fail"] | None]
    shadow: NotRequired[bool]  # it is decided and reported, and adds nothing to the verdict
    baseline: NotRequired[BaselineFacts]  # of a type with a baseline
    before: NotRequired[Before]  # of a rule that remembers, where there is a check before this one
    fault: NotRequired[str]  # the reason why the rule cannot be decided; it is not run then


# The values that the macros assume for keys that a rule's specification leaves out.
USUAL: JsonObject = {
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
    """A table and its rules. All tables of a specification are read on one snapshot."""

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
    replay_timeout_ms: NotRequired[int | None]  # how long to wait for what a standby has received; None: do not wait
    work_mem: str | None
    max_parallel_workers_per_gather: int | None


class ProfileSpecification(TypedDict):
    """What is measured of the one table of a profile, which has no rules. Values of rows are read only of the table's `key` and
    `sample_columns`."""

    columns: list[str] | None  # only these
    sample_rows: int | None  # about so many rows, whatever the table has
    sampled_above: int  # rows above which it is sampled without being asked, and how many are read then
    default_rows: int
    seed: int


class Specification(SessionLimits):
    """A check. Times are milliseconds."""

    statement_timeout_ms: int
    tables: list[TableSpecification]
    allow_arguments: NotRequired[str]  # the target's setting for the arguments of dbt tests
    lock_first: NotRequired[str | None]  # a relation that was locked in the attempt before, if known: wait for this one first
    lock_failed: NotRequired[list[str]]  # relations that could not be locked in time; their rules stay undecided
    profile: NotRequired[ProfileSpecification]  # measure the table instead of deciding rules
    plan_only: NotRequired[bool]  # only compile the rules, without a query to the target
    looks_up_project: NotRequired[bool]  # read the project's tests and models ahead of time
