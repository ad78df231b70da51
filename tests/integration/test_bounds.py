"""What a rule measures and samples has a bound and shows no value that may not be shown, whatever lies in the table."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.engine.outcome import is_database_error
from api.worker.rule_sentences import message
from stringx_dataops.contract.documents.rules import Rule
from tests.support.databases import Target
from tests.support.engine import CATALOGUE, Engine, Project, gate, rule

LONG = "repeat('x', 3000000)"
ANSWER = 512 * 1024  # bytes that the target may answer with: a few samples of 256 KiB have more, no value has


def said(found: dict[str, Any], tested: dict[str, Any]) -> str:
    given = {name: tested[name] for name in ("id", "type", "columns", "arguments")}
    return message(Rule.model_validate(given), CATALOGUE.get(tested["type"]), found)


PEOPLE = """
create type mood as enum ('absent', 'calm', 'cross');
create table people (id integer, email text, born date, seen timestamptz, nap interval, pay money, mood mood, tags text[], host inet, code text, height numeric);
insert into people values
  (1, 'ann@example.org', '1980-02-03', '2020-02-03 04:05Z', '1 hour 23 minutes', 712.34, 'calm', '{ruby}', '10.1.2.3', '5551234', 1.5),
  (2, 'zoe@example.org', '1990-05-06', '2021-05-06 07:08Z', '2 hours 34 minutes', 823.45, 'cross', '{sand}', '10.3.4.5', '5559876', 2.5)
"""
SECRETS = (
    "example.org", "1980", "1985", "1990", "2020", "2021", ":23", ":34", "712", "823", "calm", "cross", "ruby", "sand", "10.1", "10.3", "555",
)  # fmt: skip
HIDDEN = [
    *((function, column) for column in ("email", "born", "seen", "nap", "pay", "mood", "tags", "host", "code") for function in ("min", "max")),
    ("median", "nap"),
    ("percentile", "nap"),
]  # fmt: skip


def aggregates(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """A rule for each, with a bound of the column's type that any value meets, or none does."""
    bounds = {"email": "", "born": "1900-01-01", "seen": "1900-01-01 00:00Z", "nap": "0", "pay": "0", "mood": "absent", "tags": "{}", "host": "0.0.0.0", "code": ""}  # fmt: skip
    p = {"percentile": {"p": 0.9}}
    return [
        rule(f"{function}_{column}_{side}", "aggregate", column, fail_above=None, function=function, **{side: bounds[column]}, **p.get(function, {}))
        for function, column in pairs
        for side in ("min", "max")
    ]  # fmt: skip


def test_what_is_no_number_is_measured_and_not_shown(engine: Engine, target: Target) -> None:
    target.execute(PEOPLE)
    tests = aggregates(HIDDEN)
    answer = engine.answer(target, gate("people", *tests, key=["id"], sample_columns=["height"]))
    assert answer.outcome is not None, answer.message
    for secret in SECRETS:
        assert secret not in answer.outcome.split('"tables"')[1].replace("server_version", "")
    found = json.loads(answer.outcome)["tables"][0]["rules"]
    for tested, one in zip(tests, found, strict=True):
        assert (one["measured"], one.get("measured_hidden")) == (None, True), one
        words = said(one, tested)
        assert "no value" not in words, words
        assert not any(secret in words for secret in SECRETS), words
    assert {one["status"] for one in found if one["id"].endswith("_min")} == {"pass"}
    assert "fail" in {one["status"] for one in found if one["id"].endswith("_max")}


def test_numbers_and_what_samples_may_show_are_shown(engine: Engine, target: Target) -> None:
    target.execute(PEOPLE)
    tests = [
        rule("height", "aggregate", "height", fail_above=None, function="max", max=3),
        rule("median", "aggregate", "height", fail_above=None, function="median", max=3),
        rule("distinct", "aggregate", "email", fail_above=None, function="distinct_count", max=3),
        rule("naps", "aggregate", "nap", fail_above=None, function="sum", max="9 hours"),
        rule("born", "aggregate", "born", fail_above=None, function="max", max="2000-01-01"),
        rule("code", "aggregate", "code", fail_above=None, function="max", max="6"),
        rule("none", "aggregate", "email", fail_above=None, function="max", max="x", where="id > 5"),
    ]
    found = engine.rules(target, gate("people", *tests, key=["born"], sample_columns=["code"]))
    measured = {name: (one["measured"], bool(one.get("measured_hidden"))) for name, one in found.items()}
    assert measured == {
        "height": (2.5, False), "median": (2.0, False), "distinct": (2, False), "naps": ("03:57:00", False),
        "born": ("1990-05-06", False), "code": ("5559876", False), "none": (None, False),
    }  # fmt: skip
    assert "1990" not in said(found["born"], tests[4]), "no message quotes a value of a row"
    assert "555" not in said(found["code"], tests[5])


@pytest.mark.parametrize("shown", [True, False])
def test_a_long_value_is_cut_on_the_server(engine: Engine, target: Target, shown: bool) -> None:
    target.execute(
        f"create table t as select 1 as id, {LONG} as a, repeat('7', 100000)::numeric as n, convert_to({LONG}, 'UTF8') as b"
    )
    tests = [
        rule("a", "aggregate", "a", fail_above=None, function="max", max="b"),
        rule("b", "aggregate", "b", fail_above=None, function="max", max="b"),
        rule("n", "aggregate", "n", fail_above=None, function="sum", max=3),
        rule("keys", "unique", "a", warn_above=5),
        rule("by_expression", "expression", sql="length(a) < 5"),
        rule("by_query", "sql", query="select id, a from public.t"),
        rule("cast", "expression", sql="a::integer > 5"),
    ]
    columns = ["a", "b", "n"] if shown else []
    answer = engine.answer(target, gate("t", *tests, key=["id"], sample_rows=100, sample_columns=columns))
    assert answer.outcome is not None, answer.message
    assert len(answer.outcome) < ANSWER
    found = {one["id"]: one for one in json.loads(answer.outcome)["tables"][0]["rules"]}
    assert found["a"]["measured"] == ("x" * 200 + "..." if shown else None)
    assert found["n"]["measured"] == "7" * 200 + "...", "a number that is cut is none any more"
    assert found["cast"]["reason"] == "argument sql: invalid text representation (SQLSTATE 22P02)"
    rows = found["by_expression"]["sample"]["rows"]
    assert rows == [[1, "x" * 200 + "...", "\\x" + "78" * 99 + "...", "7" * 200 + "..."] if shown else [1]]


def test_a_repeated_key_is_cut_too(engine: Engine, target: Target) -> None:
    target.execute(f"create table t as select {LONG} as a, n from generate_series(1, 2) n")
    answer = engine.answer(target, gate("t", rule("r", "unique", "a"), key=["a"], sample_rows=5))
    assert answer.outcome is not None
    (found,) = json.loads(answer.outcome)["tables"][0]["rules"]
    assert found["sample"]["rows"] == [["x" * 200 + "...", 2]]


def test_a_sample_has_room_for_so_many_bytes(engine: Engine, target: Target) -> None:
    """300 columns of 200 characters, 100 rows: 6 MB a rule; the rules share what there is."""
    columns = [f"c{number}" for number in range(300)]
    target.execute(
        f"create table t as select n as id, {', '.join(f'repeat(md5(n::text), 6) as {c}' for c in columns)} from generate_series(1, 100) n"
    )
    few = [rule(f"r{number}", "expression", sql=f"id < -{number}") for number in range(4)]
    query = rule("query", "sql", query="select * from public.t")
    answer = engine.answer(target, gate("t", *few, query, key=["id"], sample_rows=100, sample_columns=columns))
    assert answer.outcome is not None
    for found in json.loads(answer.outcome)["tables"][0]["rules"]:
        assert found["sample"]["cut"] is True
        assert [row[0] for row in found["sample"]["rows"]] == [1, 2, 3, 4], "the first rows stay"
    assert len(answer.outcome) < 5 * 300_000
    many = [rule(f"r{number}", "expression", sql=f"id < -{number}") for number in range(70)]
    answer = engine.answer(target, gate("t", *many, key=["id"], sample_rows=1, sample_columns=columns))
    assert answer.outcome is not None
    (of_table,) = json.loads(answer.outcome)["tables"]
    found = of_table["rules"]
    assert "sample_dropped" in of_table["notes"][-1]
    assert [one.get("sample_dropped", False) for one in found] == [False] * 66 + [True] * 4, "20,000 columns are read at most"


def test_missing_columns_are_named_up_to_a_number(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer)")
    found = engine.rules(target, gate("t", rule("r", "columns", names=[f"c{number}" for number in range(1000)]), on_empty="pass"))
    assert found["r"]["failures"] == 1001
    assert len(found["r"]["found"]["missing"]) == 11


OWN = """
{% macro stringx_rule__own(rule, scope) %}
  {%- do run_query("select max(email)::integer from public.people") if rule.arguments.get('asks') -%}
  {{- return({'statement': 'select 0 as failures, ' ~ rule.arguments.of ~ ' as measured from public.people'}) -}}
{% endmacro %}
"""


def test_a_rule_type_of_the_project_shows_no_more(project: Project, target: Target, tmp_path: Path) -> None:
    target.execute(PEOPLE)
    (project.folder / "macros" / "own.sql").write_text(OWN)
    measures = {"email": "max(email)", "long": "repeat(max(email), 1000000)", "height": "max(height)", "rows": "count(*)"}
    with project.child_factory.slot(max_checks=5) as child:
        engine = Engine(child, tmp_path / "run")
        rules = [rule(name, "own", of=sql) for name, sql in measures.items()] + [rule("shown", "own", "email", of="max(email)")]
        found = engine.rules(target, gate("people", *rules, sample_columns=["email"]))
        asked = engine.answer(target, gate("people", rule("r", "own", of="1", asks=True)))
    assert {name: (one["measured"], bool(one.get("measured_hidden"))) for name, one in found.items()} == {
        "email": (None, True), "long": (None, True), "height": (2.5, False), "rows": (2, False), "shown": ("zoe@example.org", False),
    }  # fmt: skip
    assert (asked.outcome, "example.org" in (asked.message or "")) == (None, True)
    assert is_database_error(asked.message or "")
    said = target.engine().without_values(" ".join((asked.message or "").split()))
    assert "example.org" not in said
    assert "invalid input syntax for type integer" in said
