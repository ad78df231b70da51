"""Schedules, channels and routes of a stream: they are stored after all that they name."""

from collections.abc import Iterator, Sequence

from backend.configuration import watch_names, watch_store
from backend.configuration.watch_names import Beside, Names
from backend.configuration.watch_store import Before
from database.keys import Caller
from database.pool import Cursor
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.streams import Named, Stream
from stringx_dataops.contract.documents.watches import OF_ALL_TARGETS
from stringx_dataops.contract.problems import FieldError, FieldErrorJson


def require(caller: Caller, stream: Stream) -> None:
    """Raise Forbidden if the stream has channels or routes, and the caller may not change them."""
    require_for(caller, [(watch.kind, watch.name) for watch in stream.watches.values()])


def require_for(caller: Caller, names: Sequence[Named]) -> None:
    """The same for names of documents."""
    if any(kind in OF_ALL_TARGETS for kind, _ in names):
        caller.require("admin")
        caller.require_unlimited()


def faults(cursor: Cursor, stream: Stream, datasets: Sequence[DatasetDocument], before: Before) -> Iterator[FieldError]:
    """Names in them that neither the stream nor the configuration has, and names that are not free."""
    names = Names(cursor, _beside(stream, datasets))
    for pointer, watch in stream.watches.items():
        if before.is_taken(watch):
            yield FieldError(f"{pointer}/name", watch_store.taken(watch))
        yield from watch_names.faults(names, watch, pointer)
    yield from before.too_many(stream.watches)


def store(cursor: Cursor, stream: Stream, before: Before, caller: Caller, dry_run: bool) -> list[dict[str, str]]:
    """Store them, and return a change for each of the stream."""
    found = stream.watches.values()
    changes = [{"kind": watch.kind, "name": watch.name, "change": before.change(watch)} for watch in found]
    if not dry_run:
        watch_store.write(cursor, caller, found, before)
    return changes


def require_kept(cursor: Cursor, stream: Stream, datasets: Sequence[DatasetDocument], gone: Sequence[Named]) -> None:
    """Raise Conflict if a schedule or route names something that is pruned, or a dataset that leaves its target."""
    if datasets or gone:
        targets = {dataset.name: dataset.target for dataset in datasets}
        watch_names.require_kept(cursor, stream.watches.values(), targets, gone)


def notes(cursor: Cursor, stream: Stream, datasets: Sequence[DatasetDocument]) -> list[FieldErrorJson]:
    """What is no fault, but perhaps not meant: patterns that match nothing of what is configured."""
    beside = _beside(stream, datasets)
    found = (note for pointer, watch in stream.watches.items() for note in watch_names.notes(cursor, watch, beside, pointer))
    return [note.as_json() for note in found]


def _beside(stream: Stream, datasets: Sequence[DatasetDocument]) -> Beside:
    return Beside(
        targets=stream.targets,
        tables={(table.target, table.table) for table in stream.tables},
        datasets={dataset.name: dataset.target for dataset in datasets},
        channels={watch.name for watch in stream.watches.values() if watch.kind == "Channel"},
    )
