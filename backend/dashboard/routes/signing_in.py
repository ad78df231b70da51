"""Signing in with a key, and out."""

import secrets
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import sessions
from backend.dashboard.pages import COOKIE, own, page
from backend.dashboard.service import Dashboard
from backend.sign_in import people
from stringx_dataops.contract.problems import StringXError
from web.clients import client_address

_LOGIN_COOKIE = "stringx_login"


def add(routes: Blueprint, service: Dashboard) -> None:
    @routes.route("/login", methods=["GET", "POST"])
    def login() -> BaseResponse:
        after = own(request.values.get("next", ""))
        if request.method == "GET":
            return login_page(service, after)
        cookie, given = request.cookies.get(_LOGIN_COOKIE, ""), request.form.get("csrf", "")
        if not cookie or not secrets.compare_digest(cookie.encode(), given.encode()):
            return login_page(service, after, "The page was open for too long. Sign in again.", 403)
        try:
            forwarded = request.headers.get("X-Forwarded-For", "")
            address = client_address(request.remote_addr or "", forwarded, service.trusted_proxies)
            token, _ = sessions.begin(service.database, request.form.get("key", "").strip(), address)
        except StringXError as error:
            return login_page(service, after, error.detail, error.status)
        response = redirect(after, 303)
        response.set_cookie(
            COOKIE, token, max_age=sessions.HOURS * 3600, httponly=True, samesite="Lax", secure=service.is_secure, path="/"
        )
        response.delete_cookie(_LOGIN_COOKIE, path="/login")
        return response

    @routes.post("/logout")
    def logout() -> BaseResponse:
        of = people if people.is_token(g.session_token) else sessions
        of.finish(service.database, g.session_token)
        response = redirect(url_for("dashboard.login"), 303)
        response.delete_cookie(COOKIE, path="/")
        return response


def login_page(service: Dashboard, after: str, fault: str = "", status: int = 200, *, as_another: bool = False) -> Response:
    """The page with the ways to sign in. `as_another`: whoever came from the provider may come again as somebody else."""
    token = secrets.token_urlsafe(16)
    values = {"next": after, "fault": fault, "csrf": token, **_provider(service, after, as_another)}
    response = page("login.html", status=status, **values)
    response.set_cookie(
        _LOGIN_COOKIE, token, max_age=3600, httponly=True, samesite="Lax", secure=service.is_secure, path="/login"
    )
    return response


def _provider(service: Dashboard, after: str, as_another: bool) -> dict[str, str | None]:
    """The links to the OpenID provider. They begin at PUBLIC_URL, to which the provider sends the browser back."""
    if service.openid is None:
        return {"provider": None}
    start = f"{service.public_url}/login/oidc/start?{urlencode({'next': after})}"
    host = urlsplit(service.openid.settings.issuer).hostname
    return {"provider": host, "provider_url": start, "another_url": f"{start}&again=1" if as_another else None}
