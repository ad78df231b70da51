"""The rules of a table: the editor of its document, and the document's versions with what changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import editing, store
from backend.configuration.editing import TableName, Version
from backend.dashboard import documents, forms, views
from backend.dashboard.documents import Shown
from backend.dashboard.effective import from_elsewhere
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.requests.trials import Trial
from database.keys import Caller
from stringx_dataops.contract.documents.yaml_lines import Fault, faults_in_lines
from stringx_dataops.contract.documents.yaml_writing import table_as_yaml
from stringx_dataops.contract.problems import Busy, FieldError, Invalid, Malformed, PreconditionFailed, TooLarge, invalid
from web.parameters import canonical

_VERSIONS, _CHOICES = 10, 200  # on a page, and to choose from
_AUTHORS = 5  # that a conflict names
_AT_ONCE = 2  # validations while people type: a long text takes seconds of this process
_BEGINNING = """\
description: ''  # what the table holds
owner: ''        # who is asked when its gate closes
key: []          # columns that identify a row in samples
gate: {max_age: 24h}
# expected_by: {time: "06:30", grace: 30m}  # each day; an incident begins if no check has come
rules:
  - id: not_empty
    type: row_count
    arguments: {min: 1}
"""


@dataclass(frozen=True)
class _Sheet:
    """What the editor shows. `opened` is the version that saving replaces, 0 for none; `faults` is None if nobody looked."""

    text: str
    opened: int
    faults: list[Fault] | None = None
    notes: Sequence[str] = ()
    differences: Sequence[tuple[str, Shown]] = field(default=())
    is_posted: bool = False


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of the editor and of versions."""
    database = service.database
    validations = BoundedSemaphore(_AT_ONCE)

    @routes.get("/configuration")
    def new_table() -> BaseResponse:
        g.caller.require("configure")
        target, table = request.args.get("target", ""), request.args.get("table", "").strip()
        if target and table:
            return redirect(views.editor_url(target, canonical(table)), 303)
        return page("new_table.html", targets=editing.targets(database), may_trigger="trigger" in g.caller.scopes)

    @routes.get("/configuration/<target>/<path:table>")
    def show_editor(target: str, table: str) -> Response:
        name = (target, canonical(table))
        newest = editing.find_version(database, name)
        version = _number("version")
        shown = editing.stored_version(database, name, version) if version is not None else newest
        notes = []
        if newest is not None and newest.document is None:
            notes.append(f"The document was deleted by {newest.changed_by} in version {newest.version}. Saving creates it again.")
        if version is not None and newest is not None and shown is not None and version != newest.version:
            if shown.document is not None:
                notes.append(f"This is the text of version {version}. It holds again once you save it.")
            else:
                notes.append(f"Version {version} deleted the document, so it has no text.")
                shown = newest
        if _number("saved") is not None and newest is not None and _number("saved") == newest.version:
            notes.append(f"Version {newest.version} is saved. The next check goes by it.")
        return _editor(service, name, newest, _Sheet(_text_of(service, name, shown), _opened(newest), notes=notes))

    @routes.post("/configuration/<target>/<path:table>")
    def edit_table(target: str, table: str) -> BaseResponse:
        g.caller.require("configure")
        name, sent = (target, canonical(table)), forms.fields()
        text = sent.get(forms.TEXT, "").replace("\r\n", "\n")
        opened = _version_in(sent.get("opened", ""), "/opened")
        return _Edit(service, g.caller, name, text, opened or 0).answer(sent.get("action", ""))

    @routes.post("/configuration/<target>/<path:table>/validate")
    def validate_table(target: str, table: str) -> Response:
        g.caller.require("configure")
        text = forms.fields().get(forms.TEXT, "").replace("\r\n", "\n")
        if not validations.acquire(blocking=False):
            raise Busy(f"{_AT_ONCE} other texts are being validated; try again in a second", retry_after_s=1)
        try:
            _, faults = _checked(service, (target, canonical(table)), text)
        finally:
            validations.release()
        return page("faults.html", faults=faults)

    @routes.get("/configuration/<target>/<path:table>/versions")
    def table_versions(target: str, table: str) -> Response:
        name = (target, canonical(table))
        found, cursor = editing.summaries(database, service.catalogue, name, wanted(store.VERSIONS, _VERSIONS))
        first, second = _number("from"), _number("to")
        compared = None
        if first is not None and second is not None:
            before, now = (editing.stored_version(database, name, number) for number in (first, second))
            compared = documents.shown_difference(
                before.document, now.document, service.catalogue, editing.defaults(database, target)
            )
        return page(
            "versions.html",
            **_named(name),
            versions=found,
            choices=editing.changes(database, name, _CHOICES),
            first=first,
            second=second,
            compared=compared,
            next=next_page({"items": [], "next_cursor": cursor}),
        )


@dataclass(frozen=True)
class _Edit:
    """A text that was sent: validated, compared with what is stored, or saved."""

    service: Dashboard
    caller: Caller
    name: TableName
    text: str
    opened: int

    def answer(self, action: str) -> BaseResponse:
        """The editor with the text; after saving, the way to it."""
        document, faults = _checked(self.service, self.name, self.text)
        if document is None:
            return self._page(_Sheet(self.text, self.opened, faults, is_posted=True), 422 if action == "save" else 200)
        if action == "save":
            return self._save(document)
        if action == "try":
            return self._try(document)
        newest = editing.find_version(self.service.database, self.name)
        differences = []
        if action == "preview":
            defaults = editing.defaults(self.service.database, self.name[0])
            shown = documents.shown_difference(newest.document if newest else None, document, self.service.catalogue, defaults)
            differences = [("What saving would change", shown)]
        return self._page(_Sheet(self.text, self.opened, faults, differences=differences, is_posted=True))

    def _save(self, document: dict[str, Any]) -> BaseResponse:
        database, catalogue = self.service.database, self.service.catalogue
        try:
            saved = editing.save_text(database, catalogue, self.caller, self.name, self.text, self.opened)
        except PreconditionFailed:
            return self._conflict(document)
        return redirect(f"{views.editor_url(*self.name)}?saved={saved.version}", 303)

    def _try(self, document: dict[str, Any]) -> BaseResponse:
        """Check the table by the text, and show the result on a page of its own."""
        tracked, _ = self.service.asking.try_document(Trial(document, mode="async"), "dashboard", self.caller.name)
        return redirect(f"{views.editor_url(*self.name)}/trials/{tracked.view.request_id}", 303)

    def _conflict(self, document: dict[str, Any]) -> Response:
        """Somebody else has saved since the text was opened: what they changed and what this person did."""
        database, catalogue = self.service.database, self.service.catalogue
        newest = editing.find_version(database, self.name)
        base = editing.find_version(database, self.name, self.opened) if self.opened else None
        before, theirs = (each.document if each else None for each in (base, newest))
        note = f"Nothing was saved: {self._meanwhile(newest)}. Your text is still here. "
        note += "Take over what you want to keep; saving now replaces what they wrote."
        defaults = editing.defaults(database, self.name[0])
        differences = [
            ("What was changed meanwhile", documents.shown_difference(before, theirs, catalogue, defaults)),
            ("What you changed", documents.shown_difference(before, document, catalogue, defaults)),
        ]
        return self._page(_Sheet(self.text, _opened(newest), [], [note], differences, is_posted=True), PreconditionFailed.status)

    def _meanwhile(self, newest: Version | None) -> str:
        """Who has saved what since the text was opened."""
        since = f"since you opened version {self.opened}" if self.opened else "since you began"
        if newest is None:
            return f"the document has changed {since}"
        earlier = editing.changes(self.service.database, self.name, _CHOICES) if self.opened else []
        made = [each for each in reversed(earlier) if each.version > self.opened] or [newest]
        names = list(dict.fromkeys(each.changed_by for each in made))
        have = "have" if len(names) > 1 else "has"
        if len(names) > _AUTHORS:
            names[_AUTHORS:] = [f"{len(names) - _AUTHORS} more"]
        who = " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])
        what = f"version {newest.version}" if len(made) == 1 else f"versions {made[0].version} to {newest.version}"
        if newest.document is not None:
            return f"{who} {have} saved {what} {since}"
        changed = f"{who} {have} saved {what} {since}, and " if len(made) > 1 else ""
        return f"{changed}{newest.changed_by} has deleted the document{'' if changed else f' {since}'}"

    def _page(self, sheet: _Sheet, status: int = 200) -> Response:
        newest = editing.find_version(self.service.database, self.name)
        return _editor(self.service, self.name, newest, sheet, status)


def _checked(service: Dashboard, name: TableName, text: str) -> tuple[dict[str, Any] | None, list[Fault]]:
    """The document that the text is, or None and its faults by line."""
    try:
        return editing.check_text(service.database, service.catalogue, name, text), []
    except (Malformed, TooLarge, Invalid) as error:
        return None, faults_in_lines(error, text)


def _editor(service: Dashboard, name: TableName, newest: Version | None, sheet: _Sheet, status: int = 200) -> Response:
    may_configure = "configure" in g.caller.scopes
    return page(
        "editor.html",
        status,
        **_named(name),
        newest=newest,
        sheet=sheet,
        faults=sheet.faults,
        bad_lines={fault.line for fault in sheet.faults or ()},
        may_configure=may_configure,
        catalogue=documents.entries(service.catalogue) if may_configure else [],
        effective=from_elsewhere(service.database, *name),
    )


def _named(name: TableName) -> dict[str, Any]:
    target, table = name
    return {
        "target": target,
        "table": table,
        "table_url": views.table_url(target, table),
        "editor_url": views.editor_url(target, table),
    }


def _text_of(service: Dashboard, name: TableName, shown: Version | None) -> str:
    """The document as YAML; a beginning for a table without one."""
    if shown is not None and shown.document is not None:
        return table_as_yaml(shown.document, service.catalogue)
    head = table_as_yaml({"apiVersion": "stringx/v1", "target": name[0], "table": name[1]}, service.catalogue)
    return f"# Comments are not stored; a description is.\n{head}{_BEGINNING}"


def _opened(newest: Version | None) -> int:
    return newest.version if newest is not None and newest.document is not None else 0


def _number(name: str) -> int | None:
    """The version that the address names. Raises Invalid if it is none."""
    return _version_in(request.args.get(name, ""), f"/query/{name}")


def _version_in(given: str, pointer: str) -> int | None:
    """The number of a version, None without one. Raises Invalid if it is none."""
    if given == "":
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise invalid([FieldError(pointer, "is no version; write its number, such as 3")])
    return int(given)
