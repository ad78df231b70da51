"""What people need to see and change a table's document: its versions with what they changed, and a text checked and saved."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.configuration import effective, store
from backend.configuration.versions import Stored
from database.configuration import Refusals
from database.keys import Caller, is_seen
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.differences import Difference, difference
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Malformed, NotFound, TooLarge

SQL = load_queries(Path(__file__).with_suffix(".sql"))
TableName = tuple[str, str]  # target and table


@dataclass(frozen=True)
class Change:
    """A version of a table's document, and who made it."""

    version: int
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Version(Change):
    """A version with its document, which is None for a deletion."""

    document: JsonObject | None


@dataclass(frozen=True)
class VersionSummary(Change):
    """A version in a list, with its difference from the version before. `what` is `created`, `deleted` or `changed`.
    `from_layers`: what differs in the effective document where the document itself is the same; None if that is not known."""

    what: str
    difference: Difference
    from_layers: Difference | None = None


def changes(database: Database, name: TableName, limit: int) -> list[Change]:
    """The newest versions, at most so many; empty if the table was never configured."""
    with database.transaction() as cursor:
        return [Change(**row) for row in cursor.all(SQL["changes"], _named(name) | {"limit": limit})]


def find_version(database: Database, name: TableName, version: int | None = None) -> Version | None:
    """This version, or the newest. None if there is no such version. NotFound if there is no such target."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["version"], _named(name) | {"version": version})
        if row is None and cursor.one(store.SQL["find_target"], {"name": name[0]}) is None:
            raise Refusals(cursor).target(name[0])
    return None if row is None else Version(**row)


def summaries(database: Database, catalogue: Catalogue, name: TableName, page: Page) -> tuple[list[VersionSummary], str | None]:
    """A page of versions, newest first, and the cursor of the next. NotFound if there never was such a table."""
    found = store.versions(database, *name, page)
    items: list[dict[str, Any]] = found["items"]
    oldest = items[-1]["version"]
    before = find_version(database, name, oldest - 1) if oldest > 1 else None
    documents = [item["document"] for item in items] + [before.document if before else None]
    made = [_summary(item, earlier, catalogue) for item, earlier in zip(items, documents[1:], strict=True)]
    return _with_layers(database, name, made, catalogue), found["next_cursor"]


def _summary(item: dict[str, Any], earlier: JsonObject | None, catalogue: Catalogue) -> VersionSummary:
    document = item["document"]
    what = "deleted" if document is None else "created" if earlier is None else "changed"
    found = difference(earlier or {}, document or {}, catalogue) if what == "changed" else Difference((), ())
    at = datetime.fromisoformat(item["changed_at"])
    return VersionSummary(item["version"], item["changed_by"], at, what, found)


def _with_layers(database: Database, name: TableName, made: list[VersionSummary], catalogue: Catalogue) -> list[VersionSummary]:
    """The versions, with what defaults and rule sets have changed."""
    unclear = {each.version for each in made if each.what == "changed" and each.difference.is_none}
    wanted = unclear | {version - 1 for version in unclear}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["effective"], _named(name) | {"versions": sorted(wanted)}) if wanted else []
    documents = {row["version"]: row["document"] for row in rows}
    return [
        replace(each, from_layers=difference(documents[each.version - 1], documents[each.version], catalogue))
        if each.version in unclear and documents.get(each.version) and documents.get(each.version - 1)
        else each
        for each in made
    ]


def defaults(database: Database, target: str) -> JsonObject | None:
    """The defaults of a target as they are now."""
    with database.transaction() as cursor:
        return effective.load(cursor, [target])[target].defaults


def targets(database: Database) -> list[str]:
    """The names of the targets, at most 1,000."""
    with database.transaction() as cursor:
        return [row["name"] for row in cursor.all(SQL["targets"]) if is_seen(row["name"])]


def check_text(database: Database, catalogue: Catalogue, name: TableName, text: str) -> JsonObject:
    """The document that saving the YAML text would store. Raises Malformed, TooLarge or Invalid."""
    return as_json(store.check_table(database, catalogue, name, read_text(text)))


def save_text(database: Database, catalogue: Catalogue, caller: Caller, name: TableName, text: str, opened: int) -> Stored:
    """Store the YAML text as `store.put_table` does. `opened` is the version that the text was made of, 0 for none. Raises the
    same errors, and PreconditionFailed if another version is stored by now."""
    return store.put_table(database, catalogue, caller, name, read_text(text), f'"{opened}"')


def read_text(text: str) -> Any:
    """The one document of a YAML text. Raises TooLarge, Malformed or Invalid."""
    body = text.encode(errors="surrogatepass")
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the document is over {MAX_BODY_BYTES // 1024:,} KiB; make it shorter")
    documents = read_yaml(body)
    if len(documents) != 1:
        found = f"{len(documents)} documents" if documents else "no document"
        raise Malformed(f"the text holds {found}; write exactly one")
    return documents[0]


def stored_version(database: Database, name: TableName, version: int) -> Version:
    """This version. Raises NotFound."""
    found = find_version(database, name, version)
    if found is None:
        raise NotFound(f"table {name[1]} of target {name[0]} has no version {version}")
    return found


def _named(name: TableName) -> dict[str, Any]:
    return {"target": name[0], "table": name[1]}
