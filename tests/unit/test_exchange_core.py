"""The core of importing: foreign files with their lines, ids, and documents that are validated before they are printed."""

from pathlib import Path
from typing import Any

import pytest

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import Mapping, files_below, jsonable, read_json_file, read_yaml_file
from stringx_dataops.exchange.model import Unreadable
from stringx_dataops.exchange.names import rule_id, unique_ids
from stringx_dataops.exchange.offline import own_catalogue

TABLE = TableName("public", "orders")
CATALOGUE = own_catalogue()


def test_yaml_is_read_as_1_1_with_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("a: yes\nb:\n  - c: 2026-01-01\n    d: &x {e: 1}\n  - <<: *x\n    f: 010\n---\n# nothing\n---\ng: 1\n")
    first, second = read_yaml_file(file)
    assert (first, second) == ({"a": True, "b": [{"c": first["b"][0]["c"], "d": {"e": 1}}, {"e": 1, "f": 8}]}, {"g": 1})
    assert (first.line_of("b"), first["b"][0].line, first["b"][0].line_of("d"), first["b"][1].line_of("f")) == (2, 3, 4, 6)
    assert jsonable(first)["b"][0]["c"] == "2026-01-01"
    assert isinstance(second, Mapping)
    assert second.line_of("nothing") == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a: [", ":2: not YAML: did not find expected node content"),
        (b"a: 1\na: 2", ":2: not YAML: the key 'a' stands twice"),
        (b"\xff", ":1: the file is not UTF-8"),
        (b"[" * 100_000, ":1: not YAML: nested deeper than 64 levels"),
        (b"a: &x [1]\nb: &y [*x, *x]\n" + b"".join(b"k%d: &k%d [*y, *y]\n" % (n, n) for n in range(3)), None),
        (
            b"k0: &k0 [1]\n" + b"".join(b"k%d: &k%d [*k%d, *k%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 30)),
            "more than 1,000,000",
        ),
        (b"k0: &k0 [1]\n" + b"".join(b"k%d: &k%d [*k%d]\n" % (n, n, n - 1) for n in range(1, 99)), "deeper than 64 levels"),
        (b"a: &a [*a]", "an alias stands within what it repeats"),
        (b"a: *b", "undefined alias"),
        (b"a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        (b"? [a]\n: 1", ":1: not YAML: a key must be a text"),
        (b"a: 2026-13-45", ":1: not YAML: month must be in 1..12"),
    ],
)
def test_a_yaml_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: bytes, words: str | None) -> None:
    file = tmp_path / "a.yml"
    file.write_bytes(text)
    if words is None:
        assert read_yaml_file(file)
        return
    with pytest.raises(Unreadable) as raised:
        read_yaml_file(file)
    assert words in str(raised.value)
    assert str(raised.value).startswith(f"{file}:")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"), [(b"{\n 1}", ":2: not JSON"), (b"[" * 200_000, "nested too deeply"), (b"\xff\xfe{}", "UTF-16")]
)
def test_a_json_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: bytes, words: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text)
    with pytest.raises(Unreadable, match=words):
        read_json_file(file)


def test_files_are_those_below_a_folder_in_order(tmp_path: Path) -> None:
    for name in ("b/x.yml", "a.YAML", "target/y.yml", ".git/z.yml", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = files_below([tmp_path, tmp_path / "c.txt", tmp_path / "a.YAML"], (".yml", ".yaml"), ["target"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.YAML", "b/x.yml", "c.txt"]
    with pytest.raises(Unreadable, match="there is no such file or folder"):
        files_below([tmp_path / "nothing"], (".yml",))


def test_ids_are_readable_unique_and_the_same_again() -> None:
    assert rule_id("Order ID_not_null") == "order_id_not_null"
    assert len(rule_id("x" * 80)) == 63
    assert rule_id("x" * 80) != rule_id("x" * 81)
    assert rule_id("数量").startswith("rule_")
    assert unique_ids(["a", "a", "a_2", "a"]) == ["a", "a_3", "a_2", "a_4"]
    assert len(set(unique_ids(["x" * 63] * 12))) == 12
    assert max(map(len, unique_ids(["x" * 63] * 12))) == 63


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"type": "nothing"}, "nothing: type 'nothing' is no rule type"),
        ({"type": "not_null"}, "not_null: columns is missing"),
        ({"type": "not_null", "column": "c" * 64}, "column is longer than the 63 bytes"),
        ({"type": "expression", "arguments": {"sql": "a in (select 1)"}}, "arguments/sql holds SELECT"),
        ({"type": "not_null", "column": "a", "where": "; drop table x"}, "where holds a semicolon"),
        ({"type": "accepted_values", "column": "a", "arguments": {"values": ["a\0"]}}, "contains a NUL character"),
        ({"type": "between", "column": "a", "arguments": {"min": 3, "max": 1}}, "min"),
        ({"type": "not_null", "column": "a", "fail_above": 1.5}, "a count is a whole number"),
    ],
)
def test_what_the_service_would_refuse_is_a_loss_and_the_rest_is_taken(rule: dict[str, Any], words: str) -> None:
    collector = Collector("nyc", CATALOGUE)
    collector.add(TABLE, {"type": "not_null", "column": "id", "where": None}, "a.yml:1")
    collector.add(TABLE, rule, "a.yml:2")
    collector.add(TABLE, {"type": "unique", "column": "id"}, "a.yml:3", "Only one")
    taken = collector.taken()
    (document,) = taken.documents
    assert document["rules"] == [
        {"id": "id_not_null", "type": "not_null", "column": "id"},
        {"id": "only_one", "type": "unique", "column": "id"},
    ]
    ((place, said),) = [(loss.place, loss.words) for loss in taken.losses]
    assert (place, taken.taken) == ("a.yml:2", 2)
    assert words in said


def test_a_table_that_the_service_would_refuse_is_one_loss() -> None:
    collector = Collector("nyc", CATALOGUE)
    collector.add(TableName("public", "a*"), {"type": "not_null", "column": "id"}, "a.yml:1")
    taken = collector.taken()
    assert (taken.documents, taken.taken) == ([], 0)
    assert "table public.a* with 1 rule(s): table holds *" in str(taken.losses[0])


def test_columns_of_other_tools_are_no_patterns() -> None:
    collector = Collector("nyc", CATALOGUE)
    for rule in ({"type": "not_null", "column": "*_id"}, {"type": "unique", "columns": ["a[1]", "ok?"]},
                 {"type": "between", "column": "ok[?]", "arguments": {"min": 1}}):  # fmt: skip
        collector.add(TABLE, rule, "a:1")
    collector.add(TABLE, {"type": "not_null", "columns": ["*_id"]}, "a:1", "own", has_patterns=True)
    collector.add(TABLE, {"type": "row_count", "columns": [], "arguments": {"min": 1}}, "a:1")
    taken = collector.taken()
    assert [loss.words for loss in taken.losses] == ["row_count: columns must not be empty"]
    found = [rule.get("columns", [rule.get("column")]) for rule in taken.documents[0]["rules"]]
    assert found == [["[*]_id"], ["a[1]", "ok[?]"], ["ok[[][?]]"], ["*_id"]]


def test_values_are_written_as_the_source_has_them() -> None:
    collector = Collector("nyc", CATALOGUE)
    values = ["yes", "0123", "1.10", "null", 5, 2.5, "'", "a\nb"]
    collector.add(TABLE, {"type": "accepted_values", "column": "a", "arguments": {"values": values}}, "a.yml:1")
    assert collector.taken().documents[0]["rules"][0]["arguments"]["values"] == values


def test_the_catalogue_of_this_release_is_read_without_a_server() -> None:
    assert {rule_type.name for rule_type in CATALOGUE} >= {"not_null", "dbt", "sql"}
    assert (ROOT / "stringx").is_dir()
