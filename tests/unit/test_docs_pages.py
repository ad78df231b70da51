"""The pages say what the code has: settings, routes, scopes, fields of targets, paths of files and links."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from launch.preflight import ALSO_KNOWN
from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.datasets import parse_dataset
from stringx_dataops.contract.documents.engines.csv_files import CSV_DEFAULTS, CsvFiles
from stringx_dataops.contract.documents.engines.s3 import S3
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import MODELS, parse_target
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.settings import ROOT, VARIABLES
from tests.support.documents import plain_judge

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "stringx/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TARGET_FIELDS = [(adapter, name) for adapter, model in MODELS.items() for name in model.model_fields]
FIELDS_OF = {
    "postgres": "## Fields\n",
    "duckdb": "## Fields of DuckDB\n",
    "trino": "## Fields of Trino\n",
}  # where docs/targets.md has them
EXAMPLES = {
    "postgres": {"host": "h", "dbname": "d", "user": "u"},
    "duckdb": {"adapter": "duckdb", "path": "/data/shop.duckdb"},
    "trino": {"adapter": "trino", "host": "h", "catalog": "c", "user": "u"},
}
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FOLDERS = (
    "api",
    "backend",
    "database",
    "docs",
    "examples",
    "launch",
    "portal",
    "postman",
    "stringx",
    "stringx_dataops",
    "tests",
    "web",
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of the headings."""
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title)).strip().lower().replace(" ", "-") for title in titles
    }


def row_of(page: str, name: str) -> list[str]:
    """The cells of the row of a table that begins with the name."""
    rows = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1, name
    return [cell.strip() for cell in rows[0].strip("|").split(" | ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), link
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_in_the_text_exists(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", CODE.sub("", page.read_text(encoding="utf-8")))
    paths = [path for path in named if path != "stringx/v1" and not re.search(r"(NNNN|NAME|TARGET)", path)]
    assert [path for path in paths if not (ROOT / path).exists() and not (page.parent / path).exists()] == []


def test_every_page_stands_in_the_index() -> None:
    index = text_of("docs/README.md")
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md" and f"]({page.name})" not in index]
    assert missing == []
    decisions = text_of("docs/decisions/README.md")
    assert [page.name for page in (ROOT / "docs" / "decisions").glob("0*.md") if f"]({page.name})" not in decisions] == []


def test_the_first_page_is_short() -> None:
    assert len(text_of("README.md").splitlines()) < 150


def test_every_setting_is_described() -> None:
    page = text_of("docs/settings.md") + text_of("docs/kafka.md") + text_of("docs/command-line.md")
    named = {*VARIABLES, *ALSO_KNOWN}
    assert sorted(name for name in named if f"`{name}`" not in page) == []


def test_every_route_is_described() -> None:
    listed = set()
    for verbs, path in re.findall(
        r"`((?:GET|POST|PUT|DELETE)(?: (?:GET|POST|PUT|DELETE))*) (/api/v1/[^`?]*)", text_of("docs/api.md")
    ):
        listed |= {(verb, re.sub(r"{\w+}", "{}", path)) for verb in verbs.split()}
    routes = set()
    for module in [*(ROOT / "api").rglob("*.py"), *(ROOT / "backend").rglob("*.py")]:
        for verb, path in re.findall(r"@routes\.(get|post|put|delete)\(\s*\"(/api/[^\"]+)\"", module.read_text(encoding="utf-8")):
            routes.add((verb.upper(), re.sub(r"<[^>]+>", "{}", path)))
    assert len(routes) > 20
    assert routes == listed


def test_every_page_of_the_dashboard_is_described() -> None:
    page = text_of("docs/dashboard.md")
    source = "".join(each.read_text(encoding="utf-8") for each in (ROOT / "backend/dashboard/routes").glob("*.py"))
    paths = [re.sub(r"<[^>]+>", "{}", path) for path in re.findall(r"@routes\.get\(\"([^\"]+)\"", source)]
    assert len(paths) >= 6
    known = re.sub(r"{\w+}", "{}", page)
    assert [path for path in paths if f"`{path}`" not in known] == []


def test_every_scope_is_described() -> None:
    page = text_of("docs/api.md")
    for scope in SCOPES:
        assert row_of(page, scope)[1]
    section = page.split("## Keys and scopes")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(SCOPES)


def fields_page(adapter: str) -> str:
    return text_of("docs/targets.md").split(FIELDS_OF[adapter])[1].split("\n## ")[0]


@pytest.mark.parametrize(("adapter", "name"), TARGET_FIELDS)
def test_every_field_of_a_target_is_described_with_its_default(adapter: Adapter, name: str) -> None:
    field = MODELS[adapter].model_fields[name]
    _, kind, default, meaning, example = row_of(fields_page(adapter), name)
    assert kind
    assert meaning
    [document] = read_yaml(f"{name}: {example.strip('`')}".encode())
    others: dict[str, Any] = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", **EXAMPLES[adapter]}
    if name.endswith("locations") or name == "s3":
        del others["path"]
    if name == "s3":
        others["locations"] = {"sales.orders": "s3://lake/orders/*.parquet"}
    assert parse_target(others | document).model_dump(exclude_unset=True)[name] == document[name]
    if field.default is PydanticUndefined:
        assert default == "required"
    elif field.default is not None:
        assert default == f"`{field.default}`"
    else:
        assert default != "required"


def test_every_field_of_files_of_csv_is_described_with_its_default() -> None:
    page = text_of("docs/targets.md").split("## Files of CSV\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(CsvFiles.model_fields)
    rows = {name: row_of(page, name) for name in CsvFiles.model_fields}
    examples = "\n".join(
        f"{name}: {row[4].strip('`')!s}" if name != "delimiter" else "delimiter: ';'" for name, row in rows.items()
    )
    CsvFiles.model_validate(read_yaml(examples.encode())[0])
    assert {name: row[2] for name, row in rows.items()} == {
        "files": "required",
        "columns": "required",
        "delimiter": "`,`",
        "null_text": "empty",
    }
    assert CSV_DEFAULTS == {"delimiter": ",", "null_text": ""}


def test_every_field_of_a_storage_is_described_with_its_default() -> None:
    page = text_of("docs/targets.md").split("## Storage of objects\n")[1].split("\n## ")[0]
    rows = {name: row_of(page, name) for name in S3.model_fields}
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(rows)
    for way in (["credentials_env"], ["credentials_file"], ["anonymous"]):
        fields = [f"{name}: {rows[name][4].strip('`')}" for name in ("endpoint", "region", *way)]
        S3.model_validate(read_yaml("\n".join(fields).encode())[0])
    assert {name: row[2] for name, row in rows.items()} == {
        "endpoint": "AWS",
        "region": "`us-east-1`",
        "credentials_env": "none",
        "credentials_file": "none",
        "anonymous": "`false`",
    }


@pytest.mark.parametrize("adapter", MODELS)
def test_no_field_of_a_target_is_made_up(adapter: Adapter) -> None:
    assert re.findall(r"^\| `(\w+)` \|", fields_page(adapter), re.MULTILINE) == list(MODELS[adapter].model_fields)


def test_the_documents_of_tutorial_and_first_page_are_valid() -> None:
    catalogue = Catalogue.load(ROOT / "stringx")
    found = 0
    for page in ("README.md", "docs/tutorial.md", "docs/targets.md", "docs/rules.md"):
        for text in re.findall(r"^(apiVersion: .*?)^(?:YAML|```)$", text_of(page), re.MULTILINE | re.DOTALL):
            for document in read_yaml(text.encode()):
                kind = document.get("kind", "Table")
                if kind == "Target":
                    parse_target(document)
                elif kind == "Dataset":
                    parse_dataset(document)
                else:
                    parse_table(document, catalogue, plain_judge)
                found += 1
    assert found >= 5
