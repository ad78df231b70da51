"""Schedules, channels and routes as loops read them: parsed, and read again only after a change."""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from pydantic import BaseModel

from backend.configuration.versions import read_stored
from database.pool import Cursor
from database.queries import load_queries
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.schedules import ScheduleDocument

SQL = load_queries(Path(__file__).with_suffix(".sql"))
M = TypeVar("M", bound=BaseModel)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watching(Generic[M]):
    """A document as it is configured now. `updated_at`: when this version was stored."""

    document: M
    version: int
    updated_at: datetime


class _Cache(Generic[M]):
    """The documents of a kind as of the last change that was seen. The token of a change is random, so databases differ."""

    def __init__(self, kind: str, model: type[M]) -> None:
        self._kind, self._model = kind, model
        self._lock = Lock()
        self._token: str | None = None
        self._found: tuple[Watching[M], ...] = ()

    def read(self, cursor: Cursor) -> tuple[Watching[M], ...]:
        row = cursor.one(SQL["token"], {"kind": self._kind})
        token = row["token"] if row else None
        with self._lock:
            if token is not None and token == self._token:
                return self._found
        found = []
        for stored in cursor.all(SQL["documents"], {"kind": self._kind}):  # not older than the token
            document = read_stored(self._model, stored["document"])
            if document is None:
                log.warning("a %s is left out: another release stored it, and this one cannot read it", self._kind)
                continue
            found.append(Watching(document, stored["version"], stored["updated_at"]))
        with self._lock:
            self._token, self._found = token, tuple(found)
            return self._found


_SCHEDULES = _Cache("Schedule", ScheduleDocument)
_CHANNELS = _Cache("Channel", ChannelDocument)
_ROUTES = _Cache("Route", RouteDocument)


def schedules(cursor: Cursor) -> tuple[Watching[ScheduleDocument], ...]:
    """All schedules, inactive ones too, sorted by name."""
    return _SCHEDULES.read(cursor)


def channels(cursor: Cursor) -> tuple[Watching[ChannelDocument], ...]:
    """All channels, inactive ones too, sorted by name."""
    return _CHANNELS.read(cursor)


def routes(cursor: Cursor) -> tuple[Watching[RouteDocument], ...]:
    """All routes, inactive ones too, sorted by name."""
    return _ROUTES.read(cursor)
