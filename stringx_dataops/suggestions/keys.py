"""Keys: what is unique, by a constraint or exactly by what was measured, and where a foreign key leads."""

import math
import re
from collections.abc import Iterator, Sequence

from stringx_dataops.contract.documents.globs import literal_column
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.suggestions import comments
from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.head_room import share_above, share_text
from stringx_dataops.suggestions.reading import number

MOST_MEASURED = 5  # rules about what is unique by measuring alone, per table
MOST_RELATIONSHIPS = 50
MOST_KEY_COLUMNS = 32  # of a unique rule
MOST_REPEATED = 0.02  # of the rows: where more repeat, nobody minds
ENOUGH_CHANCES = 5.0  # pairs of equal values that chance would have made: none of them is no chance
_KEY_LIKE = re.compile(
    r"(^|_)(id|key|no|nr|num|number|code|uuid|guid|sku|ref|reference|hash|ean|isbn|iban|serial)s?$", re.IGNORECASE
)
_LAST_CAPITAL = re.compile(r"[a-z0-9](Id|ID|Key|No|Nr|Code)$")


def drafts(known: Known) -> Iterator[Draft]:
    """Constraints first, then columns, then pairs of columns."""
    said: list[set[str]] = []
    for constraint in known.profile.constraints:
        if constraint.kind in ("primary_key", "unique") and constraint.columns and set(constraint.columns) not in said:
            said.append(set(constraint.columns))
            yield _unique(constraint.columns, f"The constraint {constraint.name} says so.", 0.85, verify="constraint")
    measured = 0
    for columns, reason in _measured(known):
        if measured < MOST_MEASURED and not any(key <= set(columns) for key in said):
            said.append(set(columns))
            measured += 1
            yield _unique(columns, reason, 0.88)
    if not said:
        yield from _whole_rows(known)
    yield from _relationships(known)


def _unique(columns: Sequence[str], reason: str, value: float, **more: str) -> Draft:
    named = [literal_column(name) for name in columns]
    rule: JsonObject = {"type": "unique", **({"column": named[0]} if len(named) == 1 else {"columns": named}), **more}
    return Draft(f"{'_'.join(columns)}_unique", rule, reason, value)


def _measured(known: Known) -> Iterator[tuple[list[str], str]]:
    """Columns that are unique in every row that was read, where chance does not explain it; nearly unique is not enough."""
    profile = known.profile
    if profile.sample is not None or profile.rows_read < FEWEST_ROWS:
        return  # of a sample nothing is known about the other rows
    for seen in known.columns():
        if is_unique(seen) and seen.values >= FEWEST_ROWS and not _by_chance(seen):
            yield [seen.name], f"All {seen.values:,} values are different."
    for key in profile.key_shares:
        if key.origin == "measured" and key.share == 1 and len(key.columns) == 2 and not _is_chance(key.columns, known):
            names = " and ".join(key.columns)
            yield key.columns, f"No combination of {names} occurs twice in {profile.rows_read:,} rows."


def _is_chance(columns: Sequence[str], known: Known) -> bool:
    """Whether so many combinations of their values could all be different if they had nothing to do with each other."""
    room = 1.0
    for name in columns:
        column = known.profile.column(name)
        room *= (column.distinct if column else None) or 1
    return known.profile.rows_read**2 / (2 * room) < ENOUGH_CHANCES


def _whole_rows(known: Known) -> Iterator[Draft]:
    """Rows that repeat as a whole, where nothing tells them apart: as many as there are, and head-room."""
    profile = known.profile
    names = [column.name for column in profile.columns]
    whole = next((key for key in profile.key_shares if set(key.columns) == set(names)), None)
    if whole is None or profile.rows_read < 100 or not 2 <= len(names) <= MOST_KEY_COLUMNS:
        return
    repeated = profile.rows_read - round(whole.share * profile.rows_read)
    if repeated > profile.rows_read * MOST_REPEATED:
        return
    rule: JsonObject = {"type": "unique", "columns": [literal_column(name) for name in names], "arguments": {"nulls": "equal"}}
    if repeated == 0:
        yield Draft("rows_unique", rule, f"None of the {profile.rows_read:,} rows repeats another in all columns.", 0.82)
        return
    fails = share_text(share_above(repeated, profile.rows_read))
    reason = f"{repeated:,} of {profile.rows_read:,} rows repeat another in all columns; more than {fails} would be unusual."
    yield Draft("rows_unique", rule | {"fail_above": fails}, reason, 0.8)


def is_unique(seen: Seen) -> bool:
    """Whether each value occurs once, by a full count now and in older profiles."""
    column = seen.column
    if not column.is_distinct_exact or column.distinct is None or column.distinct != seen.values:
        return False
    older = (each.distinct == rows - (each.nulls or 0) for each, rows in seen.older if each.is_distinct_exact)
    return all(older)


def is_key(seen: Seen) -> bool:
    """Whether its numbers tell rows apart and measure nothing: a key, a surrogate or a reference to one."""
    profile, name = seen.profile, seen.name
    if any(name in each.columns for each in profile.foreign_keys) or seen.column.is_identity:
        return True
    if any(each.kind == "primary_key" and each.columns == [name] for each in profile.constraints):
        return True
    if is_key_like(name):
        return True
    return seen.column.family == "integer" and is_unique(seen) and not _by_chance(seen)


def is_key_like(name: str) -> bool:
    """By its name."""
    return bool(_KEY_LIKE.search(name) or _LAST_CAPITAL.search(name))


def _by_chance(seen: Seen) -> bool:
    """Whether as many values that measure something could all be different."""
    if comments.says_unique(seen.column.comment) or is_key_like(seen.name) or seen.column.family == "uuid":
        return False
    if seen.is_text:
        return seen.values < 100
    room = _room(seen)
    return room is None or seen.values**2 / (2 * room) < ENOUGH_CHANCES


def _room(seen: Seen) -> float | None:
    """How many values lie between the least and the greatest: of whole numbers and dates."""
    column = seen.column
    if column.family == "integer" and column.min is not None and column.max is not None:
        return number(column.max) - number(column.min) + 1
    if column.family == "integer" and column.stddev is not None:
        return column.stddev * math.sqrt(12) + 1  # as if they were spread evenly
    return None


def _relationships(known: Known) -> Iterator[Draft]:
    for key in known.profile.foreign_keys[:MOST_RELATIONSHIPS]:
        columns, others = [literal_column(name) for name in key.columns], key.other_columns
        to: JsonObject = {"to_column": others[0]} if len(others) == 1 else {"to_columns": others}
        rule: JsonObject = {
            "type": "relationship",
            **({"column": columns[0]} if len(columns) == 1 else {"columns": columns}),
            "arguments": {"to_table": key.other_table, **to},
        }
        if key.is_valid:
            rule["verify"] = "constraint"
        held = "holds it" if key.is_valid else "is not validated, so nothing proves it for old rows"
        yield Draft(f"{'_'.join(key.columns)}_known", rule, f"The foreign key {key.name} {held}.", 0.87)
