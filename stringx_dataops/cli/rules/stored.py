"""What the Backend has stored: its whole configuration, one document with its version, its versions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from stringx_dataops.client import Client, Refused, Undecided, path_of, require
from stringx_dataops.contract.documents.differences import Defaults
from stringx_dataops.contract.documents.streams import Named, name_of
from stringx_dataops.contract.json_types import JsonObject

_PAGES = 100_000  # more than any list has
_JSON = {"Content-Type": "application/json"}
# Options that name a document other than that of a table: its kind, the collection in the API, and what `--help` calls it.
OTHERS = {
    "dataset": ("Dataset", "datasets", "this dataset"),
    "target": ("Target", "targets", "this target"),
    "rule_set": ("RuleSet", "rule-sets", "this rule set"),
    "defaults": ("Defaults", "defaults", "the defaults of this target"),
    "schedule": ("Schedule", "schedules", "this schedule"),
    "channel": ("Channel", "channels", "this channel"),
    "route": ("Route", "routes", "this route"),
}


@dataclass(frozen=True)
class Subject:
    """A document by its name."""

    kind: str
    name: str  # of a table TARGET/TABLE
    path: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Stored:
    """A document as it is stored, and where it was last applied from."""

    document: JsonObject
    source: str | None


def subject_of(words: Sequence[str], named: Mapping[str, str | None]) -> Subject:
    """TARGET TABLE, or the document that one of the options of `OTHERS` names. Raises UsageError unless it is exactly one."""
    given = [(option, name) for option, name in named.items() if name is not None]
    if len(given) + bool(words) != 1:
        forms = ", ".join(f"--{option.replace('_', '-')} NAME" for option in OTHERS)
        raise click.UsageError(f"name one document: TARGET TABLE, or one of {forms}")
    if given:
        ((option, name),) = given
        kind, plural, _ = OTHERS[option]
        return Subject(kind, name, path_of(plural, name))
    if len(words) != 2:
        raise click.UsageError(f"{len(words)} words are given; name one document: TARGET TABLE")
    return Subject("Table", "/".join(words), path_of("tables", *words))


@dataclass(frozen=True)
class Configuration:
    """Every document, by kind and name, and the kinds that the key does not see."""

    documents: dict[Named, Stored]
    hidden: frozenset[str] = frozenset()


def configuration(client: Client) -> Configuration:
    """All that is stored and that the key sees."""
    found: dict[Named, Stored] = {}
    hidden: set[str] = set()
    for page in _pages(client, path_of("configuration")):
        sources = page.get("sources") or [None] * len(page["items"])  # a release that does not know sources
        hidden |= set(page.get("hidden") or ())
        for document, source in zip(page["items"], sources, strict=True):
            if (name := name_of(document)) is not None:
                found[name] = Stored(document, source)
    return Configuration(found, frozenset(hidden))


def versions(client: Client, subject: Subject) -> Iterator[JsonObject]:
    """Its versions, newest first."""
    for page in _pages(client, f"{subject.path}/versions"):
        yield from page["items"]


def version(client: Client, subject: Subject, number: int) -> JsonObject:
    """One of its versions. Raises Refused."""
    for item in versions(client, subject):
        if item["version"] == number:
            return item
        if item["version"] < number:
            break
    raise Refused([f"{subject} has no version {number}; dataops rules versions lists them"], [])


def find(client: Client, subject: Subject) -> tuple[JsonObject | None, str]:
    """The document and its version as the value of If-Match; None and version 0 if it is not configured."""
    answer = client.exchange("GET", subject.path, accepts=(404,))
    if answer.status == 404:
        return None, '"0"'
    document, etag = answer.content, answer.headers.get("ETag")
    if not isinstance(document, dict) or etag is None:
        raise Undecided(f"{client.server} is no StringX Backend (its answer has no ETag); {client.advice}")
    return document, etag


def defaults(client: Client, subject: Subject) -> Defaults:
    """Those of the target of a table, before a change of its document and after."""
    if subject.kind != "Table":
        return {}, {}
    answer = client.exchange("GET", path_of("defaults", subject.name.partition("/")[0]), accepts=(404,))
    found: JsonObject = answer.content if answer.status != 404 and isinstance(answer.content, dict) else {}
    return found, found


def put(client: Client, subject: Subject, document: JsonObject, if_match: str) -> str:
    """Stores the document, and returns its version. Raises Refused, also if it is another version by now."""
    body = json.dumps(document, ensure_ascii=False).encode()
    answer = client.exchange("PUT", subject.path, 120, data=body, headers=_JSON | {"If-Match": if_match})
    return str(answer.headers.get("ETag", "")).strip('W/"')


def delete(client: Client, subject: Subject, if_match: str) -> None:
    """Deletes the document. Raises Refused, also if it is another version by now."""
    client.exchange("DELETE", subject.path, headers={"If-Match": if_match})


def _pages(client: Client, path: str) -> Iterator[JsonObject]:
    query: dict[str, Any] = {}
    for _ in range(_PAGES):
        page = require(client, client.get(path, query, 120), "items", "next_cursor")
        yield page
        if page["next_cursor"] is None:
            return
        query = {"cursor": page["next_cursor"]}
