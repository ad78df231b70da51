"""Columns that are called like the names which the macros give in their own SQL: what is said of them is what is said of columns with other names."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.engine import CATALOGUE, Engine, gate, rule

FOLDER = ROOT / "stringx" / "macros"
OF_ALL = {"c1", "c2", "k1", "k2", "count", "stringx_checked"}


@cache
def names_in(*paths: Path) -> set[str]:
    """Aliases, output names, common table expressions and their columns in the SQL of macros."""
    text = "\n".join(re.sub(r"(?s)[{]#.*?#[}]", "", path.read_text()) for path in paths)
    text = re.sub(r"(?:' ~ |[{][{] )stringx_as[(](?:true|false)[)](?: ~ '| [}][}])", "as", text)
    return (
        set(re.findall(r"\bas ([a-z_][a-z0-9_]*)\b", text))
        | set(re.findall(r"\b([a-z_][a-z0-9_]*)(?: ?\([a-z_, ]+\))? as (?:not )?(?:materialized )?\(", text))
        | {name for listed in re.findall(r"\b[a-z_]+ ?\(([a-z_, ]+)\) as", text) for name in listed.split(", ")}
    )


@cache
def names_of_type(name: str) -> set[str]:
    """Those in the SQL of a rule type."""
    parts = [FOLDER / "engines" / "postgres" / f"{PARTS[name]}.sql"] if name in PARTS else []
    return names_in(*FOLDER.glob(f"**/rules/{name}.sql"), *parts)


NAMES = sorted(names_in(*FOLDER.rglob("*.sql")) | OF_ALL)  # the columns of the table
# Of a rule: what stands in the SQL of its own macro, or around it.
FILES_AROUND = [
    *(FOLDER / "gate" / f"{name}.sql" for name in ("gate", "plan", "samples", "scan")),
    *(FOLDER / folder / "samples.sql" for folder in ("common", "engines/postgres")),
    *(FOLDER / "engines" / "postgres" / f"{name}.sql" for name in ("text", "types")),
]
# Where PostgreSQL's part of a rule type's SQL is, if it has one with names.
PARTS = {"unique": "conditions", "distribution": "distributions"}
AROUND = names_in(*FILES_AROUND) | OF_ALL
KINDS = ("integer", "timestamp", "text", "json")
ONE_OF = 6  # of the names around, each rule meets one in so many; with --long all, and those of its own macro always


def test_the_names_are_found() -> None:
    assert {
        "found",
        "violating",
        "bounds",
        "low",
        "high",
        "parent",
        "checked",
        "repeated",
        "everywhere",
        "failures",
        "measured",
        "listed",
        "v",
    } <= set(NAMES)
    assert len(NAMES) > 60


BASELINE = {
    "low": "1", "high": "3", "warn_low": None, "warn_high": None, "center": None, "points": 1, "season": "none", "learning": None,
}  # fmt: skip
NO_COLUMN_ALONE = {
    "row_count",
    "column_count",
    "castable",
    "unusual",
    "schema_change",
    "activity",
}  # unusual measures as change does


def rules(kind: str, name: str, other: str) -> list[dict[str, Any]]:
    """Every type that looks at a column, on this one, with conditions that name it."""

    def made(type: str, *columns: str, **given: Any) -> dict[str, Any]:
        return rule("r", type, *columns, **given)

    quoted = '"' + name + '"'
    common = [
        made("not_null", name, where=f"{quoted} is not null or {quoted} is null"),
        made("unique", name), made("unique", name, other, nulls="equal"),
        made("relationship", name, to_table="public.other", to_column=name, to_where=f"{quoted} is not null"),
        made("compare", name, operator="<=", other_column=other),
        made("monotonic", name, order_by=other, partition_by="row part"),
        made("distinct_values", name, values=[]), made("is_null", name),
        made("row_count_matches", fail_above=None, other_table="public.other", other_where=f"{quoted} is not null"),
        made("aggregate", name, fail_above=None, function="distinct_count", min=9),
        made("column_type", name, types=["integer"]), made("columns", names=[name], mode="contains"),
        made("sql", query=f'select {quoted}, "{other}" from public.named where {quoted} is null'),
        made("dbt", name, test="unique"), made("expression", sql=f"{quoted} is not null"),
        made("compare_rows", name, other, other_table="public.other", key="row id", other_where=f"{quoted} is not null"),
    ]  # fmt: skip
    match kind:
        case "json":
            return [made("json_schema", name, schema={"items": {"minimum": 3}, "contains": {"maximum": 3}})]
        case "integer":
            values = [3, 4, 5]
            return [
                *common, made("between", name, min=3, max=5), made("accepted_values", name, values=values), made("rejected_values", name, values=values),
                made("outliers", name, method="zscore", limit=1, where=f"{quoted} < 9"), made("outliers", name, method="iqr", limit=0.5),
                made("aggregate", name, fail_above=None, function="avg", max=3), made("most_common_value", name, values=values),
                made("aggregate_matches", name, fail_above=None, function="sum", other_table="public.other"),
                made("aggregate", name, fail_above=None, function="median", max=3),
                made("quantiles", name, fail_above=None, bounds=[{"p": 0.5, "max": 3}, {"p": 1, "max": 99}]), made("correlation", name, fail_above=None, other_column=other, min=0.9),
                made("correlation", name, fail_above=None, other_column=other, method="spearman", min=0.9),
                made("distribution", name, fail_above=None, test="kl", weights={"3": 1, "4": 1}, tail_weight_holdout=0.5, max=0.1),
                made("distribution", name, fail_above=None, test="chi_square", bins=[0, 5, 12], weights=[1, 1], min_p=0.1),
                made("distribution", name, fail_above=None, test="ks", bins=[0, 5, 12], weights=[1, 1], max=0.01),
                made("change", fail_above=None, of={"function": "max", "column": name}, max_increase=1) | {"columns": [name], "baseline": BASELINE},
            ]  # fmt: skip
        case "timestamp":
            return [
                *common, made("not_in_future", name), made("max_lag", name, other_column=other, at_most="1h"), made("no_gaps", name, every="1d"),
                made("freshness", name, fail_above=None, max_age="1h"),
            ]  # fmt: skip
        case _:
            return [
                *common,
                made("not_blank", name),
                made("length", name, max=1),
                made("regex", name, pattern="[0-5]"),
                made("like", name, pattern="_"),
                made("format", name, format="date"),
            ]


def table(kind: str, names: list[str]) -> str:
    """Ten rows, the columns of one row all different from each other's in most places."""
    value = {
        "integer": "x",
        "timestamp": "timestamp '2026-01-01' + x * interval '7 hours'",
        "text": "x::text",
        "json": "jsonb_build_array(x)",
    }[kind]
    columns = ", ".join(
        f'(select {value} from (select nullif((n * {place + 3}) % 11, 7) as x) as made) as "{name}"'
        for place, name in enumerate(names)
    )
    return f'create table named as select n as "row id", n % 2 as "row part", {columns} from generate_series(1, 10) n; create table other as select * from named where "row id" < 8'


def found_by(engine: Engine, target: Target, kind: str, names: list[str], one_of: int) -> Any:
    target.execute("drop table if exists named, other; " + table(kind, names))
    around = {name: place for place, name in enumerate(sorted(AROUND))}
    tested = [
        one
        for place, (name, meant) in enumerate(zip(names, NAMES, strict=True))
        for number, one in enumerate(rules(kind, name, names[(place + 1) % len(names)]))
        if (meant in AROUND and (around[meant] + number) % one_of == 0) or meant in names_of_type(one["type"])
    ]
    numbered = [one | {"id": f"{one['type']}_{n}"} for n, one in enumerate(tested)]
    found = engine.rules(
        target,
        gate(
            "named", *numbered, key=["row id", names[0]], sample_columns=names[1:40], sample_rows=2, statement_timeout_ms=200_000
        ),
    )
    return [
        (
            one["id"],
            one["status"],
            one["failures"],
            None if "freshness" in one["id"] else one["measured"],
            one["total"],
            one["reason"],
            (one["sample"] or {}).get("rows"),
        )
        for one in found.values()
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_of_the_macros_is_a_name_like_any_other(
    engine: Engine, target: Target, kind: str, pytestconfig: pytest.Config
) -> None:
    plain, one_of = [f"plain_{n}" for n in range(len(NAMES))], 1 if pytestconfig.getoption("long") else ONE_OF
    expected = found_by(engine, target, kind, plain, one_of)
    found = found_by(engine, target, kind, NAMES, one_of)
    assert [one for one in expected if one[1] == "error"] == []
    assert found == expected


def test_every_type_that_looks_at_columns_is_tried() -> None:
    tried = {one["type"] for kind in KINDS for one in rules(kind, "a", "b")}
    assert tried == {entry.name for entry in CATALOGUE} - NO_COLUMN_ALONE


def test_a_missing_column_that_is_called_like_the_table_is_not_the_whole_row(engine: Engine, target: Target) -> None:
    """PostgreSQL takes such a name for the row, which is not NULL, has a text and is unlike the others."""
    target.execute("create table status (id integer, note text); insert into status values (1, 'abc'), (2, null)")
    target.execute("create table copy (id integer, note text); insert into copy values (1, 'abc')")
    tested = [
        rule("null", "not_null", "status"), rule("blank", "not_blank", "note", "status"), rule("unique", "unique", "status"),
        rule("regex", "regex", "status", pattern="."), rule("length", "length", "status", min=1), rule("type", "column_type", "status", types=["text"]),
        rule("ratio", "aggregate", "status", fail_above=None, function="null_ratio", max=0), rule("order", "monotonic", "id", order_by="status"),
        rule("values", "distinct_values", "status", values=[1], mode="in"), rule("dbt", "dbt", "status", test="not_null"),
        rule("other", "aggregate_matches", "id", fail_above=None, function="distinct_count", other_table="public.copy", other_column="copy", tolerance="90%"),
        rule("where", "not_null", "note", where="status is null"), rule("holds", "expression", sql="status is not null"),
        rule("to", "relationship", "id", to_table="public.copy", to_column="id", to_where="copy is null"),
    ]  # fmt: skip
    found = engine.rules(
        target,
        gate(
            "status",
            *tested,
            rule("note", "not_null", "note"),
            rule("word", "not_null", "id", where="note <> 'status' and status.id > 0"),
            rule("columns", "columns", names=["id", "status"], mode="contains"),
            key=["id"],
            sample_columns=["status"],
            sample_rows=5,
        ),
    )
    assert {key: one["status"] for key, one in found.items()} == dict.fromkeys((one["id"] for one in tested), "error") | {
        "note": "fail", "word": "pass", "columns": "fail",
    }  # fmt: skip
    assert found["null"]["reason"] == 'column "status" does not exist'
    assert found["other"]["reason"] == 'column "copy" does not exist'
    assert found["note"]["sample"] is None
    target.execute("alter table status add status text")
    assert engine.rules(target, gate("status", rule("null", "not_null", "status")))["null"]["failures"] == 2
