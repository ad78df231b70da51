"""Signing in at the OpenID provider: to it, and back from it."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TypeVar

from flask import Blueprint, redirect, request
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard.pages import COOKIE, own
from backend.dashboard.routes.signing_in import login_page
from backend.dashboard.service import Dashboard
from backend.sign_in import people
from stringx_dataops.contract.http_answers import in_one_line
from stringx_dataops.contract.problems import Busy, Forbidden, Malformed, StringXError
from web.keys import address_of_client

PUBLIC = ("dashboard.to_provider", "dashboard.from_provider")  # pages that need no session
_COOKIE, _PATH = "stringx_sign_in", "/login/oidc"
_LONGEST = 1000  # characters of the page to which a sign-in leads; cookies have 4 KiB
_AT_ONCE = 4  # sign-ins of a process that wait for the provider
_MOST = 4096  # characters of a code
_AGAIN = "sign in again"
T = TypeVar("T")


def add(routes: Blueprint, service: Dashboard) -> None:
    """The two routes; without OIDC_ISSUER they are not there."""
    if service.openid is None:
        return
    openid = service.openid
    signer = URLSafeTimedSerializer(openid.secret, salt="stringx sign-in")
    waiting = BoundedSemaphore(_AT_ONCE)

    @routes.get("/login/oidc/start")
    def to_provider() -> BaseResponse:
        after = own(request.args.get("next", ""))
        try:
            begun = _in_turn(waiting, lambda: openid.provider.begin(as_another="again" in request.args))
        except StringXError as error:
            return login_page(service, after, error.detail, error.status)
        kept = {
            "state": begun.state,
            "nonce": begun.nonce,
            "verifier": begun.verifier,
            "next": after if len(after) <= _LONGEST else "/",
        }
        response = redirect(begun.address, 303)
        response.set_cookie(
            _COOKIE,
            signer.dumps(kept),
            max_age=people.BEGUN_S,
            httponly=True,
            samesite="Lax",
            secure=service.is_secure,
            path=_PATH,
        )
        return response

    @routes.get(_PATH)
    def from_provider() -> BaseResponse:
        after = "/"
        try:
            kept = _begun(signer, request.cookies.get(_COOKIE, ""), request.args.get("state", ""))
            after = own(kept["next"])
            code, issuer = _code(), request.args.get("iss")
            person = _in_turn(waiting, lambda: openid.provider.finish(code, issuer, kept["nonce"], kept["verifier"]))
            address = address_of_client(service.trusted_proxies)
            token, _ = people.begin(service.database, openid.settings, person, kept["state"], address)
        except StringXError as error:
            return _without_cookie(login_page(service, after, error.detail, error.status, as_another=True))
        response = redirect(after, 303)
        response.set_cookie(
            COOKIE, token, max_age=people.HOURS * 3600, httponly=True, samesite="Lax", secure=service.is_secure, path="/"
        )
        return _without_cookie(response)


def _in_turn(waiting: BoundedSemaphore, ask: Callable[[], T]) -> T:
    """Busy if so many others wait for the provider that nobody could work meanwhile."""
    if not waiting.acquire(blocking=False):
        raise Busy("many people are signing in at this moment; try again in some seconds")
    try:
        return ask()
    finally:
        waiting.release()


def _begun(signer: URLSafeTimedSerializer, cookie: str, state: str) -> dict[str, str]:
    """What this browser kept of the sign-in that it began. Forbidden if it began none, another one, or one too long ago."""
    try:
        kept: dict[str, str] = signer.loads(cookie, max_age=people.BEGUN_S)
    except SignatureExpired as error:
        raise Forbidden(f"this sign-in took over {people.BEGUN_S // 60} minutes; {_AGAIN}") from error
    except BadData as error:
        raise Forbidden(f"this browser has begun no sign-in here, or has used it already; {_AGAIN}") from error
    if not state or state != kept["state"]:
        raise Forbidden(f"the answer is of another sign-in than this browser began last; {_AGAIN}")
    return kept


def _code() -> str:
    """The code of the answer. Forbidden, with the provider's words, if it is an error."""
    error = request.args.get("error")
    if error == "access_denied":
        raise Forbidden("the sign-in was cancelled at the OpenID provider, or the provider lets this person not in")
    if error is not None:
        words = in_one_line(f"{error}: {request.args.get('error_description', '')}".rstrip(": "), 200)
        raise Forbidden(f"the OpenID provider refused the sign-in: {words}")
    code = request.args.get("code", "")
    if not 0 < len(code) <= _MOST:
        raise Malformed(f"the OpenID provider's answer has no code; {_AGAIN}")
    return code


def _without_cookie(response: BaseResponse) -> BaseResponse:
    response.delete_cookie(_COOKIE, path=_PATH)
    return response
