"""Reads dbt tests: `schema.yml` files, project folders, and `manifest.json`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.dbt.manifest import Manifest
from stringx_dataops.exchange.dbt.mapping import remarks_about, rule_of
from stringx_dataops.exchange.dbt.project_files import losses_of_project
from stringx_dataops.exchange.dbt.schema_files import SchemaFiles
from stringx_dataops.exchange.dbt.tests import DbtTest, Lost, is_rendered
from stringx_dataops.exchange.foreign import files_below
from stringx_dataops.exchange.model import Taken, Unreadable

_NOT_OF_THE_PROJECT = ("target", "dbt_packages", "dbt_modules", "logs", "node_modules", "venv")


def read(paths: Sequence[Path], target: str, catalogue: Catalogue, schema: str | None = None) -> Taken:
    """The tests in YAML files, in those of project folders, and in manifests. `schema` is that of models in YAML files.

    Raises Unreadable for a file that is no YAML or JSON, and if nothing in the paths is dbt's.
    """
    collector = Collector(target, catalogue)
    files = SchemaFiles(schema)
    tests: list[DbtTest | tuple[str, str]] = []
    for path in paths:
        if path.suffix.lower() == ".json":
            tests += _of_manifest(path, collector)
        elif not sum([files.read(file) for file in files_below([path], (".yml", ".yaml"), _NOT_OF_THE_PROJECT)]):
            raise Unreadable(
                f"{path}: holds no models, seeds, snapshots or sources of dbt; name schema.yml files or manifest.json"
            )
        elif path.is_dir():
            for place, words in losses_of_project(path):
                collector.lose(place, words)
            if (path / "target" / "manifest.json").is_file():
                collector.remark(f"{path}/target/manifest.json is there too, and is more exact where it is up to date")
    for place, words in files.losses:
        collector.lose(place, words)
    for relation in files.relations:
        if isinstance(relation.name, TableName):
            _describe(collector, relation.name, relation.entry)
    tests += files.tests()
    for guess in sorted(files.guesses):
        collector.remark(guess)
    _add(collector, tests)
    return collector.taken()


def _of_manifest(path: Path, collector: Collector) -> Iterable[DbtTest | tuple[str, str]]:
    manifest = Manifest(path)
    if manifest.adapter not in (None, "postgres"):
        collector.remark(f"{path} is of the adapter {manifest.adapter}; names and SQL are taken as PostgreSQL reads them")
    for table, node in manifest.documents():
        _describe(collector, table, node)
    return manifest.tests()


def _add(collector: Collector, tests: Iterable[DbtTest | tuple[str, str]]) -> None:
    made = []
    for test in tests:
        if isinstance(test, tuple):
            collector.lose(*test)
            continue
        try:
            rule = rule_of(test)
        except Lost as lost:
            collector.lose(test.place, str(lost))
            continue
        collector.add(test.table, rule, test.place, test.own_name or _name_of(test, rule))
        made.append((test, rule))
    for remark in remarks_about(made):
        collector.remark(remark)


def _name_of(test: DbtTest, rule: JsonObject) -> str:
    """What is readable: the column, or the columns, and the test."""
    columns = [rule["column"]] if rule.get("column") else rule.get("columns", [])
    return "_".join([*(columns or ([test.column] if test.column else [])), test.name.rpartition(".")[2]])


def _describe(collector: Collector, table: TableName, entry: JsonObject) -> None:
    """dbt passes on an empty table, so the document does. Owner and description are the model's."""
    config = entry.get("config")
    metas = [entry.get("meta"), config.get("meta") if isinstance(config, dict) else None]
    owner = next((meta["owner"] for meta in metas if isinstance(meta, dict) and isinstance(meta.get("owner"), str)), "")
    description = entry.get("description")
    text = description.strip() if isinstance(description, str) and not is_rendered(description) else ""
    collector.describe(table, description=text[:10_000], owner=owner[:200], on_empty="pass")
