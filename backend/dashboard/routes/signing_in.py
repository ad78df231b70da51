"""Signing in with a key, and out."""

import secrets

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import sessions
from backend.dashboard.pages import COOKIE, own, page
from backend.dashboard.service import Dashboard
from stringx_dataops.contract.problems import StringXError
from web.clients import client_address

_LOGIN_COOKIE = "stringx_login"


def add(routes: Blueprint, service: Dashboard) -> None:
    @routes.route("/login", methods=["GET", "POST"])
    def login() -> BaseResponse:
        after = own(request.values.get("next", ""))
        if request.method == "GET":
            return _login_page(after)
        cookie, given = request.cookies.get(_LOGIN_COOKIE, ""), request.form.get("csrf", "")
        if not cookie or not secrets.compare_digest(cookie.encode(), given.encode()):
            return _login_page(after, "The page was open for too long. Sign in again.", 403)
        try:
            forwarded = request.headers.get("X-Forwarded-For", "")
            address = client_address(request.remote_addr or "", forwarded, service.trusted_proxies)
            token, _ = sessions.begin(service.database, request.form.get("key", "").strip(), address)
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
