"""Values that are there: NULLs and empty texts, as many as there are now and some head-room."""

from collections.abc import Iterator

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.suggestions.drafts import FEWEST_ROWS, Draft, Known, Seen
from stringx_dataops.suggestions.head_room import percent, share_above, share_text

ROWS_OF_TENTHS = 50_000  # that the profile looks at to compare them
MOST_MISSING = 0.5  # of a column: with more, NULLs are its usual state and nothing is said


def drafts(known: Known) -> Iterator[Draft]:
    """At most one rule per column: not_blank where it says more, else not_null."""
    for seen in known.columns():
        if seen.rows == 0 or (seen.rows < FEWEST_ROWS and not seen.column.not_null):
            continue
        blanks = seen.column.blanks
        if seen.is_text and blanks == 0 and seen.nulls == 0:
            yield _draft(seen, "not_blank", 0, "empty or white space")
        elif share := _draft_of_nulls(seen):
            yield share


def _draft_of_nulls(seen: Seen) -> Draft | None:
    return _draft(seen, "not_null", seen.nulls, "NULL") if seen.nulls <= seen.rows * MOST_MISSING else None


def _draft(seen: Seen, rule_type: str, missing: int, what: str) -> Draft:
    """With a threshold only if rows violate it now, or did in an older profile."""
    name = f"{seen.name}_{rule_type}"
    if seen.column.not_null:
        return Draft(name, seen.rule(rule_type), "A constraint of the table says that it is never NULL.", 0.75)
    worst = max((*_older_shares(seen), _share_of_tenth(seen)), default=0.0)
    if missing == 0 and worst == 0 and seen.is_sample:
        rule = seen.rule(rule_type, fail_above=share_text(share_above(0, seen.rows)))
        return Draft(name, rule, f"None of the {seen.rows:,} rows of a sample is {what}.", 0.88)
    if missing == 0 and worst == 0:
        return Draft(name, seen.rule(rule_type), f"None of the {seen.rows:,} rows is {what}.", 0.9)
    fails = max(share_above(missing, seen.rows), min(1.0, worst * 1.2))
    thresholds: JsonObject = {"fail_above": share_text(fails)}
    now = f"{missing:,} of {seen.rows:,} rows are {what} ({percent(missing / seen.rows)})"
    before = f", up to {percent(worst)} in a part of it or an earlier profile" if worst > missing / seen.rows else ""
    return Draft(
        name, seen.rule(rule_type, **thresholds), f"{now}{before}; more than {thresholds['fail_above']} would be unusual.", 0.8
    )


def _share_of_tenth(seen: Seen) -> float:
    """Of the tenth of the table that has most NULLs, if more than chance; 0 if tenths do not differ."""
    tenths = seen.column.tenths
    if tenths is None or not seen.nulls:
        return 0.0
    rows = min(seen.rows, ROWS_OF_TENTHS) // 10
    return tenths.most_nulls if tenths.most_nulls > share_above(round(seen.nulls / seen.rows * rows), rows) else 0.0


def _older_shares(seen: Seen) -> Iterator[float]:
    for column, rows in seen.older:
        if column.nulls is not None and rows:
            yield column.nulls / rows
