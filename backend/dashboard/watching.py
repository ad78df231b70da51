"""The documents of schedules, channels and routes as pages show them: their words, a beginning, the text, what fields mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import quote

from pydantic import BaseModel

from backend.configuration import watch_names
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.field_descriptions import DESCRIPTIONS
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.documents.watches import OF_ALL_TARGETS, Watch, WatchKind
from stringx_dataops.contract.documents.yaml_writing import document_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.keys import KeyScope
from stringx_dataops.contract.messages.pages import PageJson

_HEAD = "# Comments are not stored; a description is.\napiVersion: stringx/v1\n"
_SCHEDULE = """\
kind: Schedule
name: nightly
target: {target}
tables: ["public.*"]     # or table: schema.table, or dataset: NAME
cron: "0 6 * * *"        # minute, hour, day of the month, month, day of the week
timezone: UTC            # such as Europe/Berlin
# window: {{last: 1d}}     # only the rows of the day before
"""
_CHANNEL = """\
kind: Channel
name: team-slack
type: apprise                  # or webhook
url_env: NOTIFY_TEAM_SLACK     # the variable that holds the address; or url_file: notify_team_slack
# digest: weekly
"""
_ROUTE = """\
kind: Route
name: everything
channel: {channel}
on: [closed, opened, missed]   # also: warn, error, stale
# target: nyc                  # all of these are optional; a change has to fit all that are given
# tables: ["public.*"]
# owner: data-platform
# tags: [core]
repeat_after: 24h              # or off
# quiet: {{from: "22:00", to: "07:00", timezone: Europe/Berlin}}
"""


@dataclass(frozen=True)
class Sort:
    """A kind of document on pages. `place` is the folder of its addresses, `list_url` the page that lists it, `heading` that
    page's title; `here` names the navigation's link. `deleted` says what deleting it means."""

    kind: WatchKind
    word: str
    place: str
    list_url: str
    heading: str
    here: str
    model: type[BaseModel]
    beginning: str
    deleted: str

    @property
    def is_of_all_targets(self) -> bool:
        """Whether only those see it who administer without limits."""
        return self.kind in OF_ALL_TARGETS

    @property
    def scope(self) -> KeyScope:
        """Of those who may change it."""
        return "admin" if self.is_of_all_targets else "configure"

    def url(self, name: str) -> str:
        """The page of one."""
        return f"/{self.place}/{quote(name, safe='')}"

    def text(self, document: JsonObject, catalogue: Catalogue) -> str:
        """The document as YAML, its fields in the usual order."""
        names = [field.alias or name for name, field in self.model.model_fields.items()]
        text = document_as_yaml({name: document[name] for name in names if name in document}, catalogue)
        return text.replace("\n'on':", "\non:")  # it is quoted for readers of YAML 1.1, and Backend and command are none

    def first_text(self, names: Mapping[str, str]) -> str:
        """The beginning of a new one."""
        return _HEAD + self.beginning.format_map(names)

    def fields(self) -> list[tuple[str, str]]:
        """Each field with what it means; those of an object behind it, such as `window.last`."""
        return list(_fields(self.model))


SORTS = (
    Sort(
        "Schedule",
        "schedule",
        "schedules",
        "/schedules",
        "Schedules",
        "schedules",
        ScheduleDocument,
        _SCHEDULE,
        "It runs no more. Checks that it has asked for go on, and stay in the history.",
    ),
    Sort(
        "Channel",
        "channel",
        "channels",
        "/channels",
        "Channels",
        "channels",
        ChannelDocument,
        _CHANNEL,
        "Nobody is told by it any more, and its messages that wait are not sent. A channel that a route names cannot be deleted.",
    ),
    Sort(
        "Route",
        "route",
        "routes",
        "/channels",
        "Channels",
        "channels",
        RouteDocument,
        _ROUTE,
        "Its channel is told no more of what this route took, unless another route takes it, too.",
    ),
)


def _fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    known = DESCRIPTIONS.get(model.__name__, {})
    for name, field in model.model_fields.items():
        written = field.alias or name
        yield f"{path}{written}", known.get(written, "")
        for each in get_args(field.annotation):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from _fields(each, f"{path}{written}.")


BY_PLACE = {sort.place: sort for sort in SORTS}
BY_WORD = {sort.word: sort for sort in SORTS}


def notes(database: Database, watch: Watch) -> list[str]:
    """What a person may want to know of a document: patterns that match nothing."""
    with database.transaction() as cursor:
        return [f"{each.message}." for each in watch_names.notes(cursor, watch, watch_names.Beside())]


def name_in(value: Any) -> str:
    """The name that a document gives itself; empty for none."""
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""


def version_rows(sort: Sort, found: PageJson, catalogue: Catalogue) -> list[dict[str, Any]]:
    """Versions as rows, each with its text and what it changed; `text` is None for a deletion."""
    items = found["items"]
    rows = []
    for index, each in enumerate(items):
        document, is_last = each["document"], index + 1 == len(items)
        if is_last and found["next_cursor"] is not None:
            words = "the text"
        else:
            words = _changes(None if is_last else items[index + 1]["document"], document or {})
        rows.append(each | {"text": document and sort.text(document, catalogue), "words": words})
    return rows


def _changes(before: JsonObject | None, now: JsonObject) -> str:
    """What differs between two versions, in words."""
    if before is None:
        return "created"
    names = [name for name in dict.fromkeys([*before, *now]) if before.get(name) != now.get(name)]
    return f"changed {', '.join(names)}" if names else "the same"
