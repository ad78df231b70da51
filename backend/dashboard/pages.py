"""Rendering a page for a signed-in person, and what its address asks for."""

import hashlib
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, g, make_response, render_template, request, url_for

from backend.dashboard import sessions
from database.keys import Caller
from stringx_dataops import __version__
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages

COOKIE = "stringx_session"
_ON_PAGE = 50
_PARAMETERS = ("kind", "q", "target", "owner", "gate", "cursor", "range", "format")


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The page. Its ETag is that of the values it shows: if the script asks again, it is rendered only if they have changed. For
    whoever loads it, it is always rendered, because words such as `3 min ago` change without them."""
    token = g.get("session_token")
    common = {"version": __version__, "caller": g.get("caller") if token else None, "csrf": sessions.csrf(token) if token else ""}
    shown = common | values
    etag = _hash(template, shown) if status == 200 else None
    if etag is not None and etag in request.if_none_match and request.headers.get("Sec-Fetch-Mode") != "navigate":
        response = make_response("", 304)
    else:
        response = make_response(render_template(template, **shown), status)
    if etag is not None:
        response.set_etag(etag)
    return response


def _hash(template: str, shown: dict[str, Any]) -> str:
    """Of the values that a page shows, the same in every process. Functions among them are those of the version."""
    caller: Caller | None = shown["caller"]
    scopes = sorted(caller.scopes) if caller is not None else []
    named = [(name, value) for name, value in sorted(shown.items()) if name != "caller" and not callable(value)]
    values = repr([template, caller and caller.name, scopes, *named])
    return hashlib.sha256(values.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def address_of_page() -> str:
    """The address of the page that is asked for, with the parameters that pages know. Anything else, such as a key that was
    pasted into it, is not repeated."""
    query = urlencode({name: request.args[name] for name in _PARAMETERS if name in request.args})
    return f"{_path()}?{query}" if query else _path()


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
