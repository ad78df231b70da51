"""What is Trino's alone: rules that fail by themselves, names, patterns, groups and measures that are compared with earlier checks."""

import json
import random
import re
from typing import Any

import pytest
from jinja2.sandbox import SandboxedEnvironment

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.common_patterns import COMMON
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.engine import gate, rule
from tests.support.trino_tables import TrinoTables
from tests.truth.shares import CORRELATIONS_OF_NAN, MEASURES_OF_NAN

MACROS = ROOT / "stringx" / "trino" / "macros"
CATALOGUE = Catalogue.load(ROOT / "stringx")
ORDERS = """create table orders as select * from (values (1, 'a', decimal '10.00', 'open', 1), (2, 'a', decimal '-5.00', 'secret', 2), (2, 'b', decimal '0.00', 'lost', 1),
    (3, null, null, null, 2)) as t (order_id, shop, price, status, k1)"""


def of_trino(id: str, type: str, *columns: str, **arguments: Any) -> dict[str, Any]:
    """A rule with custom SQL of Trino."""
    return rule(id, type, *columns, adapter="trino", **arguments)


@pytest.fixture(scope="module")
def shop(trino_memory: TrinoTables) -> TrinoTables:
    trino_memory.execute(ORDERS)
    return trino_memory


def checked(shop: TrinoTables, *rules: dict[str, Any], table: str = "orders", **changes: Any) -> dict[str, dict[str, Any]]:
    return shop.rules(gate(table, *rules, schema=shop.schema, **changes))


@pytest.fixture
def made(shop: TrinoTables) -> Any:
    """Makes tables that are dropped afterwards."""
    names: list[str] = []

    def make(name: str, columns: str, *rows: str) -> None:
        shop.execute(f"create table {name} ({columns})", *([f"insert into {name} values {', '.join(rows)}"] if rows else []))
        names.append(name)

    yield make
    shop.execute(*(f"drop table {name}" for name in names))


def test_a_rule_that_fails_fails_alone_and_shows_no_value(shop: TrinoTables) -> None:
    rules = [
        of_trino("divides", "expression", sql="10 / cast(price as integer) > 0"),
        of_trino("casts", "expression", sql="cast(status as integer) > 0"),
        of_trino("unnamed", "expression", sql="nothing > 0"),
        of_trino("queries", "sql", query=f"select 1 from {shop.schema}.orders where cast(status as integer) > 0"),
        of_trino("narrows", "not_null", "shop") | {"where": "cast(status as integer) > 0"},
        rule("counts", "not_null", "status"),
        rule("unique", "unique", "order_id"),
    ]
    found = checked(shop, *rules)
    assert str(found["narrows"]["reason"]).startswith("where: ")
    assert {id: each["status"] for id, each in found.items()} == {
        **dict.fromkeys(("divides", "casts", "unnamed", "queries", "narrows"), "error"), "counts": "fail", "unique": "fail",
    }  # fmt: skip
    assert found["counts"]["failures"] == found["unique"]["failures"] == 1
    assert "nothing" in found["unnamed"]["reason"]
    assert found["divides"]["reason"] == "argument sql: division by zero (SQLSTATE 22012)"
    assert str(found["queries"]["reason"]).startswith("argument query: ")
    assert not any(value in str(found) for value in ("secret", "lost"))


def test_decimals_with_more_than_38_digits_together_are_out_of_range(shop: TrinoTables, made: Any) -> None:
    made(
        "wide",
        "whole decimal(38, 0), fraction decimal(38, 38), price decimal(10, 2)",
        f"(decimal '{'9' * 38}', 0.5, 1.5)",
        "(3, 0.25, 3)",
    )
    rules = [
        rule("bound", "between", "whole", min=0.5, max="3.5"),
        rule("values", "accepted_values", "whole", values=[3, 0.5]),
        rule("one", "between", "fraction", max=1),
        rule("columns", "compare", "whole", other_column="price", operator="="),
        rule("fits", "compare", "price", other_column="fraction", operator=">"),
    ]
    found = checked(shop, *rules, table="wide")
    assert found["bound"]["failures"] == 1
    for id in ("values", "one", "columns", "fits"):
        assert (found[id]["status"], found[id]["reason"]) == ("error", "numeric value out of range (SQLSTATE 22003)"), id


def test_a_slow_rule_is_an_error_and_the_others_are_decided(shop: TrinoTables) -> None:
    query = "select 1 from tpch.sf1.lineitem as a cross join tpch.sf1.lineitem as b where a.quantity + b.quantity < 0"
    slow = of_trino("slow", "sql", query=query)
    found = checked(shop, slow, rule("quick", "not_null", "order_id"), statement_timeout_ms=6000)
    assert found["slow"]["reason"] == "it took longer than its share of the timeout"
    assert found["quick"]["status"] == "pass"
    of_it = "select count(*) from system.runtime.queries where state = 'RUNNING' and query like '%a.quantity + b.quantity%' and query not like '%runtime%'"
    assert shop.trino.value(of_it) == 0


def test_a_name_that_is_no_column_never_means_an_expression_of_a_macro(shop: TrinoTables) -> None:
    names = ("is_wrong", "k2", "stringx_at")
    rules = [of_trino(f"{name} {type}", type, column, where=f"{name} is not null", **arguments)
             for name in names
             for type, column, arguments in (
                 ("unique", "order_id", {}),
                 ("monotonic", "price", {"order_by": "order_id"}),
                 ("outliers", "price", {"method": "iqr", "limit": 1}),
                 ("distinct_values", "shop", {"values": ["a"]}),
             )]  # fmt: skip
    per = [of_trino(f"{name} per", "not_null", "status", where=f"{name} is not null") | {"per": ["shop"]} for name in names]
    found = checked(shop, *rules, *per, key=["order_id"], sample_rows=3)
    assert {each["status"] for each in found.values()} == {"error"}
    column = checked(shop, rule("r", "unique", "order_id", where="k1 = 2"), rule("s", "unique", "k1"))
    assert (column["r"]["status"], column["s"]["failures"]) == ("pass", 2)


def test_limits_that_doubles_cannot_hold_are_errors(shop: TrinoTables, made: Any) -> None:
    """PostgreSQL's sums fail so. An infinite limit would let every value pass."""
    rows = [f"(1, 1e200 * {n}, {'-1e308' if n < 50 else '1e308'})" for n in range(100)]
    made("vast", "g integer, v double, w double", *rows, "(1, 1.7e308, 0e0)")
    rules = [
        of_trino(f"{column} {method} {per}", "outliers", column, method=method, limit=3) | ({"per": ["g"]} if per else {})
        for column in ("v", "w")
        for method in ("zscore", "iqr")
        for per in (False, True)
    ]
    found = checked(shop, *rules, table="vast")
    assert {name: each["status"] for name, each in found.items()} == {
        each["id"]: "fail" if each["id"].startswith("v iqr") else "error" for each in rules
    }


def test_what_trino_lacks_is_an_error_that_names_it(shop: TrinoTables) -> None:
    lacking = [found.name for found in CATALOGUE if "trino" not in found.engines]
    rules = [rule(name, name, "status") for name in lacking if name != "dbt"]
    rules += [rule("case", "not_null", "STATUS"), rule("pattern", "regex", "status", pattern=r"\w"), rule("sum", "aggregate", "status", function="sum", max=1)]  # fmt: skip
    found = checked(shop, *rules)
    assert {each["status"] for each in found.values()} == {"error"}
    assert all(
        found[name]["reason"] == f"rules of the type {name} are not available on Trino" for name in lacking if name in found
    )
    assert found["case"]["reason"] == 'column "STATUS" does not exist'
    assert found["sum"]["reason"] == "on Trino aggregate means nothing for a column of type varchar(6): status"


def test_a_table_that_is_missing_makes_its_rules_errors(shop: TrinoTables) -> None:
    outcome = shop.outcome(gate("nowhere", rule("r", "row_count", min=0), schema=shop.schema))
    assert (outcome["verdict"], outcome["rules"][0]["status"]) == ("error", "error")
    assert "nowhere" in outcome["reason"]
    rules = [
        rule("type", "column_type", "id", types=["integer"]),
        rule("filled", "not_null", "id"),
    ]
    assert {each["reason"] for each in shop.rules(gate("nowhere", *rules, schema=shop.schema)).values()} == {outcome["reason"]}
    outcome = shop.outcome(gate("orders", rule("r", "row_count", min=0), schema="no_schema"))
    assert "no_schema" in outcome["reason"]


def test_samples_are_in_the_order_of_the_key_and_cut(shop: TrinoTables, made: Any) -> None:
    made(
        "sampled", "id bigint, f double, moment timestamp(6) with time zone, x varchar, e array(integer), b varbinary, n decimal(20, 2), c char(4)",
        "(123456789012345678, nan(), timestamp '2026-01-01 10:00:00.5 UTC', rpad('x', 300, 'x'), array[1, 2], x'00ff', 12.50, 'a')",
        "(1, 0.5, null, 'y', null, null, null, null)",
    )  # fmt: skip
    shown = ["f", "moment", "x", "e", "b", "n", "c"]
    of_query = of_trino("q", "sql", query=f"select x, id, 7 as z from {shop.schema}.sampled where id > 1")
    found = checked(shop, rule("r", "is_null", "id"), of_query, table="sampled", key=["id"], sample_rows=5, sample_columns=shown)
    assert found["r"]["sample"] == {
        "columns": ["id", *shown],
        "rows": [
            [1, 0.5, None, "y", None, None, None, None],
            ["123456789012345678", "NaN", "2026-01-01T10:00:00.5+00:00", "x" * 200 + "...", [1, 2], "\\x00ff", 12.5, "a"],
        ],
    }
    assert found["q"]["sample"] == {"columns": ["id", "x"], "rows": [["123456789012345678", "x" * 200 + "..."]]}


def test_columns_of_a_sample_that_do_not_exist_are_told(shop: TrinoTables) -> None:
    outcome = shop.outcome(
        gate(
            "orders",
            rule("r", "not_null", "status"),
            schema=shop.schema,
            key=["order_id"],
            sample_rows=1,
            sample_columns=["gone"],
        )
    )
    assert any("gone" in note for note in outcome["notes"])


def test_groups_are_compared_with_those_of_the_check_before(shop: TrinoTables, made: Any) -> None:
    made("grouped", "g varchar, x integer", "('a', 1)", "('b', null)", "('c', 1)")

    def check(where: str, **before: Any) -> dict[str, Any]:
        tested = (
            of_trino("r", "not_null", "x", where=where) | {"per": ["g"], "new_groups": "fail", "missing_groups": "warn"} | before
        )
        return checked(shop, tested, table="grouped", sample_columns=["g"])["r"]

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


def test_columns_are_compared_with_those_of_the_check_before(shop: TrinoTables) -> None:
    def check(*allow: str, **before: Any) -> dict[str, Any]:
        return checked(shop, rule("r", "schema_change", **({"allow": list(allow)} if allow else {})) | before)["r"]

    first = check()
    assert (first["status"], first["found"]) == ("pass", {"first": "there is no earlier check to compare with"})
    columns = first["remember"]["columns"]
    assert columns["price"] == "decimal(4, 2)"
    earlier = {**columns, "gone": "integer", "status": "integer"}
    del earlier["k1"]
    state = {"before": {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": {"columns": earlier}}}
    changed = check(**state)
    assert changed["found"] == {
        "at": "2026-01-01T00:00:00Z", "added": ["k1"], "removed": ["gone"], "retyped": ["status from integer to varchar(6)"],
    }  # fmt: skip
    assert (changed["status"], changed["failures"], check("added", "removed", **state)["failures"]) == ("fail", 3, 1)


@pytest.mark.parametrize("kind", ["change", "unusual"])
def test_measures_are_compared_with_the_bounds_that_came(shop: TrinoTables, kind: str) -> None:
    bounds = ("low", "high", "warn_low", "warn_high")

    def judged(id: str, of: Any, **given: str) -> dict[str, Any]:
        found = rule(id, kind, fail_above=None, of=of, **({"max_increase": 1} if kind == "change" else {}))
        facts = dict.fromkeys(("center", *bounds)) | {"points": 1, "season": "none", "learning": None} | given
        return found | {"columns": [of["column"]] if isinstance(of, dict) else [], "baseline": facts}

    total = {"function": "sum", "column": "price"}
    rules = [
        judged("rows", "row_count", low="4", high="4"), judged("more", "row_count", low="4.5"), judged("learns", "row_count"),
        judged("sum", total, low="5", high="5.00"), judged("less", total, high="4.99"), judged("none", total | {"column": "status"}, low="1"),
        judged("middle", {"function": "median", "column": "price"}, low="0", high="0"),
        judged("share", {"function": "null_ratio", "column": "price"}, low="0.25", high="0.25"),
    ]  # fmt: skip
    found = checked(shop, *rules)
    assert {id: each["status"] for id, each in found.items()} == {
        "rows": "pass", "more": "fail", "learns": "pass", "sum": "pass", "less": "fail", "none": "error", "middle": "pass", "share": "pass",
    }  # fmt: skip
    assert (found["rows"]["measured"], found["sum"]["measured"]) == (4, 5.0)


def test_common_patterns_mean_the_same_as_on_postgresql(shop: TrinoTables, truth_target: Target) -> None:
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
        "[a&&b]",
        "\\v",
        "[\\]a]",
    ]
    times = ["", "", "", "*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "??", "{2}?"]
    patterns = ["", "^$", "a|^$", "b$", "[&]"]
    while len(patterns) < 200:
        pattern = "".join(
            f"{atom}{'' if atom in '^$' else chance.choice(times)}" for atom in chance.choices(atoms, k=chance.randint(1, 4))
        )
        patterns.append(pattern if chance.random() < 0.8 else f"{pattern}|{chance.choice(atoms)}")
    assert [pattern for pattern in patterns if not re.fullmatch(COMMON, pattern)] == []
    texts = ["", "a", "b\n", "\n", "ab", "aab.", "bé", "a\nb", "1", "a-", "\\", "٣", "abab", "ba\n", "&", "\v", "]"]
    macro = SandboxedEnvironment(extensions=["jinja2.ext.do"], autoescape=False).from_string(
        (MACROS / "conditions.sql")
        .read_text(encoding="utf-8")
        .partition("{% macro stringx_regex(pattern) %}")[2]
        .partition("{% endmacro %}")[0]
        .replace("{{- return(", "{{- (")
    )
    written = {pattern: macro.render(pattern=pattern, modules={"re": re}).strip("\n") for pattern in patterns}

    def literal(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    listed = ", ".join(map(literal, texts))
    on_trino = []
    for start in range(0, len(patterns), 50):
        some = patterns[start : start + 50]
        query = " union all ".join(
            f"select {place} as n, t, regexp_like(t, {literal(written[each])}) from (values {listed}) as x (t)"
            for place, each in enumerate(some)
        )
        on_trino += [(some[place], text, found) for place, text, found in shop.trino.rows(query)]
    quoted = [
        "array[" + ", ".join(f"E'{text}'" for text in (each.replace("\\", "\\\\") for each in both)) + "]"
        for both in (list(dict.fromkeys(patterns)), texts)
    ]
    on_postgres = truth_target.query(f"select p, t, t ~ p from unnest({quoted[0]}) as a(p), unnest({quoted[1]}) as b(t)")
    assert sorted(set(on_trino) - set(on_postgres)) == []
    assert sorted(set(on_trino)) == sorted(on_postgres)


def test_the_project_has_a_macro_for_each_type() -> None:
    macros = [
        path.stem
        for folder in (MACROS, *(MACROS.parents[1] / name for name in ("macros/common", "other_adapters/macros")))
        for path in (folder / "rules").iterdir()
    ]
    assert sorted(macros) == sorted(entry.name for entry in CATALOGUE if "trino" in entry.engines)


def test_the_macro_has_the_expression_for_patterns_that_all_have() -> None:
    text = (ROOT / "stringx" / "other_adapters" / "macros" / "refusals.sql").read_text(encoding="utf-8")
    body = text.partition("{% macro stringx_common_pattern() %}")[2].partition("{% endmacro %}")[0]
    template = SandboxedEnvironment(autoescape=False).from_string(body.replace("{{- return(", "{{- ("))
    assert template.render().strip() == COMMON


def test_long_lists_of_values_are_looked_up(shop: TrinoTables) -> None:
    many = [f"v{number}" for number in range(500)]
    rules = [
        rule("some", "accepted_values", "status", values=[*many, "open", "lost"]),
        rule("lower", "accepted_values", "status", values=[*many, "OPEN", "lost"], case_sensitive=False),
        rule("numbers", "rejected_values", "order_id", values=[*range(2, 100), "1.5"]),
    ]
    found = checked(shop, *rules)
    assert [found[id]["failures"] for id in ("some", "lower", "numbers")] == [1, 1, 3]


def test_many_rules_are_read_by_one_scan(shop: TrinoTables) -> None:
    rules = [rule(f"r{number}", "between", "price", min=-number, max=10) for number in range(120)]
    found = checked(shop, *rules)
    assert [found[f"r{number}"]["failures"] for number in (0, 4, 5, 119)] == [1, 1, 0, 0]


def test_rules_of_every_type_can_be_planned_without_the_table(shop: TrinoTables) -> None:
    """As where a macro that cannot be compiled is looked for."""
    examples = [entry.example for entry in CATALOGUE if "trino" in entry.engines]
    rules = [rule(each["id"], each["type"]) | {"columns": [each["column"]] if "column" in each else each.get("columns", []), "arguments": each.get("arguments", {})} for each in examples]  # fmt: skip
    answer = shop.answer(gate("orders", *rules) | {"plan_only": True})
    assert json.loads(answer.outcome or "{}").get("verdict") == "pass", answer.message


@pytest.mark.parametrize("type", ["timestamp(0)", "timestamp(3)", "timestamp(9)", "timestamp(12)"])
def test_moments_of_other_precision_are_moments(shop: TrinoTables, made: Any, type: str) -> None:
    moments = ("'2026-01-01 10:00:00'", "'2026-01-03 10:00:00'", "'2026-01-02 10:00:00'", None, "'2999-01-01 00:00:00'")
    rows = [f"({'null' if each is None else f'timestamp {each}'}, {place})" for place, each in enumerate(moments)]
    made("moments", f"x {type}, n integer", *rows)
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
    found = checked(shop, *rules, table="moments")
    assert [found[id]["failures"] for id in ("between", "listed", "future", "order", "gaps", "unique")] == [2, 2, 1, 1, 0, 0]
    assert (found["fresh"]["status"], found["fresh"]["found"]["ahead"], found["latest"]["status"]) == ("pass", 1, "fail")
    assert found["gaps"]["found"]["ahead"] == 1


def test_durations_have_whole_milliseconds(shop: TrinoTables, made: Any) -> None:
    made("lagging", "a timestamp(6), b timestamp(6)", "(timestamp '2026-01-01 00:00:00', timestamp '2026-01-01 04:21:00.000001')")
    rules = [rule(each, "max_lag", "a", other_column="b", at_most=each) for each in ("4.35h", "15660.001s", "0.5ms")]
    rules.append(rule("gaps", "no_gaps", "a", every="0.1ms"))
    found = checked(shop, *rules, table="lagging")
    assert [found[each]["status"] for each in ("4.35h", "15660.001s", "0.5ms", "gaps")] == ["fail", "pass", "error", "error"]
    assert found["gaps"]["reason"] == "on Trino no_gaps has periods of whole milliseconds"


def test_local_times_that_come_twice_are_the_later_moment(shop: TrinoTables, made: Any) -> None:
    """As on PostgreSQL, on both sides of the ocean."""
    made(
        "twice",
        "a timestamp(6), b timestamp(6) with time zone",
        "(timestamp '2025-10-26 02:30:00', timestamp '2025-10-26 01:30:00 UTC')",
    )
    rules = [
        rule("same", "compare", "a", operator="=", other_column="b"),
        rule("bound", "between", "b", min="2025-10-26 02:30", max="2025-10-26 02:30"),
    ]
    found = checked(shop, *rules, table="twice", timezone="Europe/Berlin")
    assert {id: each["status"] for id, each in found.items()} == {"same": "pass", "bound": "pass"}
    made(
        "again",
        "a timestamp(6), b timestamp(6) with time zone",
        "(timestamp '2025-11-02 01:30:00', timestamp '2025-11-02 06:30:00 UTC')",
    )
    rules[1] = rule("bound", "between", "b", min="2025-11-02 01:30", max="2025-11-02 01:30")
    found = checked(shop, *rules, table="again", timezone="America/New_York")
    assert {id: each["status"] for id, each in found.items()} == {"same": "pass", "bound": "pass"}


def test_numbers_beside_a_real_are_compared_in_double_precision(shop: TrinoTables, made: Any) -> None:
    made("reals", "i integer, f real, k integer", "(16777217, 16777216, 1)")
    made("others", "i real, k integer", "(16777216, 1)")
    rules = [
        rule("compare", "compare", "i", operator="=", other_column="f"),
        rule("related", "relationship", "i", to_table=f"{shop.schema}.others", to_column="i"),
        rule("rows", "compare_rows", "i", other_table=f"{shop.schema}.others", key="k"),
    ]
    assert {id: each["status"] for id, each in checked(shop, *rules, table="reals").items()} == dict.fromkeys(("compare", "related", "rows"), "fail")  # fmt: skip


def test_what_types_cannot_hold_is_an_error_and_decides_nothing(shop: TrinoTables, made: Any) -> None:
    made("large", "x double, i integer, d decimal(38, 0)", *["(1e308, 5, decimal '99999999999999999999999999999999999999')"] * 5)
    rules = [rule(function, "aggregate", "x", function=function, min=1) for function in ("sum", "avg")]
    rules += [
        rule("total", "aggregate", "d", function="sum", min=1),
        rule("accepted", "accepted_values", "i", values=["1" * 38, "0.1234567890123456789012345678"]),
        rule("long", "between", "i", min="1" * 39),
        rule("text", "between", "i", min="many"),
        rule("day", "between", "i", min="2026-01-01"),
    ]
    found = checked(shop, *rules, table="large")
    assert {id: each["status"] for id, each in found.items()} == dict.fromkeys(found, "error")


def test_nan_is_above_all_numbers_and_no_value_of_a_document(shop: TrinoTables, made: Any) -> None:
    made("odd", "x double, y double, n integer", "(nan(), infinity(), 1)", "(1, infinity(), 2)")
    rules = [
        rule("nan", "aggregate", "x", function="sum", min=1), rule("inf", "aggregate", "y", function="max", max=1), rule("max", "aggregate", "x", function="max", max=1),
        rule("above", "between", "x", max=5), rule("from", "between", "x", min=0), rule("down", "monotonic", "x", order_by="n"), rule("value", "accepted_values", "x", values=["nan", 1]),
        rule("key", "relationship", "x", to_table=f"{shop.schema}.odd", to_column="x"),
    ]  # fmt: skip
    found = checked(shop, *rules, table="odd", sample_columns=["x", "y"])
    assert [(found[id]["status"], found[id]["measured"]) for id in ("nan", "inf", "max")] == [
        ("fail", "NaN"),
        ("fail", "Infinity"),
        ("fail", "NaN"),
    ]
    assert [found[id]["failures"] for id in ("above", "from", "down", "key")] == [1, 1, 1, 0]
    assert found["value"]["reason"] == "on Trino NaN cannot be a value of a document: it is compared with nothing"


def test_the_smallest_numbers_are_values_of_documents_too(shop: TrinoTables, made: Any) -> None:
    made("small", "x double, y real", "(5e-324, real '1e-44')", "(2.2250738585072014e-308, real '1.2e-38')")
    rules = [
        rule("double", "accepted_values", "x", values=["5e-324", "2.2250738585072014e-308"]),
        rule("real", "accepted_values", "y", values=["1e-44", "1.2e-38"]),
        rule("lost", "accepted_values", "x", values=["1e-400"]),
    ]
    found = checked(shop, *rules, table="small")
    assert {id: each["status"] for id, each in found.items()} == {"double": "pass", "real": "pass", "lost": "error"}


def test_a_correlation_with_a_single_value_is_none_before_it_is_nan(shop: TrinoTables, made: Any) -> None:
    made("odd", "x double, y double, n integer, c integer", "(nan(), nan(), 1, 3)", "(nan(), 1, 2, 3)")
    found = checked(shop, *CORRELATIONS_OF_NAN, table="odd", sample_columns=["x", "y", "n", "c"])
    assert {id: each["measured"] for id, each in found.items()} == MEASURES_OF_NAN


def test_numbers_in_double_precision_are_numbers(shop: TrinoTables, made: Any) -> None:
    numbers = [
        "28867511.94892326",
        "1e7",
        "0.00012345678901234567",
        "-123456789012345.6",
        "999999999999999",
        "0.5",
        "1e15",
        "1e-5",
    ]
    columns = [f"n{number}" for number in range(len(numbers))]
    made("numbers", ", ".join(f"{name} double" for name in columns), f"({', '.join(f'double {n!r}' for n in numbers)})")
    rules = [rule(name, "aggregate", name, function="max", max=0) for name in columns]
    found = checked(shop, *rules, table="numbers", sample_columns=columns)
    shown = [found[name]["measured"] for name in columns]
    assert shown == [float(number) for number in numbers]
    assert not any(isinstance(each, str) for each in shown), "a text is what has more digits than a number keeps"


def test_a_text_beside_a_moment_says_what_to_write(shop: TrinoTables, made: Any) -> None:
    made("moments", "day date, at timestamp(3)", "(date '2026-01-31', timestamp '2026-01-31 10:00:00')")
    rules = [
        of_trino("date", "expression", sql="day = '2026-01-31'"),
        of_trino("between", "expression", sql="day between '2026-01-30' and '2026-01-31'"),
        of_trino("timestamp", "not_null", "day") | {"where": "at < '2026-01-31'"},
    ]
    found = checked(shop, *rules, table="moments")
    assert found["date"]["reason"] == "Cannot apply operator: date = varchar(10); write date '2026-01-31' in place of a text"
    assert str(found["between"]["reason"]).endswith("; write date '2026-01-31' in place of a text")
    assert str(found["timestamp"]["reason"]).endswith("; write timestamp '2026-01-31 06:00:00' in place of a text")


def test_conditions_that_are_no_conditions_are_errors(shop: TrinoTables) -> None:
    found = checked(shop, of_trino("r", "expression", sql="order_id"), of_trino("s", "not_null", "shop", where="price"))
    assert {each["status"] for each in found.values()} == {"error"}


def test_a_zone_that_nobody_knows_is_an_error_of_its_rules(shop: TrinoTables) -> None:
    found = checked(shop, rule("r", "not_null", "status"), timezone="Nowhere/City")
    assert found["r"]["reason"] == "the target does not know the time zone Nowhere/City"


def test_types_are_told_apart_by_their_digits_where_they_are_given(shop: TrinoTables, made: Any) -> None:
    made("typed", "a varchar(10), b decimal(10, 2), c timestamp(6) with time zone, d array(integer)")
    wanted = {
        "varchar": "a",
        "varchar(10)": "a",
        "Decimal( 10 ,2)": "b",
        "numeric": "b",
        "timestamp with time zone": "c",
        "timestamp (6) with time zone": "c",
        "array(integer)": "d",
    }
    others = {"varchar(9)": "a", "decimal(10,3)": "b", "timestamp": "c", "char": "a"}
    rules = [rule(name, "column_type", column) | {"arguments": {"type": name}} for name, column in (wanted | others).items()]
    rules.append(rule("none", "column_type", "a") | {"arguments": {"type": "text"}})
    found = checked(shop, *rules, rule("rows", "row_count", max=0), table="typed")
    assert {name: found[name]["status"] for name in wanted} == dict.fromkeys(wanted, "pass")
    assert {name: found[name]["status"] for name in others} == dict.fromkeys(others, "fail")
    assert found["none"]["reason"] == "on Trino there is no type text"
