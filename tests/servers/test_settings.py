"""Servers, databases and roles with settings of their own: the answer stays the same, and never a wrong one."""

import json
from typing import Any

import psycopg2
import pytest

from tests.servers.clusters import Made, Server
from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

# what `alter role … set` says about the reader
ROLE = {
    "standard_conforming_strings = off": "alter role {user} set standard_conforming_strings = off; alter role {user} set escape_string_warning = on",
    "backslash_quote": "alter role {user} set standard_conforming_strings = off; alter role {user} set backslash_quote = on",
    "search_path empty": "alter role {user} set search_path = ''",
    "search_path of a schema that is not there": "alter role {user} set search_path = nowhere",
    "search_path with pg_temp, where the role may make nothing temporary": "revoke temporary on database {dbname} from public; alter role {user} set search_path = \"$user\", public, pg_temp",
    "search_path that hides pg_catalog": "alter role {user} set search_path = evil, pg_catalog",
    "serializable": "alter role {user} set default_transaction_isolation = 'serializable'; alter role {user} set default_transaction_deferrable = on",
    "read only": "alter role {user} set default_transaction_read_only = on",
    "statement_timeout": "alter role {user} set statement_timeout = '900ms'",
    "lock_timeout": "alter role {user} set lock_timeout = 1",
    "idle_session_timeout": "alter role {user} set idle_session_timeout = 1000",
    "jit": "alter role {user} set jit = on; alter role {user} set jit_above_cost = 0; alter role {user} set jit_inline_above_cost = 0; alter role {user} set jit_optimize_above_cost = 0",
    "no parallel, no hash, no sort": "alter role {user} set enable_hashagg = off; alter role {user} set enable_sort = off; alter role {user} set enable_seqscan = off",
    "parallel always": "alter role {user} set parallel_setup_cost = 0; alter role {user} set parallel_tuple_cost = 0; alter role {user} set min_parallel_table_scan_size = 0",
    "dates": "alter role {user} set datestyle = 'German, DMY'; alter role {user} set intervalstyle = 'sql_standard'; alter role {user} set timezone = 'Asia/Kathmandu'",
    "formats": "alter role {user} set extra_float_digits = -10; alter role {user} set bytea_output = 'escape'; alter role {user} set array_nulls = off; alter role {user} set quote_all_identifiers = on",
    "transform_null_equals": "alter role {user} set transform_null_equals = on",
    "client_min_messages": "alter role {user} set client_min_messages = debug5",
    "client_encoding": "alter role {user} set client_encoding = 'LATIN1'",
    "row_security": "alter role {user} set row_security = off",
}  # fmt: skip
TEXT = "back\\slash' -- 🚀 {{ 1 }}"


def everything(name: str = "t", value: str = TEXT) -> list[dict[str, Any]]:
    return [
        rule("filled", "not_null", "a"),
        rule("known", "accepted_values", "b", values=[value]),
        rule("folded", "accepted_values", "b", values=[value], case_sensitive=False),
        rule("day", "between", "day", min="2026-02-01", max="2026-12-31"),
        rule("ratio", "between", "ratio", max=0.1),
        rule("unique", "unique", "a"),
        rule("parent", "relationship", "a", to_table=f"public.{name}", to_column="a", to_where="a < 3"),
        rule("condition", "expression", sql="day < date '2026-06-01' and b <> 'a''b'"),
        rule("rows", "row_count", fail_above=None, min=5, max=5),
        rule("address", "regex", "address", pattern="[.]1$"),
        rule("bytes", "not_blank", "bytes"),
    ]


def fill(target: Target, value: str = TEXT) -> None:
    target.execute(
        "create table t (a integer, b text, day date, ratio double precision, address inet default '10.0.0.1', bytes bytea default '')"
    )
    target.execute(
        "insert into t values (1, %s, '2026-01-31', 0.1), (1, %s, '2026-02-01', 0.1), (2, 'x', '2026-12-31', 0.3), (3, null, null, null), (null, 'y', '2027-01-01', 'nan')",
        (value, value),
    )


def assert_right(engine: Engine, target: Target, value: str = TEXT) -> None:
    found = engine.outcome(target, gate("t", *everything(value=value)))
    assert {one["id"]: (one["failures"], one["reason"]) for one in found["rules"]} == {
        "filled": (1, None), "known": (2, None), "folded": (2, None), "day": (2, None), "ratio": (2, None), "unique": (1, None),
        "parent": (1, None), "condition": (2, None), "rows": (None, None), "address": (0, None), "bytes": (5, None),
    }  # fmt: skip
    assert (found["row_count"], found["verdict"]) == (5, "fail")


@pytest.mark.parametrize("setting", ROLE)
def test_a_roles_settings_do_not_change_the_answer(engine: Engine, server: Server, target: Target, setting: str) -> None:
    fill(target)
    target.execute(
        "create schema evil; create function evil.to_json(anyelement) returns json language sql as $$ select '1'::json $$"
    )
    target.execute("create function evil.lower(text) returns text language sql as $$ select 'x' $$")
    for function in ("now() returns timestamptz", "clock_timestamp() returns timestamptz"):
        target.execute(f"create function evil.{function} language sql as $$ select timestamptz '1999-01-01' $$")
    server.run(ROLE[setting].format(user=target.user, dbname=target.dbname))
    assert_right(engine, target)


def test_no_statement_of_a_check_is_compiled(engine: Engine, server: Server, target: Target) -> None:
    target.execute("create table t (a integer); insert into t values (1)")
    server.run(ROLE["jit"].format(user=target.user))
    assert (
        engine.rules(target, gate("t", rule("off", "expression", sql="current_setting('jit') = 'off'")))["off"]["failures"] == 0
    )


@pytest.mark.parametrize("setting", ["standard_conforming_strings = off", "search_path empty"])
def test_a_roles_settings_do_not_change_names(engine: Engine, server: Server, target: Target, setting: str) -> None:
    name = "it's \\' a\\\\b"
    target.execute(f'create table "{name}" ("{name}" integer); insert into "{name}" values (1), (null)')
    server.run(ROLE[setting].format(user=target.user))
    found = engine.outcome(target, gate(name, rule("filled", "not_null", name), rule("unique", "unique", name)))
    assert [(one["failures"], one["reason"]) for one in found["rules"]] == [(1, None), (0, None)]


@pytest.mark.parametrize("limit", ["statement_timeout", "transaction_timeout"])
def test_the_checks_own_timeout_counts_and_not_the_roles(engine: Engine, server: Server, target: Target, limit: str) -> None:
    target.execute("create table t (a integer); insert into t values (1), (null)")
    if server.value(f"select count(*) from pg_settings where name = '{limit}'"):  # transaction_timeout is of PostgreSQL 17
        server.run(f"alter role {target.user} set {limit} = '500ms'")
    slow = rule("slow", "expression", sql="(select pg_sleep(0.7)) is not null")
    found = engine.rules(target, gate("t", slow, rule("filled", "not_null", "a")))
    assert {key: (one["status"], one["failures"]) for key, one in found.items()} == {"slow": ("pass", 0), "filled": ("fail", 1)}


def test_the_roles_limit_on_idle_transactions_does_not_end_a_check(engine: Engine, server: Server, target: Target) -> None:
    """So many rules that dbt takes longer between two round trips than the role allows."""
    target.execute("create table t (a integer); insert into t values (1), (null)")
    server.run(f"alter role {target.user} set idle_in_transaction_session_timeout = '300ms'")
    found = engine.rules(target, gate("t", *[rule(f"r{n}", "between", "a", max=n) for n in range(1500)]))
    assert [one["failures"] for one in found.values()] == [1] + [0] * 1499


DATABASES = {
    "SQL_ASCII": "template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'",
    "LATIN1": "template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'",
    "EUC_JP": "template template0 encoding 'EUC_JP' lc_collate 'C' lc_ctype 'C'",
    "UTF8": "template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'",
}


@pytest.mark.parametrize("encoding", DATABASES)
def test_a_database_of_another_encoding_gives_the_same_numbers(engine: Engine, made: Made, encoding: str) -> None:
    target = made.target(DATABASES[encoding])
    value = "back\\slash' -- {{ 1 }}"
    fill(target, value)
    assert_right(engine, target, value)


@pytest.mark.parametrize(("encoding", "text"), [("SQL_ASCII", "é🚀"), ("LATIN1", "éß"), ("EUC_JP", "日本"), ("UTF8", "é🚀")])
def test_names_and_values_beyond_ascii_are_found_in_every_encoding(engine: Engine, made: Made, encoding: str, text: str) -> None:
    target = made.target(DATABASES[encoding])
    in_utf8(
        target,
        f'create table "{text}" (id integer, "{text}" text); insert into "{text}" values (1, \'{text}\'), (2, \'x\'), (null, null)',
    )
    tests = [
        rule("known", "accepted_values", text, values=[text]),
        rule("filled", "not_null", "id"),
        rule("unique", "unique", text),
    ]
    found = engine.outcome(target, gate(text, *tests))
    assert {one["id"]: (one["failures"], one["reason"]) for one in found["rules"]} == {
        "known": (1, None),
        "filled": (1, None),
        "unique": (0, None),
    }
    missing = engine.rules(target, gate(text, rule("missing", "not_null", text + "x"), rule("filled", "not_null", "id")))
    assert (missing["missing"]["status"], missing["filled"]["failures"]) == ("error", 1)
    assert text + "x" in missing["missing"]["reason"]


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP"])
def test_a_value_that_the_database_cannot_hold_is_an_error_of_its_rule_alone(engine: Engine, made: Made, encoding: str) -> None:
    target = made.target(DATABASES[encoding])
    target.execute("create table t (id integer, a text); insert into t values (1, 'x'), (null, null)")
    tests = [
        rule("known", "accepted_values", "a", values=["🚀"]),
        rule("filled", "not_null", "id"),
        rule("unique", "unique", "id"),
    ]
    found = engine.rules(target, gate("t", *tests))
    assert (found["known"]["status"], found["filled"]["failures"], found["unique"]["failures"]) == ("error", 1, 0)
    assert found["known"]["reason"] == f"argument values holds a character that the database's encoding {encoding} does not have"


def test_each_text_that_the_database_cannot_hold_is_named(engine: Engine, made: Made) -> None:
    target = made.target(DATABASES["LATIN1"])
    target.execute("create table t (id integer, a text); insert into t values (1, 'x'), (null, null)")
    spec = gate(
        "t",
        rule("column", "not_null", "名"),
        rule("where", "not_null", "a", where="a <> '🚀'"),
        rule("pattern", "regex", "a", pattern="ł"),
        rule("condition", "expression", sql="a <> '€'"),
        rule("other", "relationship", "a", to_table="public.表", to_column="a"),
        rule("filled", "not_null", "id"),
        key=["id", "名"],
        sample_rows=3,
    )
    found = engine.rules(target, spec)
    assert {key: one["reason"] and one["reason"].partition(" holds")[0] for key, one in found.items()} == {
        "column": "columns", "where": "where", "pattern": "argument pattern", "condition": "argument sql", "other": "argument to_table",
        "filled": None,
    }  # fmt: skip
    assert (found["filled"]["status"], found["filled"]["failures"]) == ("fail", 1)
    window = engine.rules(target, gate("t", rule("filled", "not_null", "id"), window={"column": "a", "from": "🚀", "to": None}))
    assert str(window["filled"]["reason"]).startswith("the request's window holds")
    named = engine.rules(target, gate("表", rule("filled", "not_null", "id")))
    assert str(named["filled"]["reason"]).startswith("the table's name holds")


def test_a_time_zone_that_the_server_does_not_know_is_an_error_of_its_table_alone(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer, a timestamptz); insert into t values (1, now()), (null, null)")
    rules = [rule("filled", "not_null", "id"), rule("unique", "unique", "id"), rule("rows", "row_count", fail_above=None, min=1)]
    odd, plain = gate("t", *rules, timezone="Mars/Olympus"), gate("t", *rules, timezone="Europe/Berlin")
    answer = engine.answer(target, odd | {"tables": [plain["tables"][0], odd["tables"][0], plain["tables"][0]]})
    assert answer.outcome is not None, answer.message
    first, second, third = json.loads(answer.outcome)["tables"]
    assert {one["reason"] for one in second["rules"]} == {"the target does not know the time zone Mars/Olympus"}
    for table in (first, third):
        assert [(one["failures"], one["status"]) for one in table["rules"]] == [(1, "fail"), (0, "pass"), (None, "pass")]


def test_bytes_that_are_no_utf8_in_sql_ascii_are_rows_like_others(engine: Engine, made: Made) -> None:
    target = made.target(DATABASES["SQL_ASCII"])
    target.execute("create table t (a text); insert into t values (e'\\xe9'), (e'\\xe9'), (e'\\xff'), (null)")
    tests = [rule("filled", "not_null", "a"), rule("known", "accepted_values", "a", values=["x"]), rule("unique", "unique", "a")]
    found = engine.rules(target, gate("t", *tests))
    assert {key: (one["failures"], one["reason"]) for key, one in found.items()} == {
        "filled": (1, None),
        "known": (3, None),
        "unique": (1, None),
    }


@only("debian")
def test_the_databases_collation_decides_order_and_case(engine: Engine, made: Made) -> None:
    """`between` and comparisons without case are those of plain SQL in that database, whatever the collation."""
    answers = []
    for options in (
        DATABASES["UTF8"],
        "template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C' locale_provider icu icu_locale 'de-DE'",
    ):
        target = made.target(options)
        target.execute("create table t (a text); insert into t values ('a'), ('B'), ('c'), ('Ä'), ('ä'), (null)")
        ((outside, folded),) = target.query(
            "select count(*) filter (where a < 'b'), count(*) filter (where lower(a) <> lower('Ä')) from t"
        )
        tests = [
            rule("from", "between", "a", min="b"),
            rule("folded", "accepted_values", "a", values=["Ä"], case_sensitive=False),
        ]
        found = engine.rules(target, gate("t", *tests))
        assert (found["from"]["failures"], found["folded"]["failures"]) == (outside, folded)
        answers.append((outside, folded))
    assert answers == [(2, 4), (3, 3)], "the two collations must differ, or this test shows nothing"


@only("debian")
def test_a_column_whose_collation_ignores_case_is_compared_so(engine: Engine, target: Target) -> None:
    target.execute(
        "create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "create table t (a text collate folded, b integer); insert into t values ('Open', 1), ('open', null), ('closed', 1), (null, 1)"
    )
    tests = [
        rule("known", "accepted_values", "a", values=["OPEN"]),
        rule("unique", "unique", "a"),
        rule("filled", "not_null", "b"),
    ]
    ((unknown, repeated),) = target.query("select count(*) filter (where a <> 'OPEN'), count(a) - count(distinct a) from t")
    found = engine.rules(target, gate("t", *tests))
    assert {key: one["failures"] for key, one in found.items()} == {"known": unknown, "unique": repeated, "filled": 1}
    assert (unknown, repeated) == (1, 1)


def in_utf8(target: Target, statement: str) -> None:
    """psycopg2 encodes a statement as the connection does, and that of the database cannot hold every name."""
    connection = psycopg2.connect(target.loader_url, client_encoding="UTF8")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def test_bytes_that_are_no_utf8_are_shown_in_no_sample_and_hide_no_rule(engine: Engine, made: Made) -> None:
    target = made.target(DATABASES["SQL_ASCII"])
    target.execute("create table t (k text, a integer); insert into t values (e'\\xe9', null), ('b', null), ('c', 1)")
    tests = [
        rule("filled", "not_null", "a"),
        rule("least", "aggregate", "k", fail_above=None, function="max", max="z"),
        rule("unique", "unique", "a"),
    ]
    found = engine.rules(target, gate("t", *tests, key=["k"], sample_rows=5))
    assert (found["filled"]["failures"], found["filled"]["sample"], found["unique"]["failures"]) == (2, None, 0)
    assert (found["least"]["status"], found["least"]["reason"]) == ("error", "character not in repertoire (SQLSTATE 22021)")
