"""dbt tests become rules that say the same, or losses that say why not. Beside dbt itself: tests/exchange/test_dbt_truth.py."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from stringx_dataops.cli.exchange import import_
from stringx_dataops.client import Refused
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.variables import SettingsError
from stringx_dataops.exchange.dbt.reading import read
from stringx_dataops.exchange.dbt.tests import Reference, reference_of
from stringx_dataops.exchange.dbt.thresholds import Inexact, Thresholds, thresholds_of
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.offline import own_catalogue
from tests.support.cli import run

CATALOGUE = own_catalogue()


def taken_from(folder: Path, files: dict[str, Any], schema: str | None = "public") -> Taken:
    """What is taken from a folder of files: texts as they are, other values as YAML, or as JSON."""
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        text = value if isinstance(value, str) else json.dumps(value) if name.endswith(".json") else yaml.safe_dump(value)
        (folder / name).write_text(text)
    paths = [folder / name for name in files] if any(name.endswith(".json") for name in files) else [folder]
    return read(paths, "nyc", CATALOGUE, schema)


def a_model(*tests: Any, column: str | None = "a", **more: Any) -> JsonObject:
    """A schema file of one model."""
    columns = {"columns": [{"name": column, "data_tests": list(tests)}]} if column else {"data_tests": list(tests)}
    return {"models": [{"name": "orders", **columns, **more}]}


def without_id(taken: Taken) -> list[JsonObject]:
    return [{name: value for name, value in rule.items() if name != "id"} for each in taken.documents for rule in each["rules"]]


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, Thresholds(None, 1)),
        ({"severity": "WARN"}, Thresholds(1, None)),
        ({"error_if": ">10"}, Thresholds(1, 11)),
        ({"error_if": ">=5", "warn_if": ">= 2"}, Thresholds(2, 5)),
        ({"error_if": "> 2.5"}, Thresholds(1, 3)),
        ({"error_if": ">= 2.5"}, Thresholds(1, 3)),
        ({"error_if": "<>0", "warn_if": ">9"}, Thresholds(None, 1)),
        ({"error_if": "<0", "warn_if": ">9"}, Thresholds(10, None)),
        ({"severity": "warn", "error_if": ">5", "warn_if": ">3"}, Thresholds(4, None)),
        ({"error_if": ">= 0"}, "holds for no failure"),
        ({"error_if": "!= 3"}, "does not hold for every larger number"),
        ({"error_if": "= 0"}, "does not hold"),
        ({"error_if": "< 3"}, "does not hold"),
        ({"error_if": "between 1 and 2"}, "is no comparison with a number"),
        ({"error_if": ">10 or true"}, "is no comparison with a number"),
        ({"error_if": "<0", "warn_if": "<0"}, "neither warns nor fails"),
        ({"severity": "maybe"}, "neither warn nor error"),
    ],
)
def test_thresholds_say_the_same_for_every_number(config: JsonObject, wanted: Thresholds | str) -> None:
    if isinstance(wanted, str):
        with pytest.raises(Inexact, match=wanted):
            thresholds_of(config)
    else:
        assert thresholds_of(config) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ref('a')", Reference("ref", ("a",))),
        ('{{ ref("p", "a") }}', Reference("ref", ("p", "a"))),
        ("ref('a', v=2)", Reference("ref", ("a",), "2")),
        ("ref('a', version='x')", Reference("ref", ("a",), "x")),
        (" source( 's' , 't' ) ", Reference("source", ("s", "t"))),
        ("source('s')", None),
        ("ref(a)", None),
        ("ref('a') ~ 'x'", None),
        ("ref('a' 'b')", None),
        ("ref('a', v=var('x'))", None),
        (3, None),
    ],
)
def test_references(text: Any, wanted: Reference | None) -> None:
    assert reference_of(text) == wanted


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("not_null", {"type": "not_null", "column": "a"}),
        ({"not_null": {"severity": "warn", "store_failures": True}}, {"type": "not_null", "column": "a", "severity": "warn"}),
        ({"not_null": {"config": {"warn_if": ">10", "severity": "warn"}}}, {"type": "not_null", "column": "a", "warn_above": 10}),
        ({"not_null": {"config": {"error_if": ">=5"}}}, {"type": "not_null", "column": "a", "warn_above": 0, "fail_above": 4}),
        ({"not_null": {"where": "b > 1"}}, {"type": "not_null", "column": "a", "where": "b > 1"}),
        ({"not_null": {"config": {"enabled": False}}}, {"type": "not_null", "column": "a", "active": False}),
        ({"not_null": {"description": "Must be."}}, {"type": "not_null", "column": "a", "description": "Must be."}),
        ({"name": "x", "test_name": "unique"}, {"type": "unique", "column": "a"}),
        ({"unique": {"column_name": '"B c"'}}, {"type": "unique", "column": "B c"}),
        ({"unique": {"column_name": "Bc"}}, {"type": "unique", "column": "bc"}),
        (
            {"unique": {"config": {"error_if": ">1"}}},
            {"type": "dbt", "column": "a", "arguments": {"test": "unique", "config": {"error_if": ">1"}}},
        ),
        (
            {"not_null": {"config": {"limit": 10, "severity": "warn", "where": "b"}}},
            {"type": "dbt", "column": "a", "arguments": {"test": "not_null", "config": {"limit": 10}}, "severity": "warn", "where": "b"},
        ),
        (
            {"accepted_values": {"arguments": {"values": ["x", 1, True, 1.5, "it''s"]}}},
            {"type": "accepted_values", "column": "a", "arguments": {"values": ["x", 1, "True", "1.5", "it's"]}},
        ),
        (
            {"relationships": {"to": "ref('customers')", "field": "ID", "where": "b = 1"}},
            {"type": "relationship", "column": "a", "arguments": {"to_table": "public.customers", "to_column": "id"}, "where": "b = 1"},
        ),
        (
            {"my_package.odd": {"arguments": {"compare_to": "ref('customers')", "n": [1, "b"]}, "severity": "error"}},
            {
                "type": "dbt", "column": "a", "severity": "error",
                "arguments": {"test": "my_package.odd", "arguments": {"compare_to": {"relation": "public.customers"}, "n": [1, "b"]}},
            },
        ),
        (
            {"dbt_utils.accepted_range": {"min_value": 0, "inclusive": False}},
            {"type": "expression", "arguments": {"sql": "a > 0"}},
        ),
        ({"dbt_utils.not_null_proportion": {"at_least": 0.95}}, {"type": "not_null", "column": "a", "fail_above": "5%"}),
        (
            {"dbt_utils.accepted_range": {"min_value": 0, "from_the_future": 1}},
            {
                "type": "dbt", "column": "a",
                "arguments": {"test": "dbt_utils.accepted_range", "arguments": {"min_value": 0, "from_the_future": 1}},
            },
        ),
        (
            {"dbt_expectations.expect_column_values_to_be_between": {"min_value": 1, "max_value": 2, "row_condition": "b = 1"}},
            {"type": "expression", "arguments": {"sql": "a >= 1 and a <= 2"}, "where": "b = 1"},
        ),
    ],
)  # fmt: skip
def test_a_test_becomes_a_rule(tmp_path: Path, test: Any, wanted: JsonObject) -> None:
    taken = taken_from(tmp_path, {"schema.yml": a_model(test)})
    assert (without_id(taken), taken.losses) == ([wanted], [])


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        (
            {"dbt_expectations.expect_table_row_count_to_be_between": {"min_value": 5}},
            {"type": "row_count", "arguments": {"min": 5}},
        ),
        (
            {"dbt_expectations.expect_table_row_count_to_equal": {"value": 5, "severity": "warn"}},
            {"type": "row_count", "arguments": {"warn": {"min": 5, "max": 5}}},
        ),
        ({"dbt_utils.expression_is_true": {"expression": "a > b"}}, {"type": "expression", "arguments": {"sql": "a > b"}}),
        (
            {"dbt_utils.unique_combination_of_columns": {"combination_of_columns": ["A", "b"]}},
            {"type": "unique", "columns": ["a", "b"], "arguments": {"nulls": "equal"}},
        ),
        (
            {"unique": {"column_name": "a || b"}},
            {
                "type": "sql",
                "arguments": {
                    "query": 'select expression from (select (a || b) as expression from "public"."orders") as expressions'
                    " where expression is not null group by expression having count(*) > 1"
                },
            },
        ),
    ],
)
def test_a_test_of_a_whole_model_becomes_a_rule(tmp_path: Path, test: Any, wanted: JsonObject) -> None:
    taken = taken_from(tmp_path, {"schema.yml": a_model(test, column=None)})
    assert (without_id(taken), taken.losses) == ([wanted], [])


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"not_null": {"where": "{{ var('x') }}"}}, "write the value itself, or import target/manifest.json"),
        ({"accepted_values": {"values": "var('x')"}}, "accepted_values: holds Jinja (var('x'))"),
        ({"accepted_values": {"values": ["a", "{{ env_var('X') }}"]}}, "holds Jinja ({{ env_var('X') }})"),
        ({"accepted_values": {"values": ["it's"]}}, "breaks dbt's own SQL"),
        ({"accepted_values": {"values": []}}, "has no list of values"),
        ({"accepted_values": {"values": ["a"], "quotes": True}}, "has the argument quotes, which it does not take"),
        ({"relationships": {"to": "customers", "field": "id"}}, "relationships needs `to`"),
        ({"relationships": {"to": "source('x', 'y')", "field": "id"}}, "source x.y: no file that was read has this source"),
        ({"not_null": {"severity": "loud"}}, "severity 'loud' is neither warn nor error"),
        ({"not_null": {"where": "a in (select 1)"}}, "where holds SELECT"),
        ({"not_null": {"config": {"sql_header": "set x"}}}, "sql_header"),
        ({"not_null": {"config": {"enabled": "{{ true }}"}}}, "its config holds Jinja"),
        ({"not_null": ["a"]}, "its arguments are no mapping"),
        ({"not_null": {}, "unique": {}}, "a test must be a name"),
        (3, "a test must be a name"),
        ({"not_null": {"config": 3}}, "must be mappings"),
        ({"mine": {"n": 1, "column_name": "a || b"}}, "its column is an expression"),
        ({"mine": {"a b": 1}}, "is no argument that can be given"),
    ],
)
def test_what_cannot_be_said_is_a_loss_with_its_line(tmp_path: Path, test: Any, words: str) -> None:
    taken = taken_from(tmp_path, {"schema.yml": "# first\n" + yaml.safe_dump(a_model("unique", test))})
    assert without_id(taken) == [{"type": "unique", "column": "a"}]
    ((place, said),) = [(loss.place, loss.words) for loss in taken.losses]
    assert words in said
    assert place.startswith(f"{tmp_path}/schema.yml:")
    assert int(place.rpartition(":")[2]) >= 4


SHAPES = {
    "models/a.yml": """
models:
  - name: orders
    config: {schema: marts, alias: Orders2, meta: {owner: team}}
    description: " All orders. "
    columns:
      - {name: Id, quote: true, tests: [not_null]}
  - name: hidden
    config: {materialized: ephemeral}
    columns: [{name: id, tests: [unique]}]
  - name: old
    config: {enabled: false}
    columns: [{name: id, tests: [unique]}]
  - name: people
    latest_version: 2
    data_tests: [mine]
    columns: [{name: id, data_tests: [unique]}, {name: ssn, data_tests: [not_null]}]
    versions:
      - v: 1
      - v: 2
        config: {alias: people}
        data_tests: []
        columns: [{include: all, exclude: [ssn]}, {name: email, data_tests: [not_null]}]
seeds:
  - name: codes
    columns: [{name: code, tests: [relationships: {to: ref('people'), field: id}, relationships: {to: "ref('people', v=1)", field: id}]}]
snapshots:
  - name: snap
    config: {target_schema: history}
    columns: [{name: id, tests: [not_null]}]
unit_tests: [{name: x}]
""",
    "sources.yml": """
sources:
  - name: raw
    tables:
      - name: t
        identifier: T1
        columns: [{name: id, tests: [not_null, relationships: {to: "source('raw', 'u')", field: id}]}]
      - {name: u, quoting: {identifier: false}, identifier: U, freshness: {error_after: {count: 1, period: day}}, tests: [mine]}
  - name: hidden
    schema: "{{ var('schema') }}"
    tables: [{name: t, columns: [{name: id, tests: [not_null]}]}]
""",
    "dbt_packages/x/schema.yml": a_model("unique"),
    "dbt_project.yml": "name: p\nquoting: {identifier: false}\nmodels:\n  p:\n    +schema: x\n    marts: {enabled: false}\ndata_tests:\n  +severity: warn\n",
    "tests/odd.sql": "select 1",
    "tests/generic/mine.sql": "",
    "target/manifest.json": "{",
}


def test_a_project_folder_with_everything(tmp_path: Path) -> None:
    for name, value in SHAPES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    taken = read([tmp_path], "nyc", CATALOGUE, "public")
    tables = {document["table"]: document for document in taken.documents}
    assert {name: [rule["id"] for rule in document["rules"]] for name, document in tables.items()} == {
        "history.snap": ["id_not_null"],
        "public.codes": ["code_relationships", "code_relationships_2"],
        "public.old": ["id_unique"],
        "public.people": ["id_unique", "email_not_null"],
        "public.people_v1": ["id_unique", "ssn_not_null", "mine"],
        "public_marts.Orders2": ["id_not_null"],
        "raw.T1": ["id_not_null", "id_relationships"],
        "raw.u": ["mine"],
    }
    orders = tables["public_marts.Orders2"]
    assert (orders["owner"], orders["description"], orders["rules"][0]["column"]) == ("team", "All orders.", "Id")
    assert orders["on_empty"] == "pass"  # dbt finds nothing in an empty table
    assert tables["public.old"]["rules"][0]["active"] is False
    referred = [rule["arguments"]["to_table"] for rule in tables["public.codes"]["rules"]]
    assert referred == ["public.people", "public.people_v1"]
    assert tables["raw.T1"]["rules"][1]["arguments"]["to_table"] == "raw.u"
    said = [str(loss).removeprefix(f"{tmp_path}/") for loss in taken.losses]
    assert [line[: line.index(" ", 20)] for line in said]
    for words in (
        "dbt_project.yml:2: quoting: false changes the case of names",
        "dbt_project.yml:5: models: schema is set",
        "dbt_project.yml:6: models: enabled is set",
        "dbt_project.yml:8: data_tests: severity is set",
        "tests/odd.sql: is a singular test",
        "models/a.yml:10: unique: the model is ephemeral",
        "sources.yml:8: freshness of raw.u is no test",
        "sources.yml:11: not_null: the source holds Jinja",
    ):
        assert any(line.startswith(words) for line in said), (words, said)
    assert len(said) == 8
    assert any("public.<name>" in remark for remark in taken.remarks)
    assert any("target/manifest.json is there too" in remark for remark in taken.remarks)
    assert any("need the test mine in the dbt project" in remark for remark in taken.remarks)
    assert read([tmp_path], "nyc", CATALOGUE, "public") == taken


@pytest.mark.parametrize(
    ("files", "schema", "words"),
    [
        ({"a.yml": a_model("unique")}, None, "name it with --schema"),
        ({"a.yml": "version: 2\n"}, "public", "holds no models, seeds, snapshots or sources of dbt"),
        ({"a.yml": "models: ["}, "public", "a.yml:2: not YAML"),
        ({"m.json": "[]"}, "public", "m.json:1: is no manifest.json of dbt"),
        ({"m.json": '{"nodes": {}}'}, "public", "is no manifest.json of dbt"),
        ({"m.json": "{\n,"}, "public", "m.json:2: not JSON"),
    ],
)
def test_what_is_not_dbts_is_one_line(tmp_path: Path, files: dict[str, Any], schema: str | None, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        taken_from(tmp_path, files, schema)


def node(kind: str, name: str, **more: Any) -> JsonObject:
    return {"resource_type": kind, "name": name, "database": "d", "schema": "s", "package_name": "p", "config": {}, **more}


def a_test(name: str, of: str, on: list[str], namespace: str | None = None, **kwargs: Any) -> JsonObject:
    """A generic test in a manifest."""
    macros = [f"macro.dbt.test_{name}"]
    return node(
        "test", f"{name}_x", original_file_path="models/a.yml", unique_id=f"test.p.{name}.{len(kwargs)}",
        test_metadata={"name": name, "namespace": namespace, "kwargs": {"model": f"{{{{ get_where_subquery({of}) }}}}", **kwargs}},
        depends_on={"nodes": on, "macros": macros},
    )  # fmt: skip


MANIFEST: JsonObject = {
    "metadata": {"adapter_type": "postgres"},
    "nodes": {
        "model.p.orders": node("model", "orders", alias="Orders", description="All."),
        "model.p.people.v1": node("model", "people", alias="people_v1", version=1, latest_version=2),
        "model.p.people.v2": node("model", "people", alias="people_v2", version=2, latest_version=2),
        "model.p.far": node("model", "far", database="elsewhere"),
        "model.p.gone": node("model", "gone", config={"materialized": "ephemeral"}),
        "1": a_test("not_null", "ref('orders')", ["model.p.orders"], column_name="Id"),
        "2": a_test("relationships", "ref('orders')", ["model.p.orders"], column_name="b", to="ref('people')", field="id"),
        "3": a_test(
            "relationships", "source('raw', 't')", ["source.p.raw.t"], column_name="b", to="ref('people', v=1)", field="id"
        )
        | {"name": "My test", "config": {"severity": "warn"}},
        "4": a_test("mine", "ref('orders')", ["model.p.orders"], other="ref('people')"),
    },
    "sources": {"source.p.raw.t": node("source", "t", source_name="raw", identifier="T1", schema="landing")},
}


def test_a_manifest_names_tables_and_tests(tmp_path: Path) -> None:
    taken = taken_from(tmp_path, {"manifest.json": MANIFEST})
    assert {document["table"]: document["rules"] for document in taken.documents} == {
        "landing.T1": [
            {
                "id": "my_test", "type": "relationship", "column": "b",
                "arguments": {"to_table": "s.people_v1", "to_column": "id"}, "severity": "warn",
            },
        ],
        "s.Orders": [
            {"id": "other_mine", "type": "dbt", "arguments": {"test": "mine", "arguments": {"other": {"relation": "s.people_v2"}}}}
            | {"id": "mine"},
            {"id": "id_not_null", "type": "not_null", "column": "id"},
            {"id": "b_relationships", "type": "relationship", "column": "b", "arguments": {"to_table": "s.people_v2", "to_column": "id"}},
        ],
    }  # fmt: skip
    assert taken.losses == []


def test_a_manifest_says_the_name_that_dbt_writes(tmp_path: Path) -> None:
    names = {'"d"."S"."M"': "S.M", "d.S.M": "s.m", '"d".s."M ""x"""': 's.M "x"', "": "s.M"}
    for said, table in names.items():
        model = node("model", "M", relation_name=said or None)
        test = a_test("unique", "ref('M')", ["model.p.M"], column_name="a")
        manifest = {"metadata": {}, "nodes": {"model.p.M": model, "test.p.t": test}, "sources": {}}
        assert [each["table"] for each in taken_from(tmp_path, {"manifest.json": manifest}).documents] == [table]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (a_test("unique", "ref('orders')", [], column_name="{{ x }}"), "its column holds Jinja"),
        (a_test("not_null", "ref('orders')", [], column_name="a") | {"config": {"where": "{{ x }}"}}, "holds Jinja"),
        (a_test("accepted_values", "ref('orders')", [], column_name="a", values="{{ var('x') }}"), "holds Jinja"),
        (a_test("unique", "ref('nothing')", [], column_name="a"), "ref nothing is not in the manifest"),
        (a_test("unique", "x", [], column_name="a"), "is neither a model nor a source"),
        (a_test("unique", "ref('gone')", [], column_name="a"), "is ephemeral"),
        (a_test("unique", "ref('far')", ["model.p.far"], column_name="a"), "is in the database elsewhere, and the target's is d"),
        (node("test", "odd", depends_on={"nodes": ["model.p.orders"]}), "is a singular test"),
        (
            a_test("unique", "ref('orders')", [], column_name="a") | {"depends_on": {"macros": ["macro.p.default__test_unique"]}},
            "the project has its own macro macro.p.default__test_unique",
        ),
    ],
)
def test_what_a_manifest_cannot_say_is_a_loss(tmp_path: Path, test: JsonObject, words: str) -> None:
    nodes = MANIFEST["nodes"] | {"bad": test | {"original_file_path": "models/z.yml"}}
    taken = taken_from(tmp_path, {"manifest.json": MANIFEST | {"nodes": nodes}})
    ((place, said),) = [(loss.place, loss.words) for loss in taken.losses]
    assert (taken.taken, place) == (4, f"models/z.yml: {test['name']}")
    assert words in said


def test_the_command_prints_documents_and_losses(tmp_path: Path) -> None:
    file = tmp_path / "schema.yml"
    file.write_text(yaml.safe_dump(a_model("unique", {"not_null": {"where": "{{ x }}"}})))
    done = run("rules", "import", "dbt", str(file), "--target", "nyc", "--schema", "public", "--strict")
    (document,) = yaml.safe_load_all(done.stdout)
    assert (done.returncode, document["table"], [rule["id"] for rule in document["rules"]]) == (1, "public.orders", ["a_unique"])
    assert done.stderr.startswith("1 rule(s) for 1 table(s) taken up, 1 lost\n")
    assert f"loss: {file}:" in done.stderr


def test_the_command_writes_files_and_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "schema.yml"
    file.write_text(yaml.safe_dump(a_model("unique", {"not_null": {"where": "{{ x }}"}})))
    into = ["dbt", str(file), "--target", "nyc", "--schema", "public", "--out", str(tmp_path / "out")]
    assert import_.main([*into, "--json"], standalone_mode=False) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["taken"], len(answer["losses"])) == (1, 1)
    written = tmp_path / "out" / "public.orders.yml"
    assert yaml.safe_load(written.read_text()) == answer["documents"][0]
    assert import_.main(into, standalone_mode=False) == 0
    written.write_text("mine: true\n")
    with pytest.raises(Refused, match="is there already, and this command has not made it"):
        import_.main(into, standalone_mode=False)
    assert written.read_text() == "mine: true\n"
    with pytest.raises(click.UsageError, match="--target 'N C' is no name of a target"):
        import_.main(["dbt", str(file), "--target", "N C"], standalone_mode=False)
    monkeypatch.setenv("DBT_PROJECT_DIR", "/nowhere")
    with pytest.raises(SettingsError, match="DBT_PROJECT_DIR: cannot read"):
        import_.main(into, standalone_mode=False)
