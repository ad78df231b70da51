"""The OpenID provider: where it sends people, and who came back with a code. The code flow with PKCE, state and nonce.

Whatever the provider does, a sign-in ends with one line and within a bounded time.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError, MissingClaimError
from joserfc.jwk import Key, KeySet, import_key

from backend.sign_in.claims import Person, merged, person_of, says_enough
from stringx_dataops.contract import http_answers
from stringx_dataops.contract.http_answers import HttpAnswer, in_one_line
from stringx_dataops.contract.problems import Forbidden, Unavailable
from stringx_dataops.contract.sign_in import SignIn

_TIMEOUT_S = (5.0, 5.0)  # to connect, and until an answer begins
_WITHIN_S = 5.0  # for the rest of an answer
_LARGEST = 512 * 1024  # bytes of an answer
_MOST_KEYS = 100
_KEPT_S = 3600.0  # how long keys and addresses are used without asking again
_AGAIN_S = 10.0  # keys that are younger are not asked for again because of a key that is not among them
_SKEW_S = 60  # that the clocks may differ
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_WELL_KNOWN = "/.well-known/openid-configuration"
_QUOTED = 200  # characters of the provider's words
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Begun:
    """A sign-in that has begun: what the browser keeps until it comes back, and where it goes now."""

    state: str
    nonce: str
    verifier: str
    address: str


@dataclass(frozen=True)
class _Metadata:
    authorization: str
    token: str
    keys: str
    userinfo: str | None
    algorithms: tuple[str, ...]
    client_auth: str
    names_issuer: bool


class _Session(OAuth2Session):
    """Reads whole answers within the bounds, and follows no redirect."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        request.headers.update({"Accept-Encoding": "identity", "Accept": "application/json"})
        response = super().send(request, **options | {"stream": True, "allow_redirects": False, "timeout": _TIMEOUT_S})
        answer = http_answers.read(response, _LARGEST, _WITHIN_S)
        response._content, response._content_consumed = answer.body, True  # type: ignore[attr-defined]
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Provider:
    """The provider of OIDC_ISSUER. Its addresses and keys are kept for a while; a key that is not among them is asked for."""

    def __init__(self, sign_in: SignIn, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._sign_in, self._secret, self._clock = sign_in, secret, clock
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self, *, as_another: bool = False) -> Begun:
        """Where the browser goes to sign in; with `as_another` the provider asks who it is even if it knows. Unavailable if the
        provider cannot be used."""
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (24, 24, 48))
        found = self._found()
        prompt = {"prompt": "login"} if as_another else {}
        with self._session(found) as session:
            address, _ = session.create_authorization_url(found.authorization, state, verifier, nonce=nonce, **prompt)
        return Begun(state, nonce, verifier, address)

    def finish(self, code: str, issuer: str | None, nonce: str, verifier: str) -> Person:
        """Who signed in, by the code that the browser came back with. `issuer`: the parameter `iss`, if it came with one.
        Forbidden if what came is not right, Unavailable if the provider cannot be used."""
        found = self._found()
        if (issuer is not None or found.names_issuer) and issuer != self._sign_in.issuer:
            raise Forbidden("the answer is of another OpenID provider than OIDC_ISSUER; sign in again")
        with self._session(found) as session:
            try:
                token = session.fetch_token(
                    found.token, code=code, code_verifier=verifier, grant_type="authorization_code", headers={}
                )
            except OAuthError as error:
                raise Forbidden(f"the OpenID provider refused the sign-in: {_words(error.error, error.description)}") from error
            except http_answers.FAULTS as error:
                raise self._away("its token endpoint", error) from error
            id_token, access_token = token.get("id_token"), token.get("access_token")
            if not isinstance(id_token, str) or not isinstance(access_token, str):
                raise Forbidden("the OpenID provider sent no ID token; the scope openid must be allowed for this client")
            claims = self._claims(found, id_token, access_token, nonce)
            if found.userinfo is not None and not says_enough(self._sign_in, claims):
                claims = merged(claims, self._userinfo(session, found.userinfo, claims["sub"]))
        return person_of(self._sign_in, claims)

    def _session(self, found: _Metadata) -> _Session:
        return _Session(
            self._sign_in.client_id,
            self._secret,
            scope=self._sign_in.scopes,
            redirect_uri=self._sign_in.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=found.client_auth,
            leeway=0,  # of the access token, which is used at once
        )

    def _found(self) -> _Metadata:
        """The provider's description of itself."""
        now, kept = self._clock(), self._metadata
        if kept is not None and now - kept[0] < _KEPT_S:
            return kept[1]
        address = self._sign_in.issuer.rstrip("/") + _WELL_KNOWN
        content = self._json(address, "its description")
        if content.get("issuer") != self._sign_in.issuer:
            named = in_one_line(str(content.get("issuer")), _QUOTED)
            raise Unavailable(f"the OpenID provider calls itself {named!r}; OIDC_ISSUER must be the same to the letter")
        found = _read_metadata(content)
        self._metadata = (now, found)
        return found

    def _claims(self, found: _Metadata, id_token: str, access_token: str, nonce: str) -> dict[str, Any]:
        """Of the ID token, if it is the provider's, for this client, of this sign-in and of this time."""
        try:
            kid = jws.extract_compact(id_token.encode()).headers().get("kid")
            token = jwt.decode(id_token, self._key_set(found, kid), found.algorithms)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {name: {"essential": True, "value": value} for name, value in self._expected().items()},
                {"nonce": nonce, "client_id": self._sign_in.client_id, "access_token": access_token},
            )
            claims.validate(leeway=_SKEW_S)
        except ExpiredTokenError as error:
            raise Forbidden(f"the ID token has expired; the provider's clock and this one differ by over {_SKEW_S} s") from error
        except (InvalidClaimError, MissingClaimError) as error:
            raise Forbidden(f"the ID token cannot be accepted: {_of_claim(error)}") from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Forbidden(f"the ID token cannot be verified: {_words(type(error).__name__, str(error))}") from error
        return dict(claims)

    def _expected(self) -> dict[str, str]:
        return {"iss": self._sign_in.issuer, "aud": self._sign_in.client_id}

    def _key_set(self, found: _Metadata, kid: Any) -> KeySet:
        """The keys that are kept; fetched anew if they are old, or the key is not among them."""
        now, kept = self._clock(), self._keys
        if kept is not None and now - kept[0] < _KEPT_S and (now - kept[0] < _AGAIN_S or _has(kept[1], kid)):
            return kept[1]
        content = self._json(found.keys, "its keys")
        keys = content.get("keys")
        if not isinstance(keys, list) or not 0 < len(keys) <= _MOST_KEYS:
            raise Unavailable(f"the OpenID provider publishes no list of 1 to {_MOST_KEYS} keys at {found.keys}")
        fetched = KeySet([key for each in keys if (key := _read_key(each)) is not None])
        if not fetched.keys:
            raise Unavailable(f"none of the OpenID provider's keys at {found.keys} can be used")
        self._keys = (now, fetched)
        return fetched

    def _userinfo(self, session: _Session, address: str, subject: str) -> dict[str, Any]:
        """What the provider says of the person besides the ID token. Only of the same person."""
        try:
            response = session.get(address)
        except (*http_answers.FAULTS, OAuthError) as error:
            raise self._away("its userinfo endpoint", error) from error
        content = _object(HttpAnswer(response.status_code, response.headers, response.content), "its userinfo endpoint")
        if content.get("sub") != subject:
            raise Forbidden("the OpenID provider's userinfo is of another person than the ID token")
        return content

    def _json(self, address: str, what: str) -> dict[str, Any]:
        with _Session() as session:
            try:
                response = session.request("GET", address, withhold_token=True)
            except http_answers.FAULTS as error:
                raise self._away(what, error) from error
            return _object(HttpAnswer(response.status_code, response.headers, response.content), what)

    def _away(self, what: str, error: Exception) -> Unavailable:
        why = http_answers.words_of(error)
        return Unavailable(f"the OpenID provider {self._sign_in.issuer} does not answer for {what} ({why}); try again later")


def _object(answer: HttpAnswer, what: str) -> dict[str, Any]:
    if answer.status != 200 or not isinstance(answer.content, dict):
        raise Unavailable(f"the OpenID provider does not answer with JSON for {what}: {answer.described()}")
    return answer.content


def _read_metadata(content: dict[str, Any]) -> _Metadata:
    """Raises Unavailable if it lacks something, or names an address over plain HTTP."""

    def address(name: str) -> str:
        given = content.get(name)
        if not isinstance(given, str) or not _is_safe(given):
            raise Unavailable(f"the OpenID provider names no https address as {name}")
        return given

    offered = content.get("id_token_signing_alg_values_supported")
    algorithms = tuple(name for name in _ALGORITHMS if isinstance(offered, list) and name in offered)
    if not algorithms:
        raise Unavailable(f"the OpenID provider signs ID tokens by none of {', '.join(_ALGORITHMS)}")
    ways = content.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    way = next((way for way in ("client_secret_basic", "client_secret_post") if isinstance(ways, list) and way in ways), None)
    if way is None:
        raise Unavailable("the OpenID provider takes neither client_secret_basic nor client_secret_post")
    return _Metadata(
        authorization=address("authorization_endpoint"),
        token=address("token_endpoint"),
        keys=address("jwks_uri"),
        userinfo=address("userinfo_endpoint") if "userinfo_endpoint" in content else None,
        algorithms=algorithms,
        client_auth=way,
        names_issuer=content.get("authorization_response_iss_parameter_supported") is True,
    )


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
    except ValueError:
        return False


def _read_key(given: Any) -> Key | None:
    """None for a key that signs nothing, or is of a kind that is not known: others may do."""
    try:
        return import_key(given) if isinstance(given, dict) and given.get("use") != "enc" else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _has(keys: KeySet, kid: Any) -> bool:
    try:
        return keys.get_by_kid(kid) is not None
    except (InvalidKeyIdError, JoseError):
        return False


def _of_claim(error: JoseError) -> str:
    words = _words(getattr(error, "description", None) or type(error).__name__, None)
    if any(each in words for each in ("not yet valid", "in the future")):
        return f"{words}; the provider's clock and this one differ by over {_SKEW_S} s"
    return words


def _words(error: Any, description: Any) -> str:
    """The provider's own words in one line."""
    return in_one_line(": ".join(str(each) for each in (error, description) if each), _QUOTED)
