"""Imported suites beside Great Expectations' own validation of the same tables: the same success, unless a loss was reported, and the
same number of unexpected rows where the rule counts rows."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stringx_dataops.exchange.gx.reading import read
from stringx_dataops.exchange.model import Taken
from tests.exchange.data import TABLES, fill
from tests.exchange.gx_cases import expectation
from tests.exchange.judging import outcomes
from tests.exchange.tools import tool_of, tools_folder
from tests.support.databases import Admin, Target, make_target
from tests.support.engine import CATALOGUE, Engine

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
CASES = 450
COUNTED_OTHERWISE = ("unique", "sql", "columns", "distinct_values")  # every row of a repeated key; a query that decides itself


@pytest.fixture(scope="module")
def data(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Target:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    fill(made)
    return made


def suite_of(each: dict[str, Any], old: bool) -> str:
    """The JSON of a suite with the one expectation."""
    return json.dumps({"expectation_suite_name" if old else "name": "suite", "expectations": [each], "meta": {}})


@pytest.mark.parametrize(("tool", "old"), [("gx0", True), ("gx1", False)])
def test_great_expectations_and_the_imported_rules_agree(
    tool: str, old: bool, data: Target, engine: Engine, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance = random.Random(18 if old else 1)
    suites: dict[str, list[Any]] = {table: [] for table in TABLES}
    taken: list[Taken] = []
    cases: list[tuple[str, dict[str, Any]]] = []
    seen = set()
    while len(cases) < CASES:
        table = chance.choice([*TABLES, "full", "small", "full"])
        kind, kwargs = expectation(chance, old)
        each = {"expectation_type" if old else "type": kind, "kwargs": kwargs, "meta": {"case": str(len(cases))}}
        if (key := json.dumps([table, kind, kwargs])) in seen:  # a suite takes no expectation twice
            continue
        seen.add(key)
        suites[table].append(each)
        cases.append((table, each))
        file = tmp_path / f"case_{len(taken)}.json"
        file.write_text(suite_of(each, old), encoding="utf-8")
        taken.append(read([file], "shop", CATALOGUE, table=f"public.{table}"))
    native = tool_of(tool, tools_folder(request)).run("gx", {"address": data.loader_url, "suites": suites})
    counts: Counter[str] = Counter()
    different = []
    for number, (status, rule) in enumerate(outcomes(engine, data, taken)):
        answer, losses = native.get(str(number)), taken[number].losses
        assert answer is not None, cases[number]
        if losses:
            counts["lost"] += 1
        elif answer["raised"]:  # Great Expectations could not decide
            counts["raised"] += 1
        elif status is None or (status == "pass") != answer["success"] or not _same_number(taken[number], answer, rule, counts):
            different.append(
                f"{cases[number]}\n  theirs {answer}\n  ours {status} {rule}\n  {json.dumps(taken[number].documents)}"
            )
        else:
            counts["agree"] += 1
    assert not different, f"{len(different)} of {CASES} differ:\n" + "\n".join(different[:15])
    assert counts["agree"] > CASES * 0.85, counts
    assert counts["numbers"] > 80, counts
    assert counts["raised"] < CASES * 0.1, counts


def _same_number(taken: Taken, answer: dict[str, Any], rule: dict[str, Any], counts: Counter[str]) -> bool:
    made = taken.documents[0]["rules"][0]
    if answer["unexpected"] is None or rule.get("failures") is None or made["type"] in COUNTED_OTHERWISE:
        return True
    counts["numbers"] += 1
    return bool(rule["failures"] == answer["unexpected"])
