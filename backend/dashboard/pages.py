"""Rendering a page for a signed-in person, and what its address asks for."""

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, g, make_response, render_template, request, url_for

from backend.dashboard import audit_filters, csv_files, sessions
from backend.dashboard.asking import WINDOW_FIELDS, typed
from backend.dashboard.views import editor_url, rule_url, table_url
from backend.requests import filters
from database.keys import Caller
from stringx_dataops import __version__
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages

COOKIE = "stringx_session"
_RENEWAL = "X-Renewal"  # the header of the script that renews a page
_ON_PAGE = 50
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_DIGITS = 6  # of a page's number
_IN_MEMORY, _PIECE = 1024 * 1024, 64 * 1024  # bytes of a file
_OF_LISTS = (
    "kind",
    "q",
    "target",
    "owner",
    "gate",
    "cursor",
    "range",
    "format",
    "rules",
    "version",
    "state",
    "table",
    "compare",
    "ticked",
)
_OF_INCIDENTS = ("name", "assignee", "mine", "channel", "incident")
_PARAMETERS = (*_OF_LISTS, *_OF_INCIDENTS, *WINDOW_FIELDS, *filters.NAMES, *audit_filters.NAMES)
_LONGEST = 200  # characters of a field that an address repeats
# The page with the form that is sent to another one, with the same arguments.
_SHOWS = {
    "dashboard.acknowledge_incident": "dashboard.incident",
    "dashboard.unacknowledge_incident": "dashboard.incident",
    "dashboard.assign_incident": "dashboard.incident",
    "dashboard.note_incident": "dashboard.incident",
    "dashboard.run_schedule": "dashboard.schedule",
    "dashboard.pause_schedule": "dashboard.schedule",
    "dashboard.resume_schedule": "dashboard.schedule",
    "dashboard.test_channel": "dashboard.channel",
    "dashboard.send_notification_again": "dashboard.notification",
    "dashboard.preview_suggestions": "dashboard.profile",
    "dashboard.apply_suggestions": "dashboard.profile",
    "dashboard.create_document": "dashboard.new_document",
    "dashboard.save_document": "dashboard.edit_document",
    "dashboard.delete_document": "dashboard.ask_to_delete",
}


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The page. Its ETag is that of the values it shows: if the script asks again, it is rendered only if they have changed. For
    whoever loads it, it is always rendered, because words such as `3 min ago` change without them."""
    token = g.get("session_token")
    caller: Caller | None = g.get("caller") if token else None
    common = {
        "version": __version__,
        "caller": caller,
        "csrf": sessions.csrf(token) if token else "",
        "may_administer": caller is not None and "admin" in caller.scopes and caller.targets is None,
    }
    shown = common | values
    etag = _hash(template, shown) if status == 200 else None
    if etag is not None and etag in request.if_none_match and _RENEWAL in request.headers:
        response = make_response("", 304)
    else:
        response = make_response(render_template(template, **shown), status)
    if etag is not None:
        response.set_etag(etag)
    return response


def _hash(template: str, shown: dict[str, Any]) -> str:
    """Of the values that a page shows, the same in every process."""
    caller: Caller | None = shown["caller"]
    scopes = sorted(caller.scopes) if caller is not None else []
    named = [(name, value) for name, value in sorted(shown.items()) if name != "caller"]
    targets = sorted(caller.targets) if caller is not None and caller.targets is not None else None
    values = repr([template, caller and caller.name, scopes, targets, *named])
    return hashlib.sha256(values.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def csv_file(name: str, rows: Iterable[Sequence[Any]]) -> Response:
    """The rows, the first of them with the names, as a CSV file to download. It is complete before its first byte is sent, so
    that no error cuts it off; a large one is kept on the disk meanwhile."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed with the answer)
    try:
        for row in rows:
            file.write(csv_files.line(row).encode())
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    response = _download(_pieces(file), "text/csv", name)
    response.call_on_close(file.close)
    response.content_length = size
    return response


def text_file(name: str, text: str) -> Response:
    """The text as a file to download."""
    return _download(text, "text/plain", name)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _download(content: str | Iterator[bytes], kind: str, name: str) -> Response:
    """A file of this kind, such as text/csv, under a name that every system takes."""
    response = Response(content, content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{_NO_FILE_NAME.sub("_", name)}"'
    return response


def address_of_page() -> str:
    """The address of the page that is asked for, with the parameters that pages know. Anything else, such as a key that was
    pasted into it, is not repeated."""
    query = urlencode({name: request.args[name] for name in _PARAMETERS if name in request.args})
    return f"{_path()}?{query}" if query else _path()


def address_to_renew() -> str:
    """The address at which the page that is shown is opened again; that of a refused form is the page with the form."""
    return _page_of_form() if request.method == "POST" else address_of_page()


def address_of_form() -> str:
    """The page with the form that was sent, with what was typed into it. Only a person sends it again."""
    shown = _page_of_form()
    query = urlencode({name: value for name, value in typed(request.form).items() if len(value) <= _LONGEST})
    return f"{shown}?{query}" if query else shown


def _page_of_form() -> str:
    """The page with the form that was sent; the board if the form is on many pages."""
    arguments = request.view_args or {}
    match request.endpoint:
        case "dashboard.check":
            return table_url(arguments["target"], arguments["table"])
        case "dashboard.mark_point":
            return rule_url(arguments["target"], arguments["table"], arguments["rule"])
        case "dashboard.check_dataset":
            return url_for("dashboard.dataset", **arguments)
        case "dashboard.cancel":
            return url_for("dashboard.request_page", **arguments)
        case "dashboard.create_profile":
            return url_for("dashboard.profiles")
        case "dashboard.create_waiver":
            return url_for("dashboard.new_waiver")
        case "dashboard.end_waiver":
            return url_for("dashboard.waiver", **arguments)
        case "dashboard.create_badge" | "dashboard.revoke_badge":
            return own(request.form.get("back", "/"))
        case name if (shown := _SHOWS.get(name or "")) is not None:
            return url_for(shown, **arguments)
        case "dashboard.edit_table":
            return editor_url(arguments["target"], arguments["table"])
        case _:
            return url_for("dashboard.board")


def _path() -> str:
    """Of the page that is asked for, as it stands in an address. What ends a segment is escaped already (`web/paths.py`)."""
    return quote(request.path, safe="/%")


def own(address: str) -> str:
    """The address if it is a page of this dashboard, else the board: a login leads nowhere else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return url_for("dashboard.board")
    is_own = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_own and address.isprintable() and not address.startswith("/login") else url_for("dashboard.board")


def wanted(pages: Pages, limit: int = _ON_PAGE) -> Page:
    """The page that the address asks for; the first for a cursor that is none of this list."""
    cursor = request.args.get("cursor")
    try:
        return Page(limit, pages.position(cursor)) if cursor else Page(limit)
    except ValueError:
        return Page(limit)


def next_page(found: PageJson) -> str | None:
    """The address of the next page with the same filters."""
    return None if found["next_cursor"] is None else _with("cursor", found["next_cursor"])


@dataclass(frozen=True)
class Numbered:
    """A page of a list without cursors: its number, from 1, is the parameter `name` of the address."""

    name: str
    on_page: int

    @property
    def skip(self) -> int:
        """How many stand on the pages before."""
        given = request.args.get(self.name, "1")
        number = int(given) if given.isdecimal() and len(given) <= _DIGITS else 1
        return self.on_page * (max(1, number) - 1)

    def previous(self) -> str | None:
        """The address of the page before."""
        return _with(self.name, str(self.skip // self.on_page)) if self.skip else None

    def following(self, total: int) -> str | None:
        """The address of the page behind, if so many are in the list."""
        return _with(self.name, str(self.skip // self.on_page + 2)) if self.skip + self.on_page < total else None


def _with(name: str, value: str) -> str:
    """The address of this page with another value of a parameter."""
    path = _page_of_form() if request.method == "POST" else _path()
    return f"{path}?{urlencode(dict(request.args.items()) | {name: value})}"
