"""What goes first where a result is too large, and what stays."""

import json
from typing import Any

import pytest

from stringx_dataops.contract.messages.pages import FIRST, MOST_BYTES, Page, Pages, Position, Sized
from stringx_dataops.contract.messages.samples import without_samples
from stringx_dataops.contract.messages.sizes import (
    MAX_RESULT_BYTES,
    MAX_SUMMARY_BYTES,
    bounded,
    short,
    smaller,
    summary,
    without_rules,
)

MIB = 1024 * 1024


def rule(number: int, sample: int = 0, message: int = 0) -> dict[str, Any]:
    shown = {"columns": ["id"], "rows": [["x" * sample]], "cut": False} if sample else None
    return {"id": f"r{number}", "status": "fail", "message": "m" * message, "sample": shown, "sample_dropped": False}


def result(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    one = {
        "check_id": "c",
        "request_id": "r",
        "target": "t",
        "table": "a",
        "status": "succeeded",
        "verdict": "fail",
        "reason": None,
    }
    return (
        one
        | {"scope": {"rule_ids": None}, "asked": {}, "notes": [], "counts": {"fail": len(rules)}, "rules": list(rules), "dbt": {}}
        | more
    )


def test_a_result_of_the_usual_size_stays_as_it_is() -> None:
    given = result(rule(1, sample=1000))
    found, text = bounded(json.loads(json.dumps(given)))
    assert found == given == json.loads(text)


def test_groups_go_after_samples() -> None:
    group = {"key": {"c": "x" * 50_000}, "status": "fail", "failures": 1, "total": 1, "measured": None}
    found, text = bounded(result(*(rule(n, sample=MIB) | {"groups": [group] * 20} for n in range(10))))
    assert len(text.encode()) <= MAX_RESULT_BYTES
    assert [one["sample"] for one in found["rules"]] == [None] * 10
    assert sorted(len(one["groups"]) for one in found["rules"]) == [0, 0] + [20] * 8
    assert found["notes"][-1] == "it would be larger than 8 MiB: the groups of 2 rules are left out"


def test_the_largest_samples_go_first_and_the_result_says_so() -> None:
    sizes = [1, 3, 2, 4]
    found, text = bounded(result(*(rule(n, sample=size * MIB) for n, size in enumerate(sizes))))
    assert len(text.encode()) <= MAX_RESULT_BYTES
    assert [one["sample_dropped"] for one in found["rules"]] == [False, False, False, True]
    assert found["rules"][3]["sample"] is None
    assert found["notes"] == ["it would be larger than 8 MiB: the samples of 1 rules are left out (sample_dropped)"]
    assert json.loads(text) == found


def test_bytes_are_counted_and_not_characters() -> None:
    _, text = bounded(result(rule(1), rule(2, message=0) | {"sample": {"columns": [], "rows": [["🐘" * (3 * MIB)]]}}))
    assert len(text.encode()) < MIB


def test_where_no_sample_is_left_long_words_go() -> None:
    found, text = bounded(result(*(rule(n, message=5000) | {"description": "d"} for n in range(3000)), notes=["n" * 5000] * 500))
    assert len(text.encode()) <= MAX_RESULT_BYTES
    assert {(one["message"], one["description"]) for one in found["rules"]} == {("m" * 500 + "…", "")}
    assert "messages cut after 500 characters" in found["notes"][-1]
    assert len(found["notes"]) == 101


def test_then_the_rules_of_the_largest_tables_go() -> None:
    tables = [
        {"table": f"t{n}", "counts": {"fail": n}, "notes": [], "rules": [rule(n, message=400) for _ in range(n * 2000)]}
        for n in (2, 4, 5)
    ]
    found, text = bounded(result(tables=tables, rules=[]))
    assert len(text.encode()) <= MAX_RESULT_BYTES
    assert [bool(table["rules"]) for table in found["tables"]] == [True, True, False]
    assert found["tables"][2]["notes"] == ["it would be larger than 8 MiB: the rules are left out"]
    assert [table["counts"] for table in found["tables"]] == [{"fail": 2}, {"fail": 4}, {"fail": 5}]
    assert found["verdict"] == "fail"


def test_a_receiver_that_takes_less_gets_the_samples_and_then_the_rules_no_more() -> None:
    given = result(rule(1, sample=10), rule(2))
    first = smaller(given, "too large")
    assert first is not None
    assert ([one["sample"] for one in first["rules"]], first["notes"]) == ([None, None], ["too large: without samples"])
    second = smaller(first, "too large")
    assert second is not None
    assert (second["rules"], second["verdict"], second["counts"], second["dbt"]) == ([], "fail", {"fail": 2}, None)
    assert smaller(second, "too large") is None


def test_a_smaller_form_leaves_the_result_as_it_is() -> None:
    tables = [{"table": "t", "notes": [], "rules": [rule(1, sample=10), rule(2)]}]
    for given in (result(rule(1, sample=10), rule(2)), result(tables=tables, rules=[])):
        before = json.dumps(given)
        for form in (without_samples(given), without_rules(given, "why"), smaller(given, "why"), short(given, "why")):
            assert form is not None
            assert json.dumps(form) != before
            assert list(form) == list(given)
        assert json.dumps(given) == before
    large = result(*(rule(n, sample=MIB, message=600) for n in range(9)))
    before = json.dumps(large)
    assert json.dumps(bounded(large)[0]) != before
    assert json.dumps(large) == before


def test_the_shortest_form_has_a_bound_whatever_was_asked() -> None:
    tables = [{"table": f"t{n}", "notes": [], "rules": [rule(n)], "reason": "r" * 1000} for n in range(500)]
    asked = {"rule_ids": ["x" * 60] * 20_000}
    found = short(result(tables=tables, rules=[], notes=["n" * 5000] * 500, asked=asked, scope=asked, skipped=["t"] * 500), "why")
    assert len(json.dumps(found).encode()) <= MAX_SUMMARY_BYTES
    assert (found["verdict"], found["counts"], found["notes"], found["rules"]) == ("fail", {"fail": 0}, ["why"], [])


def test_a_summary_has_the_counts_and_nothing_of_any_size() -> None:
    found = summary(result(rule(1, sample=MIB), notes=["n" * MIB], reason="r" * MIB))
    assert (found["counts"], len(found["reason"])) == ({"fail": 1}, 1000)
    assert not {"rules", "tables", "dbt", "asked", "notes", "scope"} & found.keys()


@pytest.mark.parametrize("size", [10, MIB, 3 * MIB, 20 * MIB])
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_page_ends_where_its_bytes_do(size: int, limit: int) -> None:
    pages, asked = Pages("numbers"), []

    def piece(after: Position | None, number: int) -> list[Sized]:
        asked.append(number)
        first = int(after[0]) + 1 if after else 0
        return [((f"{n:03}",), n, size) for n in range(first, min(first + number, 100))]

    found, page = [], Page(limit)
    while True:
        answer = pages.read(page, piece, 8)
        assert 1 <= len(answer["items"]) <= min(limit, max(1, MOST_BYTES // size))
        found += answer["items"]
        if answer["next_cursor"] is None:
            break
        page = Page(limit, pages.position(answer["next_cursor"]))
    assert found == list(range(100))
    assert max(asked) <= 8


def test_a_list_without_items_is_one_page() -> None:
    assert Pages("numbers").read(FIRST, lambda after, number: [], 8) == {"items": [], "next_cursor": None}
