"""Who may see a page: a session with the scope `read`; every form needs its CSRF token."""

import logging
from dataclasses import replace

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import forms, sessions
from backend.dashboard.pages import COOKIE, address_of_form, address_of_page, page
from backend.dashboard.routes import openid
from backend.dashboard.service import Dashboard
from backend.sign_in import people
from database.keys import Caller, set_asking
from stringx_dataops.contract.problems import Forbidden, StringXError, TooLarge
from web import hosts
from web.keys import address_of_client, require_target

log = logging.getLogger(__name__)
_FORM = "application/x-www-form-urlencoded"
_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"


def add(routes: Blueprint, service: Dashboard) -> None:
    """Every page but the login needs a session with the scope `read`; every form its CSRF token."""

    @routes.before_request
    def require_small_form() -> None:
        """Before anything of a body is read: whoever has no session holds up no thread with one."""
        if request.method != "POST":
            return
        length = request.content_length or 0
        if "Transfer-Encoding" in request.headers or length > forms.largest() or request.mimetype not in ("", _FORM):
            raise TooLarge(f"a form of this page has at most {forms.largest():,} bytes")
        origin = request.headers.get("Origin")
        if origin is not None and not hosts.is_own_origin(origin, service.public_url):
            raise Forbidden("the form is of another site")

    @routes.before_request
    def require_session() -> BaseResponse | None:
        if request.endpoint in ("dashboard.login", "dashboard.static", *openid.PUBLIC):
            return None
        token = request.cookies.get(COOKIE, "")
        person = _signed_in(service, token)
        if person is None or "read" not in person.scopes:
            if forms.can_be_kept():
                return _kept()
            here = address_of_page() if request.method == "GET" else address_of_form()
            return redirect(url_for("dashboard.login", next=here), 303)
        g.caller, g.session_token = replace(person, address=address_of_client(service.trusted_proxies)), token
        set_asking(g.caller)
        if request.method == "POST" and not sessions.is_csrf(token, forms.fields().get("csrf", "")):
            if forms.can_be_kept():
                return _kept()
            g.again = address_of_form()
            raise Forbidden("the form is of another session; open the page again")
        if "target" in (arguments := request.view_args or {}):
            require_target(g.caller, arguments["target"])
        return None

    @routes.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.endpoint != "dashboard.static":
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    @routes.errorhandler(StringXError)
    def show_error(error: StringXError) -> Response:
        if error.status == StringXError.status:
            log.error("%s", error, exc_info=error)
        caller: Caller | None = g.get("caller")
        is_roles = isinstance(error, Forbidden) and caller is not None and caller.is_person
        title = "Your role does not allow this" if is_roles else error.title
        response = page("error.html", error=error, title=title, status=error.status, again=g.get("again"))
        response.headers.update(error.headers())
        return response


def _signed_in(service: Dashboard, token: str) -> Caller | None:
    if people.is_token(token):
        return people.find(service.database, service.openid.settings if service.openid else None, token)
    return sessions.find(service.database, token)


def _kept() -> Response:
    """Nothing was done, and the text that was sent is still there: to be sent again after signing in."""
    return page("kept.html", Forbidden.status, sent=forms.fields(), here_again=address_of_page())
