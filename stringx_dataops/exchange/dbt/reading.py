"""Reads dbt tests: `schema.yml` files, project folders, and `manifest.json`."""

from collections.abc import Sequence
from pathlib import Path

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import files_below, read_yaml_file
from stringx_dataops.exchange.model import Taken


def read(paths: Sequence[Path], target: str, catalogue: Catalogue, schema: str | None = None) -> Taken:
    """The tests of the files and folders. Raises Unreadable for a file that is no YAML or JSON."""
    collector = Collector(target, catalogue)
    for path in files_below(paths, (".yml", ".yaml")):
        read_yaml_file(path)
    return collector.taken()
