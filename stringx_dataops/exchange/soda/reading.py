"""Soda's files: SodaCL of Soda 3 and contracts of Soda 4, told apart by their fields."""

from collections.abc import Sequence
from pathlib import Path

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import Mapping, files_below, read_yaml_file
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.soda.contracts import Contract
from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.soda.sodacl import SodaCL

_ENDS = (".yml", ".yaml")


def read(paths: Sequence[Path], target: str, catalogue: Catalogue, schema: str | None = None) -> Taken:
    """The checks of YAML files, or of folders of such. Raises Unreadable."""
    collector = Collector(target, catalogue)
    files = files_below(paths, _ENDS)
    if not files:
        raise Unreadable(
            f"{', '.join(map(str, paths))}: holds no file that ends in .yml or .yaml; give Soda's checks or contracts"
        )
    soda = SodaCL(collector, schema or "public")
    seen: set[Path] = set()
    for path in paths:
        contracts, soda.is_found = 0, False
        own = files_below([path], _ENDS)
        for file in own:
            if file in seen:
                continue
            for document in read_yaml_file(file, core=True):
                if not isinstance(document, Mapping):
                    raise Unreadable(
                        f"{file}:1: is no mapping; give a file of `checks for TABLE:`, or a contract with `dataset:`"
                    )
                if "dataset" in document:
                    contracts += 1
                    _add_contract(collector, schema or "public", str(file), document)
                else:
                    soda.read(str(file), document)
        if not contracts and not soda.is_found and seen.isdisjoint(own):
            raise Unreadable(f"{path}: holds no checks of Soda (`checks for TABLE:`, or a contract with `dataset:`)")
        seen.update(own)
    soda.add()
    return collector.taken()


def _add_contract(collector: Collector, schema: str, file: str, document: Mapping) -> None:
    try:
        Contract(collector, schema, file, document).add()
    except NotUnderstood as error:
        collector.lose(f"{file}:{document.line}", f"the contract is not taken up: {error}")
