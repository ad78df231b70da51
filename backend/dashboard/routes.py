"""The pages of the dashboard: a signed-in person sees what a key of the same scopes may read. Views look up, render, and change
nothing with GET."""

import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import formats, plots, sessions, views
from backend.dashboard.pages import address_of_page, next_page, own, page, wanted
from backend.dashboard.plots import Mark
from backend.insights import board, history, requests, rules
from backend.insights.history import RuleName, Span
from backend.requests.asking import Asking
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Forbidden, NotFound, StringXError, TooLarge

log = logging.getLogger(__name__)
COOKIE = "stringx_session"
_LOGIN_COOKIE = "stringx_login"
_CHECKS, _RULES, _LISTED = 20, 200, 100  # of a table, and points of a rule, on their pages
_FORM, _LARGEST_FORM = "application/x-www-form-urlencoded", 16 * 1024
_PLOTTED = 1000  # points; of more, a plot shows days
_RANGES = {"24h": ("24 hours", 1), "7d": ("7 days", 7), "30d": ("30 days", 30), "1y": ("1 year", 365)}
_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_FORMATS = {
    "relative": formats.relative,
    "number": formats.number,
    "share": formats.share,
    "duration": formats.duration,
    "threshold": formats.threshold,
    "strip": plots.strip,
}


@dataclass(frozen=True)
class Dashboard:
    """What the pages need. `is_secure`: people reach them by HTTPS, so that cookies are sent by it alone."""

    database: Database
    catalogue: Catalogue
    asking: Asking
    is_secure: bool = False


def blueprint(service: Dashboard) -> Blueprint:
    routes = Blueprint("dashboard", __name__, template_folder="templates", static_folder="static", static_url_path="/dashboard")
    for name, function in _FORMATS.items():
        routes.add_app_template_filter(function, name)  # type: ignore[arg-type]
    _guard(routes, service)
    _signing_in(routes, service)
    _pages(routes, service)
    return routes


def _guard(routes: Blueprint, service: Dashboard) -> None:
    """Every page but the login needs a session with the scope `read`; every form its CSRF token."""

    @routes.before_request
    def require_small_form() -> None:
        """Before anything of a body is read: whoever has no session holds up no thread with one."""
        if request.method != "POST":
            return
        length = request.content_length or 0
        if "Transfer-Encoding" in request.headers or length > _LARGEST_FORM or request.mimetype not in ("", _FORM):
            raise TooLarge(f"a form of this page has at most {_LARGEST_FORM:,} bytes")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise Forbidden("the form is of another site")

    @routes.before_request
    def require_session() -> BaseResponse | None:
        if request.endpoint in ("dashboard.login", "dashboard.static"):
            return None
        token = request.cookies.get(COOKIE, "")
        person = sessions.find(service.database, token)
        if person is None or "read" not in person.scopes:
            here = address_of_page() if request.method == "GET" else url_for("dashboard.board")
            return redirect(url_for("dashboard.login", next=here), 303)
        g.caller, g.session_token = person, token
        if request.method == "POST" and not sessions.is_csrf(token, request.form.get("csrf", "")):
            raise Forbidden("the form is of another session; open the page again")
        return None

    @routes.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.endpoint != "dashboard.static":
            response.headers["Cache-Control"] = "private, no-cache"
        return response

    @routes.errorhandler(StringXError)
    def show_error(error: StringXError) -> Response:
        if error.status == StringXError.status:
            log.error("%s", error, exc_info=error)
        response = page("error.html", error=error, status=error.status)
        response.headers.update(error.headers())
        return response


def _signing_in(routes: Blueprint, service: Dashboard) -> None:
    @routes.route("/login", methods=["GET", "POST"])
    def login() -> BaseResponse:
        after = own(request.values.get("next", ""))
        if request.method == "GET":
            return _login_page(after)
        cookie, given = request.cookies.get(_LOGIN_COOKIE, ""), request.form.get("csrf", "")
        if not cookie or not secrets.compare_digest(cookie.encode(), given.encode()):
            return _login_page(after, "The page was open for too long. Sign in again.", 403)
        try:
            token, _ = sessions.begin(service.database, request.form.get("key", "").strip(), request.remote_addr or "")
        except StringXError as error:
            return _login_page(after, error.detail, error.status)
        response = redirect(after, 303)
        response.set_cookie(
            COOKIE, token, max_age=sessions.HOURS * 3600, httponly=True, samesite="Lax", secure=service.is_secure, path="/"
        )
        response.delete_cookie(_LOGIN_COOKIE, path="/login")
        return response

    def _login_page(after: str, fault: str = "", status: int = 200) -> Response:
        token = secrets.token_urlsafe(16)
        response = page("login.html", status=status, next=after, fault=fault, csrf=token)
        response.set_cookie(
            _LOGIN_COOKIE, token, max_age=3600, httponly=True, samesite="Lax", secure=service.is_secure, path="/login"
        )
        return response

    @routes.post("/logout")
    def logout() -> BaseResponse:
        sessions.finish(service.database, g.session_token)
        response = redirect(url_for("dashboard.login"), 303)
        response.delete_cookie(COOKIE, path="/")
        return response


def _pages(routes: Blueprint, service: Dashboard) -> None:
    database, catalogue = service.database, service.catalogue

    @routes.get("/", endpoint="board")
    def show_board() -> Response:
        kind = "dataset" if request.args.get("kind") == "dataset" else "table"
        filters = {name: value for name in ("q", "target", "owner", "gate") if (value := request.args.get(name, "")[:200]) != ""}
        if filters.get("gate") not in (None, "open", "closed"):
            del filters["gate"]
        found = board.page(database, kind, filters, wanted(board.TABLES if kind == "table" else board.DATASETS))
        return page(
            "board.html",
            here="board",
            kind=kind,
            filters=filters,
            filtered=bool(filters),
            counts=board.counts(database, kind),
            items=[views.board_item(item) for item in found["items"]],
            next=next_page(found),
        )

    @routes.get("/tables/<target>/<path:table>")
    def table(target: str, table: str) -> Response:
        item = _state(database, "table", target, table)
        _, found = rules.of_table(database, catalogue, target, table, item["check_id"])
        checks = history.checks_of_table(database, target, table, page=wanted(history.CHECKS, _CHECKS))
        return page(
            "table.html",
            item=views.board_item(item),
            rules=views.rule_rows(target, table, found, _RULES),
            more_rules=max(0, len(found) - _RULES),
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
            parts=views.parts,
        )

    @routes.get("/datasets/<name>")
    def dataset(name: str) -> Response:
        item = _state(database, "dataset", None, name)
        checks = history.checks_of_dataset(database, name, page=wanted(history.CHECKS, _CHECKS))
        tables = board.of_names(database, item["target"], item["tables"])
        return page(
            "dataset.html",
            item=views.board_item(item),
            tables=[views.board_item(each) for each in tables],
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
        )

    @routes.get("/tables/<target>/<path:table>/rules/<rule>")
    def rule(target: str, table: str, rule: str) -> Response:
        chosen = request.args.get("range", "30d")
        chosen = chosen if chosen in _RANGES else "30d"
        end = datetime.now(UTC)
        span = Span(end - timedelta(days=_RANGES[chosen][1]), end)
        name = RuleName(target, table, rule)
        answer = history.points(database, catalogue, name, span, Page(_PLOTTED))
        found, more = answer["items"], ""
        if request.args.get("format") == "csv":
            return _csv(views.as_csv(found), f"{rule}.csv")
        is_share, plotted = views.counts_failures(found), found
        if answer["next_cursor"] is not None and chosen in ("30d", "1y"):
            plotted = views.points_of_days(history.days(database, catalogue, name, span, Page(_PLOTTED))["items"], is_share)
            more = "One point per day: the last of the day. "
        elif answer["next_cursor"] is not None:
            more = f"The newest {_PLOTTED:,} points. "
        marks = [
            Mark(row["changed_at"], f"version {row['version']} by {row['changed_by']}")
            for row in rules.versions(database, target, table, span.start or end, end)
        ]
        return page(
            "rule.html",
            target=target,
            table=table,
            table_url=views.table_url(target, table),
            rule=rule,
            points=found[:_LISTED],
            more_points=max(0, len(found) - _LISTED),
            since=views.since(found),
            ranges=[(name, words) for name, (words, _) in _RANGES.items()],
            range=chosen,
            plot=views.plot_of(rule, plotted, span, marks, is_share),
            caption=views.caption(plotted, marks, more),
        )

    @routes.get("/requests", endpoint="requests")
    def show_requests() -> Response:
        found = requests.page(database, dict.fromkeys(("table", "dataset", "verdict", "status")), wanted(requests.PAGES))
        return page("requests.html", here="requests", items=found["items"], next=next_page(found))

    @routes.get("/requests/<path:request_id>")
    def request_page(request_id: str) -> Response:
        return page("request.html", here="requests", view=requests.find(database, request_id), parts=views.parts)

    @routes.post("/tables/<target>/<path:table>/check")
    def check(target: str, table: str) -> BaseResponse:
        person: Caller = g.caller
        person.require("trigger")
        asked = parse_model(CheckRequest, {"target": target, "table": table, "mode": "async"})
        return _asked(service, asked, views.table_url(target, table))

    @routes.post("/datasets/<name>/check")
    def check_dataset(name: str) -> BaseResponse:
        g.caller.require("trigger")
        target = _state(database, "dataset", None, name)["target"]
        asked = parse_model(CheckRequest, {"target": target, "dataset": name, "mode": "async"})
        return _asked(service, asked, url_for("dashboard.dataset", name=name))


def _state(database: Database, kind: str, target: str | None, name: str) -> dict[str, Any]:
    filters = {"name": name} | ({"target": target} if target is not None else {})
    items: list[dict[str, Any]] = board.page(database, kind, filters, Page(1))["items"]
    if not items:
        raise NotFound(f"{kind} {name} is not configured")
    return items[0]


def _csv(text: str, name: str) -> Response:
    response = make_response(text)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _asked(service: Dashboard, asked: CheckRequest, page_of_subject: str) -> BaseResponse:
    """Ask for the check, and show where it is seen: what it is about, or the request if DataOps refused it."""
    tracked, is_promised = service.asking.ask(asked, "http")
    request_page = url_for("dashboard.request_page", request_id=tracked.view.request_id)
    return redirect(page_of_subject if is_promised else request_page, 303)
