"""Profiles: what the columns of a table look like, measured once in one snapshot, and how one asks for that."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from stringx_dataops.contract.documents.fields import Column, Model, Table, TargetName, Whole
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import MAX_WAIT_S, RequestId, Seconds
from stringx_dataops.contract.messages.verdicts import CheckStatus, Mode

FORMAT: Literal["stringx-profile/1"] = "stringx-profile/1"
MOST_COLUMNS = 1664  # that a table may have
MOST_SAMPLE_ROWS = 100_000_000
SAMPLED_ABOVE, SAMPLE_ROWS = 5_000_000, 1_000_000  # rows above which a table is sampled, and about how many are read then
SEED = 20  # of samples: the same rows each time, while the table does not change
MOST_TOP, MOST_LABELS = 50, 1000  # top values and enum labels of a column
MOST_TEXT = 200  # characters of a value
QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
MOST_WORDS = 1000  # characters of a comment, or of a constraint
MAX_PROFILE_BYTES = 2 * 1024 * 1024
MOST_PROFILES = 100  # per table; the oldest go first
DEFAULT_TIMEOUT_S = 600

# The kind of type that a column has, as rule types see it (`types` in rules.yml): integer, decimal, float, money, boolean, date,
# timestamp, time, interval, text, uuid, network, bytes, json, bit, enum, array, composite, range, other.
Family = str
Origin = Literal["constraint", "measured"]


class ProfileSettings(Model):
    """What a profile measures. `columns`: only these. `sample_rows`: about so many rows, drawn with a fixed seed.
    `sample_columns`: columns whose values it may show, beside the document's `key` and `sample_columns`; only keys with the
    scope `configure` may name them."""

    columns: Annotated[list[Column], Field(min_length=1, max_length=MOST_COLUMNS)] | None = None
    sample_rows: Annotated[Whole, Field(ge=1, le=MOST_SAMPLE_ROWS)] | None = None
    sample_columns: Annotated[list[Column], Field(min_length=1, max_length=MOST_COLUMNS)] | None = None


class ProfileRequest(ProfileSettings):
    """The body of a request for a profile. The table needs no configuration, only its target."""

    request_id: RequestId | None = None
    target: TargetName
    table: Table
    mode: Mode = "sync"
    timeout_s: Seconds = DEFAULT_TIMEOUT_S
    wait_s: Annotated[Whole, Field(ge=0, le=MAX_WAIT_S)] = 60

    @property
    def settings(self) -> ProfileSettings:
        """What it measures, apart from who asks how."""
        return ProfileSettings(columns=self.columns, sample_rows=self.sample_rows, sample_columns=self.sample_columns)


class ProfileSample(Model):
    """`rows`: how many were read; counts of columns are of these. `share`: of all rows, as far as known. `seed`: with it the
    same rows are read again while the table does not change. `method`: of TABLESAMPLE."""

    rows: int
    share: float | None
    method: Literal["bernoulli", "system"]
    seed: int


class Lengths(Model):
    """Of texts in characters, of bytes in bytes, of arrays in elements."""

    min: int
    max: int
    mean: float


class TopValue(Model):
    """`value` is the text that PostgreSQL shows, cut after 200 characters."""

    value: str
    count: int


class KeyShare(Model):
    """A column, a pair of columns, or all of them, whose values tell rows apart. `share`: distinct values of all rows without
    NULL, 1 if each row has its own (with all columns, NULLs equal each other). `origin`: a constraint of the table, or measured
    in this profile (of a sample it proves nothing)."""

    columns: list[str]
    share: float
    origin: Origin


class TableConstraint(Model):
    """A constraint, or a unique index, which stands for one. `definition`: as PostgreSQL writes it, cut after 1,000
    characters."""

    name: str
    kind: Literal["primary_key", "unique", "check", "exclusion"]
    columns: list[str]
    definition: str
    is_valid: bool = True


class ForeignKey(Model):
    """`other_table` with its schema, written as in documents."""

    name: str
    columns: list[str]
    other_table: str
    other_columns: list[str]
    is_valid: bool = True


class Comparison(Model):
    """Two columns of one kind, one of which is hardly ever above the other: of `rows` that were looked at and have both, so many
    have a `column` that is at most the other, or at least."""

    column: str
    other_column: str
    rows: int
    at_most: int
    at_least: int


class Tenths(Model):
    """How a column differs between tenths of the table, as its rows lie there: mostly in the order of loading. Of a large table,
    some rows are looked at. `tenth`: values of the smallest."""

    fewest_nulls: float
    most_nulls: float
    least_mean: float | None = None
    greatest_mean: float | None = None
    tenth: int | None = None


class ColumnProfile(Model):
    """One column. Counts are of the rows that were read: `Profile.rows_read`. What its type does not have is null.

    `type`: as PostgreSQL writes it, with its length; `family`: the kind of type. `error`: why something of it could not be
    measured; that is null then. `values_hidden`: its values may not be shown (neither in the document's `key` or
    `sample_columns`, nor named by the request), so `min`, `max`, `quantiles` and `top` were not read; for readers without the
    scope `samples` they are left out.

    `distinct`: of values that are not NULL; an estimate unless `is_distinct_exact`. `singles`: values that occur once.
    `most_common`: rows of the value that occurs most often. `min`, `max`, `quantiles`: texts as PostgreSQL shows them. Texts
    are compared in their column's order. `mean` and `stddev` (of a sample) leave out NaN and infinities, of intervals, dates
    and times there are none. `zeros`: of booleans false. `blanks`: texts that are empty or white space. `future`: moments
    after the snapshot. `recent`: moments in the time before the snapshot, by its length: 1h, 1d, 7d, 30d. `formats`: texts of
    each format of the rule type `format`. `castable`: texts that PostgreSQL reads as this type, as the rule type `castable`
    says. Formats that the server cannot tell are missing. `shapes`: texts of printable ASCII (`ascii`), without control
    characters and traces of another encoding (`clean`), of ASCII letters and digits (`alphanumeric`), of `digits`, without a
    small (`upper`) or capital letter of ASCII (`lower`), and that begin with no small one (`capital`). `padded`: texts that
    begin or end with a blank. `enum`: the labels
    of its type. `top`: at most 50, the most frequent first."""

    name: str
    type: str
    family: Family
    comment: str | None = None
    not_null: bool = False
    is_generated: bool = False
    is_identity: bool = False
    error: str | None = None
    nulls: int | None = None
    blanks: int | None = None
    padded: int | None = None
    distinct: int | None = None
    is_distinct_exact: bool = True
    singles: int | None = None
    most_common: int | None = None
    values_hidden: bool = True
    min: str | None = None
    max: str | None = None
    quantiles: dict[str, str] | None = None  # by share: QUANTILES
    mean: float | None = None
    stddev: float | None = None
    zeros: int | None = None
    negatives: int | None = None
    nan: int | None = None
    infinities: int | None = None
    length: Lengths | None = None
    formats: dict[str, int] | None = None
    castable: dict[str, int] | None = None
    shapes: dict[str, int] | None = None
    tenths: Tenths | None = None
    future: int | None = None
    recent: dict[str, int] | None = None
    top: list[TopValue] | None = None
    enum: list[str] | None = None


class Profile(Model):
    """What a table looks like at `snapshot_at`. `row_count` is an estimate of the server's if `is_estimated`, as for a sample.
    `relation`: what the table is. `key_shares`: candidates for keys, those of constraints first."""

    format: Literal["stringx-profile/1"] = FORMAT
    target: str
    table: str
    relation: Literal["table", "partitioned table", "view", "materialized view", "foreign table"]
    snapshot_at: AwareDatetime
    row_count: int
    is_estimated: bool = False
    sample: ProfileSample | None = None
    columns: list[ColumnProfile]
    constraints: list[TableConstraint] = []
    foreign_keys: list[ForeignKey] = []
    key_shares: list[KeyShare] = []
    comparisons: list[Comparison] = []
    comment: str | None = None
    notes: list[str] = []

    @property
    def rows_read(self) -> int:
        """The rows that the counts of columns are of."""
        return self.row_count if self.sample is None else self.sample.rows

    def column(self, name: str) -> ColumnProfile | None:
        """The column of this name."""
        return next((column for column in self.columns if column.name == name), None)

    def without_values(self) -> "Profile":
        """A copy for whoever may see no values of rows."""
        return Profile.model_validate(without_values(self.as_json()))

    def as_json(self) -> JsonObject:
        """As it is stored and sent."""
        return self.model_dump(mode="json")


class ProfileView(Model):
    """A profile that was asked for, and how far it is. `request_id`: its request, which is followed and canceled like others,
    and kept for a day. `status`: of this request. `profile` is null until it has ended, and in lists; `suggestions`: rules
    that fit it, each with its reason; `suggestions_fault` says why there are none, if making them failed. `comparison`: if
    asked for, what differs from another profile of the same table, by column."""

    profile_id: str
    request_id: str
    target: str
    table: str
    status: CheckStatus
    reason: str | None = None
    requested_by: str | None = None
    at: AwareDatetime
    snapshot_at: AwareDatetime | None = None
    row_count: int | None = None
    settings: ProfileSettings = ProfileSettings()
    profile: Profile | None = None
    suggestions: list[JsonObject] = []
    suggestions_fault: str | None = None
    comparison: list[JsonObject] | None = None

    @model_validator(mode="after")
    def _has_ended_with_it(self) -> "ProfileView":
        if self.profile is not None and self.status != "succeeded":
            raise ValueError("has a profile only if its request has succeeded")
        return self


class ProfilePage(Model):
    """A page of profiles, newest first, without the measured columns and suggestions."""

    items: list[ProfileView]
    next_cursor: str | None


def without_values(profile: JsonObject) -> JsonObject:
    """A copy for a key without the scope `samples`: no values of rows, and every column says so."""
    hidden: dict[str, Any] = {"values_hidden": True, "min": None, "max": None, "quantiles": None, "top": None}
    return profile | {"columns": [column | hidden for column in profile.get("columns") or ()]}
