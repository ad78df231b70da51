"""The catalogue: each entry complete, its example valid, a macro for each and none without an entry."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from stringx_dataops.contract.catalogue import rule_pages
from stringx_dataops.contract.catalogue.arguments import relations_of_arguments
from stringx_dataops.contract.catalogue.rule_types import CATALOGUE_FILE, Catalogue, Decision, RuleType
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.messages.verdicts import Dimension
from stringx_dataops.contract.settings import ROOT
from tests.support.documents import plain_judge

PROJECT = ROOT / "stringx"
CATALOGUE = Catalogue.load(PROJECT)
TYPES = list(CATALOGUE)


@pytest.mark.parametrize("entry", TYPES, ids=lambda entry: entry.name)
class TestEntry:
    def test_it_is_complete(self, entry: RuleType) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.name)
        assert entry.description.endswith(".")
        assert entry.dimension in get_args(Dimension)
        assert entry.shape in ("row", "measure", "statement")
        assert entry.finding
        assert entry.max_columns is None or 0 <= entry.min_columns <= entry.max_columns
        assert entry.decides in get_args(Decision)
        assert (entry.decides == "count") == (entry.failures is not None)
        assert entry.met or entry.decides != "holds"
        assert entry.arguments["additionalProperties"] is False

    def test_every_argument_is_described(self, entry: RuleType) -> None:
        for name, argument in entry.arguments.get("properties", {}).items():
            assert argument.get("description"), name
            assert argument.get("type") or argument.get("anyOf") or argument.get("oneOf"), name

    def test_its_example_is_valid(self, entry: RuleType) -> None:
        assert entry.example["type"] == entry.name
        document: dict[str, Any] = {
            "apiVersion": "stringx/v1",
            "target": "nyc",
            "table": "public.flights",
            "rules": [entry.example],
        }
        assert parse_table(document, CATALOGUE, plain_judge).rules[0].id == entry.example["id"]

    def test_its_message_can_be_made(self, entry: RuleType) -> None:
        for met in (True, False):
            words = entry.words(met, ["a", "b"], entry.example.get("arguments", {}), "7")
            assert words
            assert "{" not in words

    def test_it_has_a_macro(self, entry: RuleType) -> None:
        [path] = (PROJECT / "macros").glob(f"**/rules/{entry.name}.sql")
        text = path.read_text()
        assert re.search(rf"macro \w*{entry.name}\w*\(", text)

    def test_it_is_told_to_clients(self, entry: RuleType) -> None:
        assert entry.as_json()["arguments"]["type"] == "object"


def test_no_macro_without_an_entry() -> None:
    files = {path.stem: path.read_text() for path in (PROJECT / "macros").glob("**/rules/*.sql")}
    macros = {stem: re.findall(r"macro stringx_rule__(\w+)\(", text) for stem, text in files.items()}
    assert sorted(name for names in macros.values() for name in names) == sorted(entry.name for entry in TYPES)
    assert {entry.name for entry in TYPES} <= set(macros), "each in the file of its name"


def test_the_tables_that_arguments_name() -> None:
    sql = CATALOGUE.get("sql")
    assert sql is not None
    query = 'with c as (select 1) select * from a.B join "D" on true join c on exists (select from A.b)'
    assert relations_of_arguments(sql, {"query": query}, dialect_of("postgres")) == [["a", "b"], ["D"]]


@pytest.mark.parametrize(
    "text", ["", "types:\n  x: {}", "types: [1]", "types: {x: 5}", "a: [", "types:\n  x: {arguments: {type: 5}}", "types: []"]
)
def test_a_catalogue_that_cannot_be_read_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / CATALOGUE_FILE
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match=r"rules\.yml") as raised:
        Catalogue.load(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_project_without_a_catalogue_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^DBT_PROJECT_DIR: cannot read .*rules\.yml"):
        Catalogue.load(tmp_path)


def test_a_type_of_the_users_own(tmp_path: Path) -> None:
    entries = yaml.safe_load((PROJECT / CATALOGUE_FILE).read_text())
    entries["types"] = {
        "not_null": entries["types"]["not_null"],
        "mine": {**entries["types"]["not_null"], "columns": {"min": 2, "max": None}},
    }
    (tmp_path / CATALOGUE_FILE).parent.mkdir(parents=True)
    (tmp_path / CATALOGUE_FILE).write_text(yaml.safe_dump(entries))
    mine = Catalogue.load(tmp_path).get("mine")
    assert mine is not None
    assert (mine.min_columns, mine.max_columns) == (2, None)


def test_the_page_about_rules_is_written_from_the_catalogue() -> None:
    page = rule_pages.PAGE.read_text()
    assert page == rule_pages.written(page, CATALOGUE), "run: python -m stringx_dataops.contract.catalogue.rule_pages"


@pytest.mark.parametrize(("change", "words"), [({"dimension": "speed"}, "dimension 'speed'"), ({"decides": "maybe"}, "decides 'maybe'"), ({"finding": "have {columns"}, "expected '}'")])  # fmt: skip
def test_an_entry_that_could_not_be_told_is_refused(change: dict[str, str], words: str, tmp_path: Path) -> None:
    entries = yaml.safe_load((PROJECT / CATALOGUE_FILE).read_text())
    path = tmp_path / CATALOGUE_FILE
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({"types": {"x": entries["types"]["not_null"] | change}}))
    with pytest.raises(ValueError, match=words):
        Catalogue.load(tmp_path)


def test_a_key_of_two_columns_is_one_key_and_a_row_without_one_of_them_lacks_either() -> None:
    by_name = {entry.name: entry for entry in TYPES}
    assert by_name["unique"].words(False, ["a", "b"], {}) == "repeat an earlier a and b"
    assert by_name["not_null"].words(False, ["a", "b"], {}) == "have no a or b"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{description: which percentile, 0 to 1, type: number}", "'0 to 1' is no key"),
        ("{description: a share, type: number, minimun: 0}", "'minimun' is no key"),
        ("{description: some, type: array, items: {type: string, from 1 to 9}}", "'from 1 to 9' is no key"),
        ("{description: some, anyOf: [{type: number, x: y}]}", "'x' is no key"),
    ],
)
def test_a_key_that_json_schema_would_pass_over_is_refused(tmp_path: Path, entry: str, words: str) -> None:
    path = tmp_path / CATALOGUE_FILE
    path.parent.mkdir(parents=True)
    path.write_text(
        "types:\n  even:\n    description: Every value is even.\n    dimension: validity\n    shape: row\n    columns: {min: 1, max: 1}\n"
        "    window: true\n    failures: rows\n    total: rows\n    finding: are odd\n"
        f"    arguments: {{properties: {{p: {entry}}}, additionalProperties: false}}\n"
    )
    with pytest.raises(ValueError, match=re.escape(words)):
        Catalogue.load(tmp_path)
