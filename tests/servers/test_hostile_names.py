"""Another role makes functions, operators, aggregates, types and relations that fit better than PostgreSQL's own, where the checking role would look for
names: nothing of it is run, and every verdict stays what it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.engine.outcome import outcome_of
from api.targets.postgres.sessions import PostgresSessions
from tests.servers.clusters import Server, session
from tests.servers.conftest import only
from tests.servers.intruders import OF_A_DOMAIN, overloads
from tests.support.databases import Target
from tests.support.engine import CATALOGUE, Engine, Project, gate, rule
from tests.support.readings import COUNTED, DBT, MEASURED, READINGS

BAND = {
    "low": "0",
    "high": "50",
    "warn_low": None,
    "warn_high": None,
    "center": "10",
    "points": 1,
    "season": "none",
    "learning": None,
}


@pytest.fixture
def intruder(server: Server, target: Target) -> str:
    """The address of a role that may create wherever the checking role would look for a name, which looks there first. It stays until the
    server ends: what it made goes with the database."""
    name = f"{target.dbname}_intruder"
    server.run(f"create role {name} login password 'intruder'")
    server.run(
        f"grant create on schema public to public; grant create on database {target.dbname} to {name}; grant usage on schema public to public;"
        f' alter database {target.dbname} set search_path = "$user", public, pg_catalog',
        target.dbname,
    )
    return server.url(target.dbname, name, "intruder")


def rules(version: int) -> list[dict[str, Any]]:
    """Every rule type, with SQL of the user's where it takes some."""
    cases = [tested for tested, *_ in (*COUNTED, *DBT, *MEASURED)]
    cases += [
        rule("r", "not_null", "note", where="lower(code) = 'ab1' and note || code <> 'x' and length(code) > 1"),
        rule("r", "accepted_values", "code", values=["AB1", "ABC"]),
        rule("r", "accepted_values", "code", values=["ab1"], case_sensitive=False),
        rule("r", "between", "code", min="AA"),
        rule("r", "between", "price", min=2),
        rule("r", "expression", sql="upper(code) = code and coalesce(price, 0) >= 0"),
        rule("r", "unique", "code"),
        rule("r", "unique", "meter", "code", nulls="equal"),
        rule("r", "relationship", "meter", to_table="public.meters", to_column="meter", to_where="lower(kind) = 'gas'"),
        rule("r", "row_count", fail_above=None, min=1),
        rule("r", "freshness", "local_at", fail_above=None, max_age="1h", where="upper(code) <> ''"),
        rule("r", "column_type", "code", types=["varchar(10)"]),
        rule("r", "most_common_value", "meter", values=["a"]),
        rule("r", "sql", query="select count(*), max(code), lower(code) from readings where code like 'A%' group by code"),
    ]
    cases += [
        rule("r", "distribution", "meter", fail_above=None, test="chi_square", weights={"a": 4, "b": 3}, min_p=0.05),
        rule("r", "distribution", "reading", fail_above=None, test="kl", bins=[0, "7.5", 20], weights=[1, 1], max=0.5),
        rule("r", "distribution", "ratio", fail_above=None, test="ks", expected={"normal": {"mean": 1, "stddev": 2}}, min_p=0.05),
        before(rule("r", "distribution", "meter", fail_above=None, test="kl", against="previous", max=1), cells={"x": 1}),
        before(rule("r", "schema_change"), columns={"id": "integer", "meter": "integer", "gone": "text"}),
        before(rule("r", "activity", fail_above=None, max_age="99999d"), relations={}, at="2026-01-01T00:00:00Z", since=None),
        rule("r", "change", fail_above=None, of={"function": "sum", "column": "reading"}, max_increase=1) | {"baseline": BAND},
        rule("r", "unusual", fail_above=None, of={"function": "age", "column": "read_at"}) | {"baseline": BAND},
        before(rule("r", "not_blank", "note") | {"per": ["meter"], "new_groups": "warn", "missing_groups": "fail"}, groups="1,2"),
        rule("r", "aggregate", "price", fail_above=None, function="median", max=3) | {"per": ["code", "tags"]},
        rule("r", "unique", "id") | {"per": ["day"]},
    ]
    return [case | {"id": f"r{n}"} for n, case in enumerate(cases) if case["type"] != "castable" or version >= 160000]


def before(case: dict[str, Any], **state: Any) -> dict[str, Any]:
    """A rule that has to compare with this state."""
    return case | {"before": {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": state}}


def found_by(engine: Engine, target: Target, tested: list[dict[str, Any]]) -> dict[str, Any]:
    """What is said of each rule, but for its age: with samples, in a window, and by constraints."""
    shown = {"key": ["id"], "sample_rows": 3, "sample_columns": ["code", "tags"]}
    asked = {
        "whole": gate("readings", *tested, **shown),
        "window": gate(
            "readings", *tested, window={"column": "local_at", "from": "2026-01-01T00:00:00+00:00", "to": "2026-01-02"}, **shown
        ),
        "proved": gate(
            "meters",
            rule("n", "not_null", "meter") | {"verify": "constraint"},
            rule("u", "unique", "meter") | {"verify": "constraint"},
        ),
    }
    found = {name: engine.outcome(target, spec) for name, spec in asked.items()}
    for one in found.values():
        for outcome in one["rules"]:
            outcome["measured"] = outcome["measured"] if isinstance(outcome["measured"], int) else None
            if "relations" in outcome.get("remember", ()):
                del outcome["remember"]["at"]
    return found


@only("14", "debian", "18")
def test_no_verdict_changes_and_no_foreign_code_runs(engine: Engine, server: Server, target: Target, intruder: str) -> None:
    target.execute(READINGS + "alter table meters add primary key (meter)")
    tested = rules(int(server.value("select current_setting('server_version_num')")))
    assert {case["type"] for case in tested} >= {entry.name for entry in CATALOGUE} - {"castable"}
    before = found_by(engine, target, tested)
    assert [one for one in before["whole"]["rules"] if one["status"] == "error"] == []
    with session(intruder) as cursor:
        cursor.execute(overloads("public"))
        cursor.execute(f'create schema "{target.user}"; grant usage on schema "{target.user}" to public')
        cursor.execute(overloads(f'"{target.user}"'))
        cursor.execute("select count(*) from pg_catalog.pg_proc where prosrc like '%hostile code ran%'")
        assert cursor.fetchone()[0] > 2000
    with pytest.raises(Exception, match="hostile code ran"), session(target.loader_url) as cursor:
        cursor.execute("select lower(code) from public.readings")  # what whoever searches these schemas gets
    after = found_by(engine, target, tested)
    assert "hostile" not in json.dumps(after)
    assert after == before


@only("debian")
@pytest.mark.parametrize("kind", ["citext", "email"])
def test_an_extensions_operators_are_those_of_its_own(
    engine: Engine, server: Server, target: Target, intruder: str, kind: str
) -> None:
    server.run("create extension citext schema public", target.dbname)
    target.execute(
        f"create domain email as citext; create table t (id integer, a {kind}, b {kind});"
        " insert into t values (1, 'Open', 'open'), (2, 'CLOSED', 'x'), (3, null, null)"
    )
    with session(intruder) as cursor:
        cursor.execute(overloads("public") if kind == "citext" else OF_A_DOMAIN)
    tested = [
        rule("known", "accepted_values", "a", values=["OPEN"]),
        rule("from", "between", "a", min="D"),
        rule("like", "like", "a", pattern="o%"),
        rule("regex", "regex", "a", pattern="^o"),
        rule("unique", "unique", "a"),
        rule("pair", "compare", "a", operator="=", other_column="b"),
        rule("self", "relationship", "a", to_table="public.t", to_column="b"),
        rule("all", "distinct_values", "a", values=["OPEN", "closed"], mode="equal"),
        rule("most", "aggregate", "a", fail_above=None, function="max", max="OPEN"),
        rule("rising", "monotonic", "a", order_by="id"),
        rule("two", "accepted_values", "a", values=["OPEN", "x"]),
        rule("where", "row_count", fail_above=None, max=0, where="a = 'open'"),
    ]
    found = engine.rules(target, gate("t", *tested, key=["id"], sample_rows=5))
    assert {key: (one["status"], one["failures"]) for key, one in found.items()} == {
        "known": ("fail", 1), "from": ("fail", 1), "like": ("fail", 1), "regex": ("fail", 1), "unique": ("pass", 0), "pair": ("fail", 1), "self": ("fail", 1),
        "all": ("pass", 0), "most": ("pass", None), "rising": ("fail", 1), "two": ("fail", 1),
        "where": ("fail", None),
    }  # fmt: skip
    window = gate("t", rule("rows", "row_count", fail_above=None, min=1), window={"column": "a", "from": "N", "to": None})
    assert engine.outcome(target, window)["row_count"] == 1


@only("debian")
def test_sql_of_the_users_on_such_a_column_is_not_decided_where_others_may_create(
    engine: Engine, server: Server, target: Target, intruder: str
) -> None:
    """PostgreSQL would compare texts there. Plain comparisons with quoted values are those of the type; in a schema that is a superuser's alone, all are."""
    server.run("create extension citext schema public", target.dbname)
    target.execute(
        "create type pair as (email citext, n integer); create table t (a citext, n integer, p pair);"
        "insert into t values ('Open', 1, ('Open', 1)), ('CLOSED', null, ('CLOSED', 2));"
        "create table words (word citext); insert into words values ('CLOSED'); create domain word as citext"
    )

    def casting(type: str) -> tuple[dict[str, Any], ...]:
        return (
            rule("cast", "not_null", "n", where=f"coalesce(n::text, 'X')::{type} = 'x'"),
            rule("typed", "sql", query=f"select n from public.t where cast(coalesce(n::text, 'X') as {type}) like 'x'"),
            rule("prefixed", "sql", query=f"select n from public.t where n is null and {type} 'X' = 'x'"),
        )

    spec = gate(
        "t",
        *casting("public.citext"),
        rule("domain", "not_null", "n", where="coalesce(n::text, 'X')::public.word = 'x'"),
        rule("star", "sql", query="select 1 as n where 'closed' in (select * from public.words)"),
        rule("where", "not_null", "n", where="a || '' = 'closed'"),
        rule("plain", "not_null", "n", where="a = 'closed' and (a not in ('x', 'OPEN'))"),
        rule("to", "relationship", "a", to_table="public.t", to_column="a", to_where="a like 'O%'"),
        rule("holds", "expression", sql="a in ('open', 'x')"),
        rule("sql", "sql", query="select * from public.t where a = 'closed'"),
        rule("renamed", "sql", query="select * from public.t as x (k, m) where k = 'closed'"),
        rule("inside", "not_null", "n", where="(p).email = 'closed'"),
        rule("there", "not_null", "n", where="a is not null and not (a is null)"),
        rule("other", "not_null", "n", where="n > 0"),
    )
    found = engine.rules(target, spec)
    plain = {"plain": 1, "to": 1, "holds": 1, "there": 1, "other": 0}
    undecided = ("where", "sql", "renamed", "inside", "cast", "typed", "prefixed", "domain", "star")
    assert [found[name]["status"] for name in undecided] == ["error"] * 9
    assert {"others may create in the schema public" in found[name]["reason"] for name in undecided} == {True}
    assert {name: found[name]["failures"] for name in plain} == plain
    server.run(
        "create schema trusted; grant usage on schema trusted to public; alter extension citext set schema trusted", target.dbname
    )
    spec["tables"][0]["rules"][:3] = casting("trusted.citext")
    found = engine.rules(target, spec)
    assert {name: found[name]["failures"] for name in found} == plain | {
        **dict.fromkeys(("cast", "typed", "prefixed", "domain", "star"), 1),
        "where": 0,
        "sql": 1,
        "renamed": 1,
        "inside": 1,
    }  # || of a citext gives a text


def test_a_query_that_names_no_schema_reads_what_the_role_would(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer); insert into t values (1), (2)")
    tested = rule(
        "r", "sql", query="with big as (select * from t where a > 1) select * from big union all select t.* from t where t.a > 1"
    )
    same = rule("same", "sql", query="with t as (select * from t where a > 1) select * from t")
    spec = gate("t", tested, same, rule("gone", "sql", query="select * from nowhere"), key=["a"], sample_rows=5)
    found = engine.rules(target, spec)
    assert found["same"]["sample"]["rows"] == [[2]]
    assert (found["r"]["failures"], found["r"]["sample"]["rows"]) == (2, [[2], [2]])
    assert found["gone"]["reason"] == 'relation "nowhere" does not exist'


@only("18")
def test_queries_that_a_macro_runs_itself_search_pg_catalog_alone(
    project: Project, target: Target, intruder: str, tmp_path: Path
) -> None:
    target.execute("create table t (code varchar); insert into t values ('A')")
    with session(intruder) as cursor:
        cursor.execute(
            "create function public.lower(varchar) returns text language plpgsql as 'begin raise exception ''hostile code ran''; end'"
        )
    query = "run_query('select lower(code) from public.t').rows[0][0]"
    macro = f"{{% macro stringx_rule__always(rule, scope) %}}{{{{ return({{'violation': \"code = '\" ~ {query} ~ \"'\"}}) }}}}{{% endmacro %}}"
    (project.folder / "macros" / "always.sql").write_text(macro)
    with project.child_factory.slot(max_checks=9) as child:
        child.ensure_warm()
        answer = child.run(
            gate("t", rule("r", "always"), rule("u", "sql", query="select * from t")), tmp_path, target.environment(), 60
        )
    outcome = outcome_of(answer)
    assert outcome is not None, answer.message
    assert [(one["failures"], one["reason"]) for one in outcome["tables"][0]["rules"]] == [(0, None), (1, None)]


@only("18")
def test_watching_a_check_runs_no_foreign_code(target: Target, intruder: str) -> None:
    with session(intruder) as cursor:
        cursor.execute(
            "create function public.hostile(integer[], integer[]) returns boolean language plpgsql as 'begin raise exception ''hostile code ran''; end';"
            "create operator public.&& (leftarg = integer[], rightarg = integer[], function = public.hostile);"
            "create function public.make_interval(secs numeric) returns interval language plpgsql as 'begin raise exception ''hostile code ran''; end'"
        )
    address = {
        "host": target.host,
        "port": str(target.port),
        "dbname": target.dbname,
        "user": target.user,
        "password": target.password,
    }
    watch = PostgresSessions(address, "a check")
    assert (watch.keeps_waiting(1.5), watch.cancel()) == (False, 0)
