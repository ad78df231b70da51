"""Documents of schedules, channels and routes: written, changed, deleted, and their versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import editing, watch_names
from backend.configuration import watch_store as store
from backend.configuration.versions import with_defaults
from backend.dashboard import forms, watching
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.dashboard.watching import Sort
from stringx_dataops.contract.documents.watches import parse_watch
from stringx_dataops.contract.documents.yaml_lines import Fault, faults_in_lines
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import (
    Busy,
    Conflict,
    FieldError,
    Invalid,
    Malformed,
    NotFound,
    PreconditionFailed,
    StringXError,
    TooLarge,
    invalid,
)

_AT_ONCE = 2  # validations while people type
_VERSIONS = 20
_REFUSED = (Malformed, TooLarge, Invalid, Conflict)


@dataclass(frozen=True)
class _Sheet:
    """What the editor shows. `opened` is the version that saving replaces, 0 for none; `faults` is None if nobody looked;
    `stored`: the text that somebody else has saved."""

    text: str
    opened: int
    faults: list[Fault] | None = None
    notes: Sequence[str] = ()
    stored: str | None = None
    is_posted: bool = False


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of the three kinds."""
    database = service.database
    validations = BoundedSemaphore(_AT_ONCE)

    @routes.get("/new/<word>")
    def new_document(word: str) -> Response:
        sort = _sort(watching.BY_WORD, word)
        text = sort.first_text(_names(service) | {name: request.args[name][:63] for name in ("channel",) if name in request.args})
        return _editor(sort, None, _Sheet(text, 0))

    @routes.post("/new/<word>")
    def create_document(word: str) -> BaseResponse:
        return _answer(service, _sort(watching.BY_WORD, word), None)

    @routes.post("/new/<word>/validate")
    def validate_new_document(word: str) -> Response:
        return _validated(service, validations, _sort(watching.BY_WORD, word), None)

    @routes.get("/<any(schedules, channels, routes):place>/<name>/edit")
    def edit_document(place: str, name: str) -> Response:
        sort = _sort(watching.BY_PLACE, place)
        stored = store.find(database, sort.kind, name)
        document, notes = stored.document, []
        if (version := _number(request.args.get("version", ""), "/query/version")) and version != stored.version:
            document = _document_of(service, sort, name, version)
            notes.append(f"This is the text of version {version}. It holds again once you save it.")
        return _editor(sort, name, _Sheet(sort.text(document, service.catalogue), stored.version, notes=notes))

    @routes.post("/<any(schedules, channels, routes):place>/<name>/edit")
    def save_document(place: str, name: str) -> BaseResponse:
        return _answer(service, _sort(watching.BY_PLACE, place), name)

    @routes.post("/<any(schedules, channels, routes):place>/<name>/edit/validate")
    def validate_document(place: str, name: str) -> Response:
        sort = _sort(watching.BY_PLACE, place)
        store.find(database, sort.kind, name)
        return _validated(service, validations, sort, name)

    @routes.get("/<any(schedules, channels, routes):place>/<name>/edit/versions")
    def document_versions(place: str, name: str) -> Response:
        sort = _sort(watching.BY_PLACE, place)
        found = store.versions(database, sort.kind, name, wanted(store.VERSIONS[sort.kind], _VERSIONS))
        return page(
            "document_versions.html",
            here=sort.here,
            sort=sort,
            name=name,
            page_url=sort.url(name),
            versions=watching.version_rows(sort, found, service.catalogue),
            next=next_page(found),
        )

    @routes.get("/<any(schedules, channels, routes):place>/<name>/delete")
    def ask_to_delete(place: str, name: str, error: StringXError | None = None) -> Response:
        sort = _sort(watching.BY_PLACE, place)
        stored = store.find(database, sort.kind, name)
        return page(
            "document_delete.html",
            error.status if error else 200,
            here=sort.here,
            sort=sort,
            name=name,
            page_url=sort.url(name),
            stored=stored,
            fault=_in_words(error) if error else "",
        )

    @routes.post("/<any(schedules, channels, routes):place>/<name>/delete")
    def delete_document(place: str, name: str) -> BaseResponse:
        sort = _sort(watching.BY_PLACE, place)
        try:
            store.delete(database, g.caller, sort.kind, name, f'"{_opened(forms.fields())}"')
        except (Conflict, Invalid, PreconditionFailed) as error:
            return ask_to_delete(place, name, error)
        return redirect(sort.list_url, 303)


def _answer(service: Dashboard, sort: Sort, name: str | None) -> BaseResponse:
    """What was typed: validated, or saved."""
    sent = forms.fields()
    text, opened = sent.get(forms.TEXT, "").replace("\r\n", "\n"), _opened(sent)
    if name is not None and not _is_there(service, sort, name):
        words = f"There is no {sort.word} {name}, or not any more. Your text is still here: saving it makes a new one."
        return _editor(sort, None, _Sheet(text, 0, notes=[words], is_posted=True), NotFound.status)
    if sent.get("action") != "save":
        return _editor(sort, name, _Sheet(text, opened, _faults(service, sort, name, text), is_posted=True))
    try:
        value = editing.read_text(text)
        named = name or _require_name(value)
        stored = store.put(service.database, g.caller, sort.kind, named, value, f'"{opened}"')
    except _REFUSED as error:
        sheet = _Sheet(text, opened, faults_in_lines(error, text), is_posted=True)
        return _editor(sort, name, sheet, error.status)
    except PreconditionFailed as error:
        return _editor(sort, name, _conflict(service, sort, name or watching.name_in(value), text), error.status)
    return redirect(f"{sort.url(named)}?saved={stored.version}", 303)


def _conflict(service: Dashboard, sort: Sort, name: str, text: str) -> _Sheet:
    """Somebody else has saved it since the text was opened, or there is one of this name."""
    now = store.find(service.database, sort.kind, name)
    words = f"Nothing was saved: version {now.version} of {sort.word} {name} is stored by now. Your text is still here; "
    words += "saving it now replaces what is stored:"
    return _Sheet(text, now.version, [], [words], sort.text(now.document, service.catalogue), is_posted=True)


def _is_there(service: Dashboard, sort: Sort, name: str) -> bool:
    try:
        store.find(service.database, sort.kind, name)
    except NotFound:
        return False
    return True


def _validated(service: Dashboard, validations: BoundedSemaphore, sort: Sort, name: str | None) -> Response:
    """The faults of the text while somebody types."""
    text = forms.fields().get(forms.TEXT, "").replace("\r\n", "\n")
    if not validations.acquire(blocking=False):
        raise Busy(f"{_AT_ONCE} other texts are being validated; try again in a second", retry_after_s=1)
    try:
        return page("faults.html", faults=_faults(service, sort, name, text))
    finally:
        validations.release()


def _faults(service: Dashboard, sort: Sort, name: str | None, text: str) -> list[Fault]:
    """What keeps the text from being saved, by line."""
    try:
        value = editing.read_text(text)
        named = name or _require_name(value)
        watch = parse_watch(sort.kind, with_defaults(value, {"apiVersion": "stringx/v1", "kind": sort.kind, "name": named}))
        if watch.name != named:
            raise invalid([FieldError("/name", f"is {watch.name!r}; this is the page of {named!r}")])
        with service.database.transaction() as cursor:
            if faults := list(watch_names.faults(watch_names.Names(cursor), watch)):
                raise invalid(faults)
    except _REFUSED as error:
        return faults_in_lines(error, text)
    return []


def _require_name(value: Any) -> str:
    if name := watching.name_in(value):
        return name
    raise invalid([FieldError("/name", "is missing; write a name such as nightly")])


def _editor(sort: Sort, name: str | None, sheet: _Sheet, status: int = 200) -> Response:
    page_url = sort.url(name) if name is not None else sort.list_url
    return page(
        "document.html",
        status,
        here=sort.here,
        sort=sort,
        name=name,
        page_url=page_url,
        here_url=f"/new/{sort.word}" if name is None else f"{page_url}/edit",
        sheet=sheet,
        faults=sheet.faults,
        bad_lines={fault.line for fault in sheet.faults or ()},
        fields=sort.fields(),
    )


def _names(service: Dashboard) -> dict[str, str]:
    """Of what a new document may name."""
    targets = editing.targets(service.database)
    return {"target": targets[0] if targets else "nyc", "channel": "team-slack"}


def _sort(known: dict[str, Sort], word: str) -> Sort:
    """The kind, if the one who asks may change its documents. Raises NotFound or Forbidden."""
    if word not in known:
        raise NotFound(f"there is no page {request.path}")
    sort = known[word]
    g.caller.require(sort.scope)
    if sort.is_of_all_targets:
        g.caller.require_unlimited()
    return sort


def _document_of(service: Dashboard, sort: Sort, name: str, version: int) -> JsonObject:
    """The document as a version had it. NotFound if there is none."""
    found = store.versions(service.database, sort.kind, name, Page(1, (str(version + 1),)))["items"]
    document: JsonObject | None = found[0]["document"] if found and found[0]["version"] == version else None
    if document is None:
        raise NotFound(f"{sort.word} {name} has no text of version {version}")
    return document


def _opened(sent: dict[str, str]) -> int:
    return _number(sent.get("opened", ""), "/opened")


def _number(text: str, pointer: str) -> int:
    """The number of a version, 0 for none. Raises Invalid if it is no number."""
    text = text or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise invalid([FieldError(pointer, "is no version; write its number, such as 3")])
    return int(text)


def _in_words(error: StringXError) -> str:
    if isinstance(error, PreconditionFailed):
        return "It was changed meanwhile. Look at it again before you delete it."
    return "; ".join(each.message for each in error.errors) if error.errors else error.detail
