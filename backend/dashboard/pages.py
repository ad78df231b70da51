"""Rendering a page for a signed-in person, and what its address asks for."""

import hashlib
import json
import time
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, g, make_response, render_template, request, url_for

from backend.dashboard import sessions
from backend.dashboard.asking import WINDOW_FIELDS, typed
from backend.dashboard.views import table_url
from stringx_dataops import __version__
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages

COOKIE = "stringx_session"
_ON_PAGE = 50
_PARAMETERS = ("kind", "q", "target", "owner", "gate", "cursor", "range", "format", *WINDOW_FIELDS)
_LONGEST = 200  # characters of a field that an address repeats


def page(template: str, status: int = 200, *, shows: object = None, **values: Any) -> Response:
    """The page with its ETag; 304 if the browser has it already. `shows`: all that it shows, as JSON. If it is given, the ETag is
    made from it and the minute, and a page that the browser has is not rendered."""
    token = g.get("session_token")
    common = {"version": __version__, "caller": g.get("caller") if token else None, "csrf": sessions.csrf(token) if token else ""}
    etag = None
    if shows is not None:
        minute = int(time.time() // 60)  # words such as "5 min ago" are not older than that
        etag = _hash(json.dumps([common["version"], common["csrf"], shows, minute]).encode())
        if request.if_none_match.contains_weak(etag):
            return _with_etag(make_response("", 304), etag)
    response = make_response(render_template(template, **(common | values)), status)
    if status == 200:
        _with_etag(response, etag or _hash(response.get_data())).make_conditional(request)
    return response


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _with_etag(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    return response


def address_of_page() -> str:
    """The address of the page that is asked for, with the parameters that pages know. Anything else, such as a key that was
    pasted into it, is not repeated."""
    query = urlencode({name: request.args[name] for name in _PARAMETERS if name in request.args})
    return f"{_path()}?{query}" if query else _path()


def address_of_form() -> str:
    """The page with the form that was sent, with what was typed into it. Only a person sends it again. For all other forms it is
    the board."""
    arguments = request.view_args or {}
    match request.endpoint:
        case "dashboard.check":
            shown = table_url(arguments["target"], arguments["table"])
        case "dashboard.check_dataset":
            shown = url_for("dashboard.dataset", **arguments)
        case "dashboard.cancel":
            return url_for("dashboard.request_page", **arguments)
        case _:
            return url_for("dashboard.board")
    query = urlencode({name: value for name, value in typed(request.form).items() if len(value) <= _LONGEST})
    return f"{shown}?{query}" if query else shown


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
    if found["next_cursor"] is None:
        return None
    given = {name: value for name, value in request.args.items() if name != "cursor"}
    return f"{_path()}?{urlencode(given | {'cursor': found['next_cursor']})}"
