"""Every rule type on random tables against `truths`: status, failures, total, measured, and the table's verdict.

Each type has four cases (pass, fail, NULL, empty). By default one example a case; `--long` makes four times as many. Two other rules
stand beside the tested one, so that each reads its own values from the shared scan.
"""

import datetime as dt
import json
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st

from contract.catalogue import Catalogue
from contract.environment import ROOT
from tests.conftest import Target
from tests.integration.conftest import Engine, gate, rule
from tests.truth.tables import KINDS, NOW, Table, quoted, tables
from tests.truth.truths import CASTS, FORMATS, MAKERS, TEXTS, Made, Truth, of_form

CATALOGUE = {entry.name: entry for entry in Catalogue.load(ROOT / "stringx")}
CASES = ("pass", "fail", "null", "empty")
TYPES = [*MAKERS, *(f"format {name}" for name in FORMATS), *(f"castable {name}" for name in CASTS)]
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")


class Wanted:
    """A rule with its thresholds and scope, and what must come out."""

    def __init__(self, draw: st.DrawFn, type: str, table: Table, zone: str, window: dict[str, Any] | None, id: str) -> None:
        name, _, form = type.partition(" ")
        if form:
            made = of_form(table, "format" if name == "format" else "to", FORMATS if name == "format" else CASTS, form)
        elif name == "no_gaps":
            made = MAKERS[name](draw, table, zone)  # type: ignore[call-arg]
        else:
            made = MAKERS[name](draw, table)
        self.name, self.made, self.window = name, made, window if made.windowed else None
        self.where = draw(st.sampled_from(wheres(table))) if made.takes_where and draw(st.integers(0, 3)) == 0 else None
        self.table = table
        self.decides = CATALOGUE[name].decides
        self.warn_above, self.fail_above = draw(st.sampled_from(thresholds(made, self.decides)))
        scope = {"where": self.where[0] if self.where else None, "windowed": made.windowed, "relations": made.relations}
        self.rule = rule(id, name, *made.columns, warn_above=self.warn_above, fail_above=self.fail_above)
        self.rule |= scope | {"arguments": made.arguments}

    def truth(self, now: dt.datetime) -> tuple[str, Truth]:
        rows = [
            row | {"_in_window": inside(row, self.window)} for row in self.table.rows if self.where is None or self.where[1](row)
        ]
        seen = rows if self.name == "unique" else [row for row in rows if row["_in_window"]]
        found = self.made.truth(seen, now)
        nothing = self.where is not None and not any(row["_in_window"] for row in rows)
        if self.decides == "bounds":
            if nothing and self.name not in ("row_count", "row_count_matches"):
                return "pass", found
            return "fail" if found.fails else "warn" if found.warns else "pass", found
        if self.decides == "holds":
            tripped = bool(found.fails) and not nothing
            return ("pass" if not tripped else "fail" if self.fail_above == 0 else "warn"), found
        if nothing:
            found = replace(found, failures=0)
        return ("fail" if above(found, self.fail_above) else "warn" if above(found, self.warn_above) else "pass"), found


def above(found: Truth, threshold: Any) -> bool:
    assert found.failures is not None
    if threshold is None:
        return False
    if isinstance(threshold, float):
        return found.failures > Fraction(str(threshold)) * (found.total or 0)
    return bool(found.failures > threshold)


def thresholds(made: Made, decides: str) -> list[tuple[Any, Any]]:
    if decides == "bounds":
        return [(None, None)]
    if decides == "holds":
        return [(None, 0), (None, 0), (0, None)]
    counts: list[tuple[Any, Any]] = [(None, 0), (None, 0), (None, 0), (0, None), (0, 2), (1, 3), (None, 1)]
    return counts + ([(None, 0.25), (0.1, 0.5), (0.5, None), (0.0, 0.75)] if made.shares else [])


def wheres(table: Table) -> list[tuple[str, Any]]:
    a, b, k = (quoted(table.columns[kind]) for kind in ("int", "boo", "key"))
    return [
        (f"{a} > 2", lambda row: row["int"] is not None and row["int"] > 2),
        (b, lambda row: row["boo"] is True),
        (f"{k} % 2 = 0 or {a} is null", lambda row: row["key"] % 2 == 0 or row["int"] is None),
        ("false", lambda row: False),
        ("true", lambda row: True),
    ]


def inside(row: dict[str, Any], window: dict[str, Any] | None) -> bool:
    if window is None:
        return True
    value = row[window["kind"]]
    return (
        value is not None
        and (window["low"] is None or value >= window["low"])
        and (window["high"] is None or value < window["high"])
    )


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any] | None:
    if draw(st.integers(0, 3)) != 0:
        return None
    kind = draw(st.sampled_from(["day", "mom", "int"]))
    low, high = draw(st.one_of(st.none(), KINDS[kind].values)), draw(st.one_of(st.none(), KINDS[kind].values))
    if low is None and high is None:
        low = draw(KINDS[kind].values)
    return {"kind": kind, "low": low, "high": high}


@st.composite
def checks(draw: st.DrawFn, type: str, case: str) -> tuple[Table, str, dict[str, Any] | None, list[Wanted], str]:
    name, _, form = type.partition(" ")
    texts = TEXTS[name][form] if form else ["x"]
    table = draw(tables("empty" if case == "empty" else "some", texts, nulls=case == "null" or draw(st.booleans())))
    zone = draw(st.sampled_from(ZONES))
    window = draw(windows())
    others = draw(st.lists(st.sampled_from(list(MAKERS)), min_size=2, max_size=2))
    wanted = [Wanted(draw, each, table, zone, window, f"r{n}") for n, each in enumerate([type, *others])]
    status, _ = wanted[0].truth(NOW)
    if case in ("pass", "fail"):
        assume(status == case)
    if case == "null":
        kinds = wanted[0].made.kinds or list(KINDS)
        assume(any(row[kind] is None for row in table.rows for kind in kinds))
    return table, zone, window, wanted, draw(st.sampled_from(["fail", "warn", "pass"]))


def test_every_type_of_the_catalogue_is_tried() -> None:
    assert {type.partition(" ")[0] for type in TYPES} == set(CATALOGUE)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("type", TYPES)
def test_results_are_true(type: str, case: str, engine: Engine, shared_target: Target, request: pytest.FixtureRequest) -> None:
    examples = 4 if request.config.getoption("--long") else 1
    checked = []

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],  # the note says all; shrinking takes minutes
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )  # fmt: skip
    @given(checks(type, case))
    def agree(check: tuple[Table, str, dict[str, Any] | None, list[Wanted], str]) -> None:
        table, zone, window, wanted, on_empty = check
        event(case)
        note(
            f"{table.ddl()}\nrows {table.rows}\nothers {table.other_rows}\nwindow {window} zone {zone}\nrules {[one.rule for one in wanted]}"
        )
        table.create(shared_target)
        given_window = window and {
            "column": table.columns[window["kind"]],
            "from": text(window["low"]),
            "to": text(window["high"]),
        }
        spec = gate(table.name, *(one.rule for one in wanted), timezone=zone, window=given_window, on_empty=on_empty)
        answer = engine.answer(shared_target, spec)
        assert answer.outcome is not None, answer.message
        outcome = json.loads(answer.outcome)
        now = dt.datetime.fromisoformat(outcome["snapshot_at"])
        found = outcome["tables"][0]
        statuses = []
        for one, got in zip(wanted, found["rules"], strict=True):
            status, truth = one.truth(now)
            statuses.append((one.name, status))
            seen = (got["reason"], got["status"], got["failures"], got["total"])
            failures = None if one.decides != "count" else truth.failures
            assert seen == (None, status, failures, truth.total), one.rule
            if truth.measured is not None or one.decides == "bounds":
                assert_same(got["measured"], truth.measured)
        rows = sum(inside(row, window) for row in table.rows)
        assert found["row_count"] == rows
        assert found["verdict"] == verdict(statuses, rows, on_empty)
        checked.append(len(wanted))

    agree()
    assert checked, "no example was found for this case"
    request.node.user_properties.append(("truth", [type, case, sum(checked)]))


def verdict(statuses: list[tuple[str, str]], rows: int, on_empty: str) -> str:
    deciding = [status for name, status in statuses if name == "row_count"]
    if rows == 0 and not deciding:
        return on_empty
    worst = deciding if rows == 0 else [status for _, status in statuses]
    return next(status for status in ("fail", "warn", "pass") if status in worst)


def text(value: Any) -> str | None:
    return None if value is None else str(value)


def assert_same(got: Any, wanted: Any) -> None:
    if wanted is None or got is None:
        assert got is wanted
    elif isinstance(wanted, (dt.date, dt.datetime)):
        assert str(got) == str(wanted)
    else:
        assert math.isclose(float(got), float(wanted), rel_tol=1e-9, abs_tol=1e-9)
