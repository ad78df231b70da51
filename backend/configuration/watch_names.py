"""What schedules and routes name: whether it is configured, and what may therefore not be deleted."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from database.configuration import target_names
from database.keys import is_seen
from database.pool import Cursor
from database.queries import load_queries
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.documents.globs import matches, postgres_pattern
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.documents.streams import Named
from stringx_dataops.contract.documents.watches import Watch
from stringx_dataops.contract.problems import Conflict, FieldError

SQL = load_queries(Path(__file__).with_name("watch_store.sql"))
_MOST_NAMED = 10  # schedules or routes in one message


@dataclass(frozen=True)
class Beside:
    """What the same stream of documents will configure: it counts as configured."""

    targets: Collection[str] = ()
    tables: Collection[tuple[str, str]] = ()
    datasets: Mapping[str, str] = field(default_factory=dict)  # by name their target
    channels: Collection[str] = ()


class Names:
    """The names that are configured. Each kind is looked up once, because a stream may have thousands of schedules."""

    def __init__(self, cursor: Cursor, beside: Beside | None = None) -> None:
        self.cursor, self._beside = cursor, beside or Beside()
        self._tables: dict[str, set[str]] = {}

    @cached_property
    def targets(self) -> set[str]:
        """The targets that the caller sees."""
        return {name for name in (*target_names(self.cursor), *self._beside.targets) if is_seen(name)}

    @cached_property
    def channels(self) -> set[str]:
        """All channels."""
        return {row["name"] for row in self.cursor.all(SQL["names"], {"kind": "Channel", "seen": None})} | set(
            self._beside.channels
        )

    def tables(self, target: str) -> set[str]:
        """The tables of a target."""
        if target not in self._tables:
            rows = self.cursor.all(SQL["named_tables"], {"target": target})
            here = {table for of, table in self._beside.tables if of == target}
            self._tables[target] = {row["table_name"] for row in rows} | here
        return self._tables[target]

    def without_window_column(self, document: ScheduleDocument) -> list[str]:
        """The tables that the schedule names and whose document has no `window_column`; those of the stream are left out."""
        dataset = document.dataset if document.dataset not in self._beside.datasets else None
        asked = {"target": document.target, "table": document.table, "dataset": dataset}
        found = [row["table_name"] for row in self.cursor.all(SQL["without_window_column"], asked)]
        return [table for table in found if (document.target, table) not in self._beside.tables]

    def target_of_dataset(self, name: str) -> str | None:
        """The target of a dataset; None if the caller sees no such dataset."""
        if name in self._beside.datasets:
            return self._beside.datasets[name]
        row = self.cursor.one(SQL["target_of_dataset"], {"name": name})
        return row["target"] if row is not None and is_seen(row["target"]) else None


@dataclass(frozen=True)
class _Reference:
    """A schedule or route, and the documents that it names."""

    of: Named
    names: tuple[Named, ...]
    target: str | None

    @property
    def words(self) -> str:
        return f"{self.of[0].lower()} {self.of[1]}"


def faults(names: Names, watch: Watch, pointer: str = "") -> Iterator[FieldError]:
    """A fault for each name in it that is not configured."""
    document = watch.document
    if isinstance(document, ChannelDocument):
        return
    has_target = document.target is None or document.target in names.targets
    if not has_target:
        similar = did_you_mean(str(document.target), names.targets) or "; send its document first"
        yield FieldError(f"{pointer}/target", f"there is no target {document.target}{similar}")
    if isinstance(document, RouteDocument) and document.channel not in names.channels:
        similar = did_you_mean(document.channel, names.channels) or "; send its document first"
        yield FieldError(f"{pointer}/channel", f"there is no channel {document.channel}{similar}")
    if isinstance(document, ScheduleDocument) and has_target:
        yield from _faults_of_schedule(names, document, pointer)


def _faults_of_schedule(names: Names, document: ScheduleDocument, pointer: str) -> Iterator[FieldError]:
    target, table, dataset = document.target, document.table, document.dataset
    if table is not None and table not in names.tables(target):
        similar = did_you_mean(table, names.tables(target)) or "; send its document first"
        yield FieldError(f"{pointer}/table", f"{table} is not configured on target {target}{similar}")
    of = names.target_of_dataset(dataset) if dataset is not None else target
    if of is None:
        yield FieldError(f"{pointer}/dataset", f"there is no dataset {dataset}; send its document first")
    elif of != target:
        yield FieldError(f"{pointer}/dataset", f"{dataset} is a dataset of target {of}, and the schedule is of target {target}")
    elif document.window is not None and document.window.column is None and (lacking := names.without_window_column(document)):
        tables = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        yield FieldError(f"{pointer}/window/column", f"is missing; name a column here, or give {tables} a window_column")


def notes(cursor: Cursor, watch: Watch, beside: Beside, pointer: str = "") -> Iterator[FieldError]:
    """A note for each pattern that matches nothing that is configured now, or will be by the same stream, and for each variable
    of a channel that is not set where this Backend runs."""
    document = watch.document
    if isinstance(document, ChannelDocument):
        for field, variable in (("url_env", document.url_env), ("secret_env", document.secret_env)):
            if variable is not None and not (os.environ.get(variable) or os.environ.get(f"{variable}_FILE")):
                words = f"{variable} is not set where the Backend runs; set it and start the service again"
                yield FieldError(f"{pointer}/{field}", words)
        return
    if document.tables is None:
        return
    with_datasets = isinstance(document, RouteDocument)
    here = [table for target, table in beside.tables if document.target in (None, target)]
    here += [name for name, target in beside.datasets.items() if with_datasets and document.target in (None, target)]
    asked = {"patterns": [postgres_pattern(glob) for glob in document.tables], "target": document.target}
    what = "configured table or dataset" if with_datasets else "configured table"
    of = f" of target {document.target}" if document.target is not None else ""
    for row in cursor.all(SQL["matching_nothing"], asked | {"with_datasets": with_datasets}):
        place = row["place"] - 1
        if any(matches(name, [document.tables[place]]) for name in here):
            continue
        yield FieldError(f"{pointer}/tables/{place}", f"{document.tables[place]} matches no {what}{of} yet")


def require_unnamed(cursor: Cursor, named: Named) -> None:
    """Raise Conflict if a schedule or route names this document: a table as TARGET/TABLE, a dataset, a channel."""
    found = [each for each in _stored(cursor) if named in each.names]
    if found:
        raise Conflict(f"{_words(named)} is named by {_list(found)}; change or delete {_it(found)} first")


def require_free_target(cursor: Cursor, name: str) -> None:
    """Raise Conflict if a schedule or route is of this target."""
    found = [each for each in _stored(cursor) if each.target == name]
    if found:
        raise Conflict(f"target {name} is named by {_list(found)}; change or delete {_it(found)} first")


def require_target_of_dataset(cursor: Cursor, dataset: str, target: str) -> None:
    """Raise Conflict if a schedule checks the dataset on another target."""
    found = [each for each in _stored(cursor) if ("Dataset", dataset) in each.names and each.target != target]
    if found:
        raise Conflict(
            f"{_list(found)} checks dataset {dataset} on target {found[0].target}; change or delete {_it(found)} first"
        )


def require_kept(cursor: Cursor, here: Iterable[Watch], datasets: Mapping[str, str], gone: Sequence[Named]) -> None:
    """The same for a whole stream. `here` are its schedules and routes, `datasets` the targets of its datasets, `gone` what is
    pruned. Raises Conflict."""
    mine = [_reference(watch) for watch in here]
    replaced = {each.of for each in mine} | set(gone)
    for each in [*mine, *(other for other in _stored(cursor) if other.of not in replaced)]:
        for named in each.names:
            if named in gone:
                raise Conflict(f"{_words(named)} would be pruned, and {each.words} names it; change that first")
            if named[0] == "Dataset" and datasets.get(named[1], each.target) != each.target:
                raise Conflict(f"{each.words} checks {_words(named)} on target {each.target}; change or delete it first")


def _stored(cursor: Cursor) -> list[_Reference]:
    return [
        _referring(row["kind"], row["name"], row["target"], row["table_name"], row["dataset"], row["channel"])
        for row in cursor.all(SQL["references"])
    ]


def _reference(watch: Watch) -> _Reference:
    document = watch.document
    if isinstance(document, ScheduleDocument):
        return _referring(watch.kind, watch.name, document.target, document.table, document.dataset, None)
    channel = document.channel if isinstance(document, RouteDocument) else None
    return _referring(watch.kind, watch.name, watch.target, None, None, channel)


def _referring(
    kind: str, name: str, target: str | None, table: str | None, dataset: str | None, channel: str | None
) -> _Reference:
    given = (("Table", f"{target}/{table}" if table else None), ("Dataset", dataset), ("Channel", channel))
    return _Reference((kind, name), tuple((each, named) for each, named in given if named is not None), target)


def _words(named: Named) -> str:
    return f"{named[0].lower()} {named[1]}"


def _list(found: Sequence[_Reference]) -> str:
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(each.words for each in found[:_MOST_NAMED]) + more


def _it(found: Sequence[_Reference]) -> str:
    return "it" if len(found) == 1 else "them"
