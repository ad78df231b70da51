"""Suggestions that a person ticks: which are recommended, the document with them, and storing it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.configuration import editing, store
from backend.configuration.editing import Version
from backend.configuration.versions import Stored
from backend.dashboard import documents
from backend.dashboard.documents import Shown
from backend.dashboard.service import Dashboard
from database.keys import Caller
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile
from stringx_dataops.suggestions import Suggestion, document_with

RECOMMENDED = 0.7  # from this value on


@dataclass(frozen=True)
class Accepted:
    """The document with the rules that were chosen. `opened`: the version that storing it replaces, 0 for none. `gone`: ids that
    are not suggested any more, because the document has such a rule by now."""

    document: JsonObject
    opened: int
    chosen: list[Suggestion]
    gone: list[str]
    newest: Version | None
    shown: Shown


def is_recommended(found: Suggestion) -> bool:
    """Whether it is ticked from the beginning: it is worth something, and would have passed now and on every profile before."""
    said = [found.on_this.status, *(each.status for each in found.on_profiles)]
    return found.value >= RECOMMENDED and said[0] == "pass" and not {"fail", "warn"} & set(said)


def ticked(suggestions: Sequence[Suggestion], which: str) -> set[str]:
    """The ids that are ticked: `all`, `none`, or else those that are recommended."""
    if which == "none":
        return set()
    return {each.id for each in suggestions if which == "all" or is_recommended(each)}


def accept(service: Dashboard, profile: Profile, suggestions: Sequence[Suggestion], ids: Collection[str]) -> Accepted:
    """The document as storing it would leave it. Invalid if the rules do not fit into it."""
    database, catalogue = service.database, service.catalogue
    name = (profile.target, profile.table)
    newest = editing.find_version(database, name)
    before = newest.document if newest is not None else None
    chosen = [each for each in suggestions if each.id in ids]
    written = document_with(before, profile, chosen)
    document = as_json(store.check_table(database, catalogue, name, written)) if chosen else written
    shown = documents.shown_difference(before, document, catalogue, editing.defaults(database, profile.target))
    known = {each.id for each in chosen}
    opened = newest.version if newest is not None and newest.document is not None else 0
    return Accepted(document, opened, chosen, sorted(set(ids) - known), newest, shown)


def save(service: Dashboard, caller: Caller, profile: Profile, document: JsonObject, opened: int) -> Stored:
    """Store the document in place of the version `opened`. PreconditionFailed if there is another one by now."""
    name = (profile.target, profile.table)
    return store.put_table(service.database, service.catalogue, caller, name, document, f'"{opened}"')
