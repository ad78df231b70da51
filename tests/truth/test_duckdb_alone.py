"""What is DuckDB's alone: rules that fail by themselves, names, patterns, groups and measures that are compared with earlier checks."""

import json
import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from jinja2.sandbox import SandboxedEnvironment

from api.checks.specification import custom_sql_facts
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.common_patterns import COMMON, fault_of_pattern
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.duckdb_target import DuckdbFiles
from tests.support.engine import CATALOGUE, gate, rule
from tests.truth.shares import CORRELATIONS_OF_NAN, MEASURES_OF_NAN

MACROS = ROOT / "stringx" / "duckdb" / "macros"
ORDERS = """
create schema public;
create table public.orders (order_id integer, shop varchar, price decimal(10, 2), status varchar, k1 integer);
insert into public.orders values (1, 'a', 10, 'open', 1), (2, 'a', -5, 'secret', 2), (2, 'b', 0, 'lost', 1), (3, null, null, null, 2);
"""


@pytest.fixture(scope="module")
def orders(files: DuckdbFiles) -> Path:
    return files.file(ORDERS)


def test_a_rule_that_fails_fails_alone_and_shows_no_value(files: DuckdbFiles, orders: Path) -> None:
    rules = [
        rule("divides", "expression", sql="10 // price::integer > 0"),
        rule("casts", "expression", sql="status::integer > 0"),
        rule("unnamed", "expression", sql="nothing > 0"),
        rule("queries", "sql", query="select 1 from public.orders where status::integer > 0"),
        rule("counts", "not_null", "status"),
        rule("unique", "unique", "order_id"),
    ]
    found = files.rules(orders, gate("orders", *rules))
    assert {id: each["status"] for id, each in found.items()} == {
        **dict.fromkeys(("divides", "casts", "unnamed", "queries"), "error"), "counts": "fail", "unique": "fail",
    }  # fmt: skip
    assert found["counts"]["failures"] == found["unique"]["failures"] == 1
    assert "nothing" in found["unnamed"]["reason"]
    assert not any(value in str(found) for value in ("secret", "lost"))


def test_a_slow_rule_is_an_error_and_the_others_are_decided(files: DuckdbFiles, orders: Path) -> None:
    slow = rule("slow", "sql", query="select 1 from range(1000000) as a, range(1000000) as b where a.range + b.range < 0")
    found = files.rules(orders, gate("orders", slow, rule("quick", "not_null", "order_id"), statement_timeout_ms=3000))
    assert found["slow"]["reason"] == "it took longer than its share of the timeout"
    assert found["quick"]["status"] == "pass"


def test_a_name_that_is_no_column_never_means_an_expression_of_a_macro(files: DuckdbFiles, orders: Path) -> None:
    """DuckDB lets a condition name the expressions that are selected beside it."""
    names = ("is_wrong", "v", "k2", "low", "g1", "c1", "moment")
    rules = [rule(f"{name} {type}", type, column, where=f"{name} is not null", **arguments)
             for name in names
             for type, column, arguments in (
                 ("unique", "order_id", {}),
                 ("monotonic", "price", {"order_by": "order_id"}),
                 ("outliers", "price", {"method": "iqr", "limit": 1}),
                 ("distinct_values", "shop", {"values": ["a"]}),
                 ("not_null", "status", {}),
             )]  # fmt: skip
    per = [rule(f"{name} per", "not_null", "status", where=f"{name} is not null") | {"per": ["shop"]} for name in names]
    found = files.rules(orders, gate("orders", *rules, *per, key=["order_id"], sample_rows=3))
    assert {each["status"] for each in found.values()} == {"error"}
    column = files.rules(orders, gate("orders", rule("r", "unique", "order_id", where="k1 = 2"), rule("s", "unique", "k1")))
    assert (column["r"]["status"], column["s"]["failures"]) == ("pass", 2)


@pytest.mark.parametrize("per", [[], ["g"]])
@pytest.mark.parametrize("method", ["zscore", "iqr"])
def test_limits_that_doubles_cannot_hold_are_errors(files: DuckdbFiles, method: str, per: list[str]) -> None:
    """PostgreSQL's sums fail so. An infinite limit would let every value pass."""
    path = files.file(
        "create schema public; create table public.t as select 1 as g, 1e200 * range as v, if(range < 50, -1e308, 1e308) as w from range(100);"
        "insert into public.t values (1, 1.7e308, 0)"
    )
    rules = [rule(column, "outliers", column, method=method, limit=3) | ({"per": per} if per else {}) for column in ("v", "w")]
    found = files.rules(path, gate("t", *rules))
    wanted = {"zscore": {"v": "error", "w": "error"}, "iqr": {"v": "fail", "w": "error"}}[method]
    assert {name: each["status"] for name, each in found.items()} == wanted


def test_what_duckdb_lacks_is_an_error_that_names_it(files: DuckdbFiles, orders: Path) -> None:
    lacking = [found.name for found in Catalogue.load(ROOT / "stringx") if "duckdb" not in found.engines]
    rules = [rule(name, name, "status") for name in lacking if name != "dbt"]
    rules += [rule("case", "not_null", "STATUS"), rule("pattern", "regex", "status", pattern=r"\w"), rule("sum", "aggregate", "status", function="sum", max=1)]  # fmt: skip
    found = files.rules(orders, gate("orders", *rules))
    assert {each["status"] for each in found.values()} == {"error"}
    assert all(
        found[name]["reason"] == f"rules of the type {name} are not available on DuckDB" for name in lacking if name in found
    )
    assert found["case"]["reason"] == 'column "STATUS" does not exist'
    assert found["sum"]["reason"] == "on DuckDB aggregate means nothing for a column of type VARCHAR: status"


def test_a_table_that_is_missing_makes_its_rules_errors(files: DuckdbFiles, orders: Path) -> None:
    outcome = files.outcome(orders, gate("nowhere", rule("r", "row_count", min=0)))
    assert (outcome["verdict"], outcome["rules"][0]["status"]) == ("error", "error")
    assert "nowhere" in outcome["reason"]
    rules = [
        rule("type", "column_type", "id", types=["integer"]),
        rule("filled", "not_null", "id"),
    ]
    assert {each["reason"] for each in files.rules(orders, gate("nowhere", *rules)).values()} == {outcome["reason"]}


def test_a_table_in_another_spelling_is_none(files: DuckdbFiles, orders: Path) -> None:
    """Or one table would have two gates. Custom SQL and other tables of a rule are read as DuckDB reads them."""
    spelled = files.rules(orders, gate("orders", rule("r", "row_count", min=1)))
    assert spelled["r"]["status"] == "pass"
    outcome = files.outcome(orders, gate("Orders", rule("r", "row_count", min=1)))
    assert (outcome["verdict"], "there is no table" in outcome["reason"]) == ("error", True)
    other = files.rules(orders, gate("orders", rule("r", "row_count_matches", other_table="PUBLIC.Orders")))
    assert other["r"]["status"] == "pass"


def test_samples_are_in_the_order_of_the_key_and_cut(files: DuckdbFiles) -> None:
    path = files.file(
        "create schema public; create table public.t (id bigint, f double, moment timestamp with time zone, x varchar, e integer[]);"
        "insert into public.t values (123456789012345678, 'nan', '2026-01-01 10:00:00.5+00', repeat('x', 300), [1, 2]), (1, 0.5, null, 'y', null)"
    )
    table = gate("t", rule("r", "is_null", "id"), rule("q", "sql", query="select x, id, 7 as z from public.t where f > 1"),
                 key=["id"], sample_rows=5, sample_columns=["f", "moment", "x", "e"])  # fmt: skip
    found = files.rules(path, table)
    assert found["r"]["sample"] == {
        "columns": ["id", "f", "moment", "x", "e"],
        "rows": [
            [1, 0.5, None, "y", None],
            ["123456789012345678", "NaN", "2026-01-01T10:00:00.5+00:00", "x" * 200 + "...", [1, 2]],
        ],
    }
    assert found["q"]["sample"] == {"columns": ["id", "x"], "rows": [["123456789012345678", "x" * 200 + "..."]]}


def test_groups_are_compared_with_those_of_the_check_before(files: DuckdbFiles) -> None:
    path = files.file(
        "create schema public; create table public.t as select * from (values ('a', 1), ('b', null), ('c', 1)) as t(g, x)"
    )

    def check(where: str, **before: Any) -> dict[str, Any]:
        tested = rule("r", "not_null", "x", where=where) | {"per": ["g"], "new_groups": "fail", "missing_groups": "warn"} | before
        return files.rules(path, gate("t", tested, sample_columns=["g"]))["r"]

    first = check("g <> 'c' and x is not null or g = 'd'")
    state = json.loads(json.dumps(first["remember"]))
    assert (first["status"], first["groups"]["count"], first["groups"]["compared"]) == ("pass", 1, False)
    same = check("g = 'a'", before={"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": state})
    assert (same["status"], same["groups"]["new"], same["groups"]["missing"]) == ("pass", 0, 0)
    other = check("g = 'c'", before={"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": state})
    assert (other["status"], other["groups"]["new"], other["groups"]["missing"]) == ("fail", 1, 1)
    assert [(worst["key"], worst.get("change")) for worst in other["groups"]["worst"]] == [
        ({"g": "c"}, "new"),
        ({"g": "a"}, "missing"),
    ]


def test_columns_are_compared_with_those_of_the_check_before(files: DuckdbFiles, orders: Path) -> None:
    def check(*allow: str, **before: Any) -> dict[str, Any]:
        tested = rule("r", "schema_change", **({"allow": list(allow)} if allow else {}))
        return files.rules(orders, gate("orders", tested | before))["r"]

    first = check()
    assert (first["status"], first["found"]) == ("pass", {"first": "there is no earlier check to compare with"})
    columns = first["remember"]["columns"]
    assert columns["price"] == "DECIMAL(10,2)"
    earlier = {**columns, "gone": "INTEGER", "status": "INTEGER"}
    del earlier["k1"]
    state = {"before": {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": {"columns": earlier}}}
    changed = check(**state)
    assert changed["found"] == {
        "at": "2026-01-01T00:00:00Z", "added": ["k1"], "removed": ["gone"], "retyped": ["status from INTEGER to VARCHAR"],
    }  # fmt: skip
    assert (changed["status"], changed["failures"], check("added", "removed", **state)["failures"]) == ("fail", 3, 1)


@pytest.mark.parametrize("kind", ["change", "unusual"])
def test_measures_are_compared_with_the_bounds_that_came(files: DuckdbFiles, orders: Path, kind: str) -> None:
    bounds = ("low", "high", "warn_low", "warn_high")

    def judged(id: str, of: Any, **given: str) -> dict[str, Any]:
        found = rule(id, kind, fail_above=None, of=of, **({"max_increase": 1} if kind == "change" else {}))
        facts = dict.fromkeys(("center", *bounds)) | {"points": 1, "season": "none", "learning": None} | given
        return found | {"columns": [of["column"]] if isinstance(of, dict) else [], "baseline": facts}

    total = {"function": "sum", "column": "price"}
    rules = [
        judged("rows", "row_count", low="4", high="4"), judged("more", "row_count", low="4.5"), judged("learns", "row_count"),
        judged("sum", total, low="5", high="5.00"), judged("less", total, high="4.99"), judged("none", total | {"column": "status"}, low="1"),
    ]  # fmt: skip
    found = files.rules(orders, gate("orders", *rules))
    assert {id: each["status"] for id, each in found.items()} == {
        "rows": "pass", "more": "fail", "learns": "pass", "sum": "pass", "less": "fail", "none": "error",
    }  # fmt: skip
    assert (found["rows"]["measured"], found["sum"]["measured"]) == (4, 5.0)


def test_common_patterns_mean_the_same_in_both(truth_target: Target) -> None:
    chance = random.Random(0)
    atoms = [
        "a",
        "b",
        "é",
        ".",
        "[ab]",
        "[^a]",
        "[a-c-]",
        "\\.",
        "\\d",
        "(a|b)",
        "(?:ab)",
        "(|b)",
        "$",
        "^",
        "\\n",
        "[.]",
        "\\\\",
        "(a*)",
        "-",
    ]
    times = ["", "", "", "*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "??"]
    patterns = ["", "^$", "a|^$"]
    while len(patterns) < 300:
        pattern = "".join(
            f"{atom}{'' if atom in '^$' else chance.choice(times)}" for atom in chance.choices(atoms, k=chance.randint(1, 4))
        )
        patterns.append(pattern if chance.random() < 0.8 else f"{pattern}|{chance.choice(atoms)}")
    assert [pattern for pattern in patterns if fault_of_pattern(pattern, "DuckDB")] == []
    texts = ["", "a", "b\n", "\n", "ab", "aab.", "bé", "a\nb", "1", "a-", "\\", "٣", "abab", "ba\n"]
    with duckdb.connect() as connection:
        on_duckdb = connection.execute(
            "select p, t, regexp_matches(t, p, 's') from unnest($1) as a(p), unnest($2) as b(t)", [patterns, texts]
        ).fetchall()
    quoted = [
        "array[" + ", ".join(f"E'{text}'" for text in (each.replace("\\", "\\\\") for each in both)) + "]"
        for both in (patterns, texts)
    ]
    on_postgres = truth_target.query(f"select p, t, t ~ p from unnest({quoted[0]}) as a(p), unnest({quoted[1]}) as b(t)")
    assert sorted(on_duckdb) == sorted(on_postgres)


@pytest.mark.parametrize(
    "pattern",
    [r"\w", r"\s", r"\y", r"\bx", "[[:alpha:]]", r"[\d]", "(?i)a", "(?=a)", "(?!a)", "a**", "a{", "a{01}", "a{256}", "***:a", "^*", "|*", r"\1", r"\x41", "a]", "(?#c)"],
)  # fmt: skip
def test_patterns_that_differ_are_refused(pattern: str) -> None:
    assert fault_of_pattern(pattern, "DuckDB") is not None


def test_the_macro_and_the_contract_have_one_expression_for_patterns() -> None:
    text = (ROOT / "stringx" / "other_adapters" / "macros" / "refusals.sql").read_text(encoding="utf-8")
    body = text.partition("{% macro stringx_common_pattern() %}")[2].partition("{% endmacro %}")[0]
    template = SandboxedEnvironment(autoescape=False).from_string(body.replace("{{- return(", "{{- ("))
    assert template.render().strip() == COMMON


def test_the_page_has_the_engines_of_each_type_and_the_project_a_macro_for_each() -> None:
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| \[`(\w+)`\]\(rules\.md#\w+\) \| (.+) \|$", page, re.MULTILINE))
    catalogue = Catalogue.load(ROOT / "stringx")
    assert rows == {
        entry.name: " | ".join("yes" if engine in entry.engines else "–" for engine in ("postgres", "duckdb", "trino"))
        for entry in catalogue
    }
    macros = [
        path.stem
        for folder in (MACROS, *(MACROS.parents[1] / name for name in ("macros/common", "other_adapters/macros")))
        for path in (folder / "rules").iterdir()
    ]
    assert sorted(macros) == sorted(entry.name for entry in catalogue if "duckdb" in entry.engines)


def test_the_name_of_a_database_is_not_taken_for_a_schema(files: DuckdbFiles) -> None:
    path = files.file("create table t as select 1 as x")
    found = files.outcome(path, gate("t", rule("r", "not_null", "x"), schema=path.stem))
    assert (found["verdict"], found["reason"]) == ("error", f"there is no table {path.stem}.t")
    assert files.outcome(path, gate("t", rule("r", "not_null", "x"), schema="main"))["verdict"] == "pass"


def test_long_lists_of_values_are_looked_up(files: DuckdbFiles, orders: Path) -> None:
    many = [f"v{number}" for number in range(500)]
    rules = [
        rule("some", "accepted_values", "status", values=[*many, "open", "lost"]),
        rule("lower", "accepted_values", "status", values=[*many, "OPEN", "lost"], case_sensitive=False),
        rule("numbers", "rejected_values", "order_id", values=[*range(2, 100), "1.5"]),
    ]
    found = files.rules(orders, gate("orders", *rules))
    assert [found[id]["failures"] for id in ("some", "lower", "numbers")] == [1, 1, 3]


def test_rules_of_every_type_can_be_planned_without_the_table(files: DuckdbFiles, orders: Path) -> None:
    """As where a macro that cannot be compiled is looked for."""
    examples = [entry.example for entry in Catalogue.load(ROOT / "stringx") if "duckdb" in entry.engines]
    rules = [rule(each["id"], each["type"]) | {"columns": [each["column"]] if "column" in each else each.get("columns", []), "arguments": each.get("arguments", {})} for each in examples]  # fmt: skip
    answer = files.answer(orders, gate("orders", *rules) | {"plan_only": True})
    assert json.loads(answer.outcome or "{}").get("verdict") == "pass", answer.message


@pytest.mark.parametrize("type", ["timestamp_s", "timestamp_ms", "timestamp_ns"])
def test_moments_of_other_precision_are_moments(files: DuckdbFiles, type: str) -> None:
    """Parquet files of pandas have nanoseconds."""
    moments = "('2026-01-01 10:00:00'), ('2026-01-03 10:00:00'), ('2026-01-02 10:00:00'), (null), ('2999-01-01')"
    if type == "timestamp_ns":  # it ends in 2262
        moments = moments.replace("2999", "2200")
    path = files.file(
        f"create schema public; create table public.t as select x::{type} as x, row_number() over () as n from (values {moments}) as v(x)"
    )
    rules = [
        rule("between", "between", "x", min="2026-01-01T10:00:00.000001", max="2026-12-31"),
        rule("listed", "accepted_values", "x", values=["2026-01-01 11:00+01:00", "2026-01-03T10:00:00"]),
        rule("future", "not_in_future", "x"),
        rule("fresh", "freshness", "x", max_age="36500d"),
        rule("order", "monotonic", "x", order_by="n"),
        rule("gaps", "no_gaps", "x", every="day"),
        rule("latest", "aggregate", "x", function="max", max="2026-01-03"),
        rule("unique", "unique", "x"),
    ]
    found = files.rules(path, gate("t", *rules))
    assert [found[id]["failures"] for id in ("between", "listed", "future", "order", "gaps", "unique")] == [2, 2, 1, 1, 0, 0]
    assert (found["fresh"]["status"], found["fresh"]["found"]["ahead"], found["latest"]["status"]) == ("pass", 1, "fail")
    assert found["gaps"]["found"]["ahead"] == 1


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland"])
def test_moments_without_a_zone_are_in_the_documents_also_infinite_ones(files: DuckdbFiles, zone: str) -> None:
    now = datetime.now(ZoneInfo(zone)).replace(tzinfo=None)
    hours = (-72, -49, -47, -1, 1, 3)
    finite = ", ".join(f"('{now + timedelta(hours=each)}')" for each in hours)
    path = files.file(
        "create schema public; create table public.t as select x::timestamp as x, x::timestamp::date as d from"
        f" (values {finite}, ('infinity'), ('-infinity'), (null)) as v(x)"
    )
    rules = [
        rule("future", "not_in_future", "x"),
        rule("soon", "not_in_future", "x", tolerance="2h"),
        rule("fresh", "freshness", "x", max_age="61m"),
        rule("stale", "freshness", "x", max_age="59m"),
        rule("lag", "max_lag", "d", other_column="x", at_most="0s"),
    ]
    found = files.rules(path, gate("t", *rules, timezone=zone))
    assert [found[id]["failures"] for id in ("future", "soon", "lag")] == [3, 2, 6]
    assert [found[id]["status"] for id in ("fresh", "stale")] == ["pass", "fail"]
    assert found["fresh"]["found"]["ahead"] == 3


def test_the_smallest_numbers_are_values_of_documents_too(files: DuckdbFiles) -> None:
    path = files.file(
        "create schema public; create table public.small as"
        " select * from (values (5e-324::double, 1e-44::float), (2.2250738585072014e-308, 1.2e-38::float)) as v(x, y)"
    )
    rules = [
        rule("double", "accepted_values", "x", values=["5e-324", "2.2250738585072014e-308"]),
        rule("real", "accepted_values", "y", values=["1e-44", "1.2e-38"]),
        rule("lost", "accepted_values", "x", values=["1e-400"]),
    ]
    found = files.rules(path, gate("small", *rules))
    assert {id: each["status"] for id, each in found.items()} == {"double": "pass", "real": "pass", "lost": "error"}


def test_a_correlation_with_a_single_value_is_none_before_it_is_nan(files: DuckdbFiles) -> None:
    path = files.file(
        "create schema public; create table public.odd as"
        " select * from (values ('nan'::double, 'nan'::double, 1, 3), ('nan', 1, 2, 3)) as v(x, y, n, c)"
    )
    found = files.rules(path, gate("odd", *CORRELATIONS_OF_NAN, sample_columns=["x", "y", "n", "c"]))
    assert {id: each["measured"] for id, each in found.items()} == MEASURES_OF_NAN


def test_a_file_cannot_make_a_value_of_what_is_none(files: DuckdbFiles) -> None:
    path = files.file("create table t as select 1 as x; create macro stringx_no_value(x) as null")
    answer = files.answer(path, gate("t", rule("r", "accepted_values", "x", values=["many"]), schema="main"))
    assert answer.outcome is None or json.loads(answer.outcome)["verdict"] == "error"


def test_numbers_beside_a_float_are_compared_in_double_precision(files: DuckdbFiles) -> None:
    path = files.file(
        "create schema public; create table public.t as select 16777217 as i, 16777216::float as f, 1 as k;"
        "create table public.o as select 16777216::float as i, 1 as k"
    )
    rules = [
        rule("compare", "compare", "i", operator="=", other_column="f"),
        rule("related", "relationship", "i", to_table="public.o", to_column="i"),
        rule("rows", "compare_rows", "i", other_table="public.o", key="k"),
    ]
    assert {id: each["status"] for id, each in files.rules(path, gate("t", *rules)).items()} == dict.fromkeys(
        ("compare", "related", "rows"), "fail"
    )


def test_the_name_of_the_table_in_another_case_is_not_the_whole_row(files: DuckdbFiles) -> None:
    path = files.file('create schema public; create table public."Status" as select null as a')
    tested = rule("r", "expression", sql="status is not null") | {"named": {"sql": ["status"]}}
    assert files.rules(path, gate("Status", tested))["r"]["reason"] == 'column "status" does not exist'


def test_the_name_of_the_table_is_the_whole_row_beside_a_column_with_other_letters(files: DuckdbFiles) -> None:
    """DuckDB folds letters of ASCII alone."""
    path = files.file('create schema public; create table public."ÉTAT" as select null::varchar as "état" from range(5)')
    expression = CATALOGUE.get("expression")
    assert expression is not None
    conditions = {"r": '"ÉTAT" is not null', "w": "ÉTAT is not null", "c": '"éTAT" is not null'}
    rules = [
        rule(id, "expression", sql=sql, null_passes=False)
        | custom_sql_facts(expression, {"sql": sql}, None, dialect_of("duckdb"), {"ÉTAT"})
        for id, sql in conditions.items()
    ]
    found = files.rules(path, gate("ÉTAT", *rules))
    assert found["r"]["reason"] == 'column "ÉTAT" does not exist'
    assert found["w"]["reason"] == 'column "État" does not exist'
    assert (found["c"]["status"], found["c"]["failures"]) == ("fail", 5), "it is the column"


def test_what_doubles_cannot_hold_and_what_lists_would_round_are_errors(files: DuckdbFiles) -> None:
    path = files.file("create schema public; create table public.t as select 1e308::double as x, 5 as i from range(5)")
    rules = [rule(function, "aggregate", "x", function=function, min=1) for function in ("sum", "avg")]
    values = ["12345678901234567890123456789012345678", "0.1234567890123456789012345678"]
    rules += [
        rule("accepted", "accepted_values", "i", values=values),
        rule("rejected", "rejected_values", "i", values=values),
        rule("distinct", "distinct_values", "i", values=values),
    ]
    assert {each["status"] for each in files.rules(path, gate("t", *rules)).values()} == {"error"}


def test_measures_that_are_no_numbers_have_the_words_of_postgresql(files: DuckdbFiles) -> None:
    path = files.file("create schema public; create table public.t as select unnest(['nan'::double, 1]) as x, 'inf'::double as y")
    rules = [rule("nan", "aggregate", "x", function="sum", min=1), rule("inf", "aggregate", "y", function="max", max=1)]
    found = files.rules(path, gate("t", *rules, sample_columns=["x", "y"]))
    assert [(found[id]["status"], found[id]["measured"]) for id in ("nan", "inf")] == [("fail", "NaN"), ("fail", "Infinity")]


def test_a_reason_has_no_value_of_a_row(files: DuckdbFiles) -> None:
    path = files.file("create schema public; create table public.t as select now() as at, 'Alice SSN 1' as zone")
    found = files.rules(path, gate("t", rule("r", "expression", sql='"at" at time zone "zone" is not null')))
    assert found["r"]["status"] == "error"
    assert "Alice" not in str(found)


def test_a_reason_names_the_text_at_fault(files: DuckdbFiles) -> None:
    path = files.file("create schema public; create table public.t as select 1 as id, date '2026-01-01' as day, 'x' as shop")
    rules = [
        rule("bound", "between", "day", min="2026-02-30"),
        rule("values", "accepted_values", "day", values=["2026-02-30"]),
        rule("where", "not_null", "id", where="shop::integer > 1"),
        rule("literal", "not_null", "id", where="day < '2026-02-30'"),
        rule("sql", "expression", sql="shop::integer > 1"),
        rule("query", "sql", query="select id from public.t where shop::integer > 1"),
    ]
    found = files.rules(path, gate("t", *(each | {"named": {}} for each in rules)))  # none is the table's
    assert {id: each["reason"] for id, each in found.items()} == {
        "bound": "argument min: date/time field value out of range (SQLSTATE 22008)",
        "values": "argument values: date/time field value out of range (SQLSTATE 22008)",
        "where": "where: invalid text representation (SQLSTATE 22P02)",
        "literal": "where: date/time field value out of range (SQLSTATE 22008)",
        "sql": "argument sql: invalid text representation (SQLSTATE 22P02)",
        "query": "argument query: invalid text representation (SQLSTATE 22P02)",
    }
    window = {"column": "day", "from": "2026-01-01", "to": "2026-13-10"}
    windowed = files.rules(path, gate("t", rule("r", "not_null", "id"), window=window))
    assert windowed["r"]["reason"] == "the request's window: date/time field value out of range (SQLSTATE 22008)"


def test_a_date_beyond_all_moments_is_out_of_range(files: DuckdbFiles) -> None:
    path = files.file("create schema public; create table public.t as select date '5881580-07-10' as day")
    rules = [rule("future", "not_in_future", "day"), rule("fresh", "freshness", "day", max_age="1d")]
    found = files.rules(path, gate("t", *rules))
    assert {each["reason"] for each in found.values()} == {"date/time field value out of range (SQLSTATE 22008)"}


def test_conditions_that_are_no_conditions_are_errors(files: DuckdbFiles, orders: Path) -> None:
    found = files.rules(
        orders, gate("orders", rule("r", "expression", sql="order_id"), rule("s", "not_null", "shop", where="price"))
    )
    assert {each["status"] for each in found.values()} == {"error"}


def test_memory_beyond_the_limit_is_an_error_of_the_rule(files: DuckdbFiles, orders: Path) -> None:
    text = "repeat('A', 1000000)"
    long = f"length(replace({text}, 'A', replace({text}, 'A', 'AAAAAAAAAA'))) > 0"
    found = files.answer(
        orders, gate("orders", rule("r", "expression", sql=long), rule("s", "row_count", min=1), statement_timeout_ms=4000)
    )
    assert found.outcome is None or json.loads(found.outcome)["verdict"] == "error"
