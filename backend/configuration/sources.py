"""Where documents were last applied from, and the deletion of those that their source does not hold any more."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.configuration import watch_store
from database.keys import is_seen
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.layers import KINDS
from stringx_dataops.contract.documents.streams import Named, Stream
from stringx_dataops.contract.documents.watches import OF_ALL_TARGETS, WATCH_KINDS
from stringx_dataops.contract.problems import Conflict, FieldError, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
Change = dict[str, str]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/@:+#=-]{0,199}")
_ORDER = (
    "Route",
    "Schedule",
    "Channel",
    "Dataset",
    "Table",
    "RuleSet",
    "Defaults",
    "Target",
)  # in which documents are deleted: what others name comes last


@dataclass(frozen=True)
class Origin:
    """Where a stream comes from: the name of its source, if it has one; `prunes`: delete what the source holds no more."""

    source: str | None = None
    prunes: bool = False

    def require_source(self) -> None:
        """Raises Invalid if there is nothing to say what may be pruned."""
        if self.prunes and self.source is None:
            raise invalid([FieldError("/query/prune", "deletes what was applied from a source; give source, too")])


def source_name(text: str) -> str:
    """The text as the name of a source. Raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            "is no name of a source; write 1 to 200 letters, digits and . _ / @ : + # = - of ASCII, such as github.com/acme/rules"
        )
    return text


def sources_of(cursor: Cursor, names: Sequence[Named]) -> dict[Named, str]:
    """The sources of these documents; those without one are left out."""
    rows = cursor.all(SQL["of_names"], {"names": _as_json(names)})
    return {(row["kind"], row["name"]): row["source"] for row in rows}


def remember(cursor: Cursor, source: str, changes: list[Change], dry_run: bool) -> list[Change]:
    """The changes, with `taken_from` where a document comes from another source by now. Stores the source of each document."""
    names = [(change["kind"], change["name"]) for change in changes]
    before = sources_of(cursor, names)
    if not dry_run:
        cursor.run(SQL["remember"], {"names": _as_json(names), "source": source})
    earlier = [before.get(name, source) for name in names]
    return [change | ({"taken_from": other} if other != source else {}) for change, other in zip(changes, earlier, strict=True)]


def missing(cursor: Cursor, source: str, stream: Stream, datasets: Sequence[DatasetDocument]) -> list[Named]:
    """What was last applied from the source and is not in the stream, in the order in which it can be deleted.

    Left out are targets that are not empty then, and what the caller does not see. Raises Conflict if a dataset that stays names
    one of the tables.
    """
    names = [name for name, _ in stream.named()]
    names += [("Dataset", dataset.name) for dataset in datasets]
    rows = cursor.all(SQL["missing"], {"names": _as_json(names), "source": source})
    gone = [(row["kind"], row["name"]) for row in rows if _is_seen(row["kind"], row["target"])]
    paths = [name for kind, name in gone if kind == "Table"]
    _require_unnamed(cursor, gone, paths, datasets)
    targets = [name for kind, name in gone if kind == "Target"]
    layers = [f"{kind}/{name}" for kind, name in gone if kind in (*KINDS, *WATCH_KINDS)]
    rows = cursor.all(SQL["occupied_targets"], {"targets": targets, "paths": paths, "layers": layers})
    occupied = {row["target"] for row in rows}
    occupied |= {table.target for table in stream.tables} | {layer.target for layer in stream.layers.values()}
    occupied |= {watch.target for watch in stream.watches.values()}
    left = [name for name in gone if name[0] in _ORDER and not (name[0] == "Target" and name[1] in occupied)]
    return sorted(left, key=lambda name: (_ORDER.index(name[0]), name[1]))


def prune(gone: Sequence[Named], remove: Callable[[str, str], None], dry_run: bool) -> Iterator[Change]:
    """Deletes these documents, and says so."""
    for kind, name in gone:
        if not dry_run:
            remove(kind, name)
        yield {"kind": kind, "name": name, "change": "deleted"}


def _is_seen(kind: str, target: str | None) -> bool:
    if kind in OF_ALL_TARGETS:
        return watch_store.sees_all()
    return target is not None and is_seen(target)


def _require_unnamed(cursor: Cursor, gone: Sequence[Named], paths: list[str], datasets: Sequence[DatasetDocument]) -> None:
    here = {dataset.name: {f"{dataset.target}/{table}" for table in dataset.tables} for dataset in datasets}
    stored = [(row["name"], row["path"]) for row in cursor.all(SQL["naming_datasets"], {"paths": paths})] if paths else []
    kept = [(name, path) for name, path in stored if name not in here and ("Dataset", name) not in gone]
    kept += [(name, path) for name, tables in here.items() for path in sorted(tables & set(paths))]
    if kept:
        dataset, path = min(kept)
        more = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        raise Conflict(f"table {path} would be pruned, and dataset {dataset} names it{more}; take it out there first")


def _as_json(names: Sequence[Named]) -> Any:
    return json_value([{"kind": kind, "name": name} for kind, name in names])
