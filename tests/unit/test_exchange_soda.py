"""Checks of Soda become rules that say the same, or losses that say why not. Beside Soda itself: tests/exchange/test_soda_truth.py."""

import json
import random
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from stringx_dataops.cli.exchange import import_
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.offline import own_catalogue
from stringx_dataops.exchange.soda.reading import read
from tests.support.mangling import mangled

CATALOGUE = own_catalogue()


def taken_from(folder: Path, document: Any, schema: str | None = None) -> Taken:
    """What is taken from one file: a text as it is, another value as YAML."""
    file = folder / "checks.yml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False))
    return read([file], "shop", CATALOGUE, schema)


def one_rule(taken: Taken) -> JsonObject:
    """The only rule, without id and description."""
    assert not taken.losses, taken.losses
    (document,) = taken.documents
    assert document["on_empty"] == "pass"
    (rule,) = document["rules"]
    return {name: value for name, value in rule.items() if name not in ("id", "description")}


MISSING_T = 'not ("t" is null or "t" in (\'N/A\'))'


@pytest.mark.parametrize(
    ("check", "rule"),
    [
        ("row_count > 0", {"type": "row_count", "arguments": {"min": 1}}),
        ("row_count between 1 and 10", {"type": "row_count", "arguments": {"min": 1, "max": 10}}),
        ({"row_count": {"warn": "when < 10", "fail": "when < 5"}}, {"type": "row_count", "arguments": {"min": 5, "warn": {"min": 10}}}),
        ("missing_count(t) = 0", {"type": "not_null", "column": "t"}),
        ("missing_count(T) < 5", {"type": "not_null", "column": "t", "fail_above": 4}),
        ('missing_count("T") < 5', {"type": "not_null", "column": "T", "fail_above": 4}),
        ("missing_percent(t) < 5%", {"type": "not_null", "column": "t", "fail_above": "4.994999999999%"}),
        ({"missing_percent(t)": {"warn": "when > 1", "fail": "when > 5"}}, {"type": "not_null", "column": "t", "warn_above": "1.005%", "fail_above": "5.005%"}),
        ({"missing_count(t) = 0": {"missing values": ["N/A"]}}, {"type": "expression", "column": "t", "arguments": {"sql": MISSING_T}}),
        ({"missing_count(t) = 0": {"filter": "a > 1 or b"}}, {"type": "not_null", "column": "t", "where": "a > 1 or b"}),
        ({"invalid_count(t) = 0": {"valid values": ["a", "b"]}}, {"type": "accepted_values", "column": "t", "arguments": {"values": ["a", "b"]}}),
        ({"invalid_count(t) = 0": {"invalid values": [1, 2]}}, {"type": "rejected_values", "column": "t", "arguments": {"values": [1, 2]}}),
        ({"invalid_count(n) = 0": {"valid min": 1, "valid max": 5}}, {"type": "between", "column": "n", "arguments": {"min": 1, "max": 5}}),
        ({"invalid_count(n) = 0": {"valid max": 0.5}}, {"type": "expression", "column": "n", "arguments": {"sql": 'not (not ("n" is null) and (not ("n" <= 0.5)))'}}),
        ({"invalid_count(t) = 0": {"valid regex": "^it''s$"}}, {"type": "regex", "column": "t", "arguments": {"pattern": "^it's$"}}),
        ({"invalid_count(t) = 0": {"valid min length": 1, "valid max length": 3}}, {"type": "length", "column": "t", "arguments": {"min": 1, "max": 3}}),
        ("duplicate_count(a, b) = 0", {"type": "unique", "columns": ["a", "b"]}),
        ("duplicate_count(a) < 3", {"type": "sql", "fail_above": 2, "arguments": {"query": 'select "a" from "public"."orders" where "a" is not null group by "a" having count(*) > 1'}}),
        ("avg(n) between 1 and 2.5", {"type": "aggregate", "column": "n", "arguments": {"function": "avg", "min": 1, "max": "2.5"}}),
        ("avg(n) != 5", {"type": "sql", "arguments": {"query": 'select avg("n") as measured from "public"."orders" having avg("n") >= 5 and avg("n") <= 5'}}),
        ("values in (a) must exist in other (b)", {"type": "relationship", "column": "a", "arguments": {"to_table": "public.other", "to_column": "b"}}),
        ("row_count same as other", {"type": "row_count_matches", "arguments": {"other_table": "public.other"}}),
        ({"failed rows": {"fail condition": "n < 0"}}, {"type": "expression", "arguments": {"sql": "not (n < 0)"}}),
        ({"failed rows": {"fail query": "select 1;\n", "warn": "when > 5"}}, {"type": "sql", "arguments": {"query": "select 1"}, "warn_above": 5}),
        ({"schema": {"fail": {"when forbidden column present": ["pii%"]}}}, {"type": "sql", "arguments": {"query": "select column_name from information_schema.columns where table_schema = 'public' and table_name = 'orders' and column_name ~ '^(pii..*)'"}}),
        ({"schema": {"warn": {"when required column missing": ["a", "b"]}}}, {"type": "columns", "arguments": {"names": ["a", "b"], "mode": "contains"}, "severity": "warn"}),
    ],
)  # fmt: skip
def test_a_check_of_sodacl_is_a_rule(tmp_path: Path, check: Any, rule: JsonObject) -> None:
    found = one_rule(taken_from(tmp_path, {"checks for orders": [check]}))
    if "arguments" in found:
        found["arguments"] = {
            name: str(value) if isinstance(value, float) else value for name, value in found["arguments"].items()
        }
    assert found == rule


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("change for row_count < 5", "compares with earlier scans"),
        ("anomaly detection for row_count", "compares with earlier scans"),
        ("row_count > ${limit}", "variable"),
        ("nonsense here please", "not understood"),
        ("(a) < 5", "is no check that SodaCL has"),
        ("row_count >> 5", "not understood"),
        ("missing_count(a)", "has no threshold"),
        ("invalid_count(a) = 0", "says nothing about valid or invalid values"),
        ({"missing_count(a) = 0": {"colour": "red"}}, "'colour' has no meaning here"),
        ({"invalid_count(a) = 0": {"valid format": "credit card number"}}, "is not taken up"),
        ({"invalid_count(a) = 0": {"valid values": "a"}}, "must be a list"),
        ({"invalid_count(a) = 0": {"valid values": [True]}}, "only texts or only numbers"),
        ({"invalid_count(a) = 0": {"valid values": ["it's"]}}, "a quote or a backslash"),
        ({"invalid_count(a) = 0": {"valid min": "x"}}, "must be a number"),
        ({"missing_count(a)": {"fail": "> 5"}}, "does not begin with `when`"),
        ({"missing_count(a)": "x"}, "must be a mapping"),
        ({"row_count > 0": None, "name": "x"}, "indent them"),
        ("freshness(ts, NOW) < 1d", "from a variable"),
        ("values in (a, b) must exist in other (c)", "as many columns"),
        ("row_count same as other in another_source", "another data source"),
        ({"schema": {"fail": {"when schema changes": "any"}}}, "no rule says it"),
        ({"schema": {"fail": {"when wrong column type": {"a": "int"}}}}, "'int' of a is none"),
        ({"group by": {"query": "select 1"}}, "groups"),
        ({"failed rows": {}}, "neither `fail condition` nor `fail query`"),
        ({"failed rows": {"fail condition": "a in (select 1)"}}, "sql holds SELECT"),
        ({"missing_count(a) = 0": {"filter": "a = pg_sleep(1)"}}, "pg_sleep, which is not allowed"),
        ({"schema": {"fail": {"when forbidden column present": ["a.b"]}}}, "more than letters"),
        ("percentile(a) < 5", "must be a number"),
        (5, "is no check"),
    ],
)  # fmt: skip
def test_what_no_rule_says_is_a_loss_with_its_line(tmp_path: Path, check: Any, words: str) -> None:
    taken = taken_from(tmp_path, {"checks for orders": ["row_count > 0", check]})
    (loss,) = taken.losses
    assert words in str(loss)
    assert "\n" not in str(loss)
    assert loss.place == f"{tmp_path}/checks.yml:3"
    assert taken.documents[0]["rules"][0]["type"] == "row_count"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"checks for orders": {"row_count > 0": None}}, "must hold a list of checks"),
        ({"profile columns": {"columns": ["a"]}}, "no rule says it"),
        ({"filter orders [daily]": "x"}, "must hold `where`"),
        ({"checks for ${table}": ["row_count > 0"]}, "variables are not filled in"),
        ({"checks for orders [daily]": ["row_count > 0"]}, "no section declares `filter orders [daily]`"),
        ({"for each dataset d": {"datasets": ["order%"], "checks": ["row_count > 0"]}}, "name them, or write a RuleSet"),
        ({"configurations for orders": {"colour for a": 1}}, "is no configuration of a column"),
        ({"dataset": "orders", "columns": []}, "must be a qualified name"),
        ({"dataset": "s/d/public/orders", "columns": 5}, "`columns` must be a list"),
        ({"dataset": "s/d/public/orders", "filter": "a > ${var.x}", "columns": []}, "holds a variable"),
    ],
)
def test_a_section_that_is_not_understood_is_a_loss(tmp_path: Path, document: Any, words: str) -> None:
    taken = taken_from(tmp_path, document)
    assert any(words in loss.words for loss in taken.losses), taken.losses


def test_sections_of_several_files_belong_together(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("checks for orders [daily]:\n  - missing_count(t) = 0:\n      missing values: [x]\n")
    (tmp_path / "b.yaml").write_text(
        "filter orders [daily]:\n  where: day > '2020-01-01'\nconfigurations for orders:\n  missing values for t: ['-']\n"
    )
    (tmp_path / "c.yml").write_text(
        "for each dataset D:\n  datasets: [sales.t, include u, v, exclude v]\n  checks:\n    - row_count > 0\n"
    )
    taken = read([tmp_path], "shop", CATALOGUE, "staging")
    assert not taken.losses
    rules = {document["table"]: document["rules"] for document in taken.documents}
    assert rules["staging.orders"][0]["where"] == "day > '2020-01-01'"
    assert rules["staging.orders"][0]["arguments"] == {"sql": "not (\"t\" is null or \"t\" in ('x', '-'))"}
    assert set(rules) == {"staging.orders", "sales.t", "staging.u"}


def test_yaml_is_read_as_soda_reads_it(tmp_path: Path) -> None:
    taken = taken_from(
        tmp_path,
        "checks for orders:\n  - invalid_count(t) = 0:\n      valid values: [yes, no, 12:30]\n  - invalid_count(n) = 0:\n      valid values: [010, 2]\n",
    )
    first, second = taken.documents[0]["rules"]
    assert (first["arguments"]["values"], second["arguments"]["values"]) == (["yes", "no", "12:30"], [10, 2])


CONTRACT: JsonObject = {
    "dataset": "pg/db/sales/orders",
    "filter": "day > '2020-01-01'",
    "columns": [
        {"name": "Id", "data_type": "integer", "checks": [{"missing": None}, {"duplicate": {"threshold": {"metric": "percent", "must_be_less_than": 5}}}]},
        {
            "name": "t", "missing_values": ["N/A"], "valid_values": ["a"],
            "checks": [{"invalid": {"threshold": {"must_be_less_than_or_equal": 3, "level": "warn"}}}, {"aggregate": {"function": "min_length", "threshold": {"must_be": 1}}}],
        },
        {"name": "n", "checks": [{"invalid": {"valid_reference_data": {"dataset": "pg/db/sales/other", "column": "k"}}}]},
    ],
    "checks": [
        {"row_count": {"threshold": {"must_be_between": {"greater_than": 0, "less_than": 10}}}},
        {"freshness": {"column": "ts", "threshold": {"unit": "hour", "must_be_less_than_or_equal": 24}}},
        {"failed_rows": {"expression": "n < 0", "threshold": {"metric": "percent", "must_be_less_than_or_equal": 1.5, "additional": {"must_be": 0, "level": "warn"}}}},
    ],
}  # fmt: skip


def test_a_contract_is_a_document(tmp_path: Path) -> None:
    taken = taken_from(tmp_path, CONTRACT)
    assert not taken.losses
    (document,) = taken.documents
    assert document["table"] == "sales.orders"
    rules = {rule["id"]: rule for rule in document["rules"]}
    assert rules["row_count"]["arguments"] == {"min": 1, "max": 9}
    assert rules["ts_freshness"]["arguments"]["max_age"] == "86401s"
    assert rules["ts_freshness_has_a_value"]["type"] == "sql"
    assert (rules["failed_rows"]["warn_above"], rules["failed_rows"]["fail_above"]) == ("0%", "1.5%")
    assert rules["id_missing"] | {"description": ""} == {
        "id": "id_missing",
        "type": "not_null",
        "column": "Id",
        "where": "day > '2020-01-01'",
        "description": "",
    }
    assert rules["id_duplicates"]["fail_above"] == "4.999999999999%"
    assert rules["t_invalid"]["warn_above"] == 3
    assert rules["n_in_other"]["arguments"] == {"to_table": "sales.other", "to_column": "k"}


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ({"invalid": {"valid_values": ["a", None]}}, "holds a null"),
        ({"invalid": {"valid_format": "x"}}, "must hold a `regex`"),
        ({"invalid": None}, "says nothing about valid or invalid values"),
        ({"missing": {"threshold": {"must_be": 1, "must_not_be": 2}}}, "several comparisons"),
        ({"missing": {"threshold": {"must_be_between": {"greater_than": 5, "less_than": 1}}}}, "the wrong way round"),
        ({"missing": {"threshold": {"must_bee": 1}}}, "'must_bee' is not known"),
        ({"missing": {"threshold": {"must_be": "x"}}}, "must be a number"),
        ({"missing": {"column_expression": "a::text"}}, "an expression in place of the column"),
        ({"aggregate": {"function": "stddev", "threshold": {"must_be": 1}}}, "'stddev' is not taken up"),
        ({"aggregate": {"function": "avg"}}, "has no threshold"),
        ({"missing": {"filter": "a > ${var.x}"}}, "holds a variable"),
        ({"sum": {}}, "no type of check"),
        ("missing", "a mapping with its type"),
    ],
)  # fmt: skip
def test_a_contract_check_that_no_rule_says_is_a_loss(tmp_path: Path, check: Any, words: str) -> None:
    taken = taken_from(tmp_path, {"dataset": "pg/db/sales/orders", "columns": [{"name": "a", "checks": [check]}]})
    (loss,) = taken.losses
    assert words in str(loss), loss


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", ":2: not YAML"),
        ("- a", ":1: is no mapping"),
        (b"\xff\xfe", ":1: the file"),
        ("[" * 100_000, "nested deeper"),
        ("a: 1\na: 2", "stands twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    file = tmp_path / "checks.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Unreadable) as raised:
        read([tmp_path], "shop", CATALOGUE)
    assert str(raised.value).startswith(f"{file}:")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_a_file_of_checks_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"holds no file that ends in \.yml"):
        read([tmp_path], "shop", CATALOGUE)


def test_the_command_names_losses_and_exits_with_1_if_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "checks.yml"
    file.write_text("checks for orders:\n  - row_count > 0\n  - change for row_count < 5\n")
    assert import_.main(["soda", str(file), "--target", "shop", "--strict"], standalone_mode=False) == 1
    told = capsys.readouterr().err
    assert "1 rule(s) for 1 table(s) taken up, 1 lost" in told
    assert f"loss: {file}:3: change for row_count < 5: compares with earlier scans" in told
    with pytest.raises(click.UsageError, match="--table is for gx alone"):
        import_.main(["soda", str(file), "--target", "shop", "--table", "a.b"], standalone_mode=False)


SODACL: JsonObject = {
    "filter orders [daily]": {"where": "n > 1"},
    "configurations for orders": {"valid min for n": 1, "missing values for t": ["x"]},
    "checks for orders [daily]": ["row_count > 0", {"missing_percent(t) < 5": {"name": "few", "filter": "n > 3"}}],
    "checks for orders": [
        {
            "invalid_count(t)": {
                "valid values": ["a"],
                "valid regex": "a",
                "valid length": 2,
                "warn": "when > 1",
                "fail": "when > 2",
            }
        },
        {"failed rows": {"fail condition": "n < 0", "fail": "when > 2"}},
        {"schema": {"fail": {"when required column missing": ["a"], "when wrong column type": {"a": "text"}}}},
        {"avg(n) between 1 and 5": {"valid max": 10}},
    ],
    "for each dataset D": {"datasets": ["a", "exclude b"], "checks": ["freshness(ts) < 1d", "duplicate_count(a) < 3"]},
}


@pytest.mark.parametrize("document", [SODACL, CONTRACT])
def test_no_value_in_the_wrong_place_is_a_traceback(tmp_path: Path, document: JsonObject) -> None:
    chance = random.Random(7)
    for _ in range(25):
        broken = mangled(document, chance)
        taken = taken_from(tmp_path, json.dumps(broken))
        assert all("\n" not in str(loss) for loss in taken.losses)
