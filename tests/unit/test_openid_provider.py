"""An OpenID provider that does what a certified one never does: each of it ends with one line, and lets nobody in."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from backend.sign_in import provider as module
from backend.sign_in.provider import Provider
from stringx_dataops.contract.problems import Forbidden, StringXError, Unavailable
from stringx_dataops.contract.sign_in import SignIn, read

KEY, OTHER = (RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"}) for kid in ("one", "two"))
SHARED = OctKey.import_key("the-secret-the-secret-the-secret", {"kid": "one"})


class Wrong:
    """What the provider answers, by the last part of the path: a status and JSON, or bytes. Changed by each test."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.signed_with: Any = KEY
        self.alg = "RS256"
        self.claims: dict[str, Any] = {
            "iss": issuer,
            "sub": "anna",
            "aud": "stringx",
            "nonce": "n",
            "exp": _in(60),
            "iat": _in(0),
        }
        self.claims |= {"groups": ["staff"], "preferred_username": "anna"}
        self.answers: dict[str, Any] = {
            "openid-configuration": {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/auth",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "userinfo_endpoint": f"{issuer}/me",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            },
            "jwks": {"keys": [KEY.as_dict(private=False)]},
            "me": {"sub": "anna"},
        }

    def answer(self, path: str) -> tuple[int, bytes]:
        name = path.rpartition("/")[2]
        self.asked.append(name)
        if name == "token" and name not in self.answers:
            return 200, json.dumps(
                {"access_token": "a", "token_type": "Bearer", "expires_in": 30, "id_token": self.id_token()}
            ).encode()
        found = self.answers[name]
        status, found = found if isinstance(found, tuple) else (200, found)
        return status, found if isinstance(found, bytes) else json.dumps(found).encode()

    def id_token(self) -> str:
        header = {"alg": self.alg, "kid": self.signed_with.kid}
        return jwt.encode(header, self.claims, self.signed_with, algorithms=[self.alg])


def _in(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wrong: Wrong = self.server.wrong  # type: ignore[attr-defined]
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = wrong.answer(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | wrong.headers).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass  # the reader had enough

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    opened = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=opened.serve_forever, daemon=True)
    thread.start()
    yield opened
    opened.shutdown()
    opened.server_close()
    thread.join()


@pytest.fixture
def wrong(server: ThreadingHTTPServer) -> Wrong:
    server.wrong = Wrong(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    return server.wrong  # type: ignore[attr-defined,no-any-return]


def settings(issuer: str, **more: str) -> SignIn:
    found = read(
        {"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": "stringx", "OIDC_CLIENT_SECRET": "s", "OIDC_ROLES": "staff=viewer"} | more,
        "http://c",
    )
    assert found is not None
    return found


def finish(wrong: Wrong, issuer: str | None = None, **more: str) -> Any:
    return Provider(settings(wrong.issuer, **more), "s").finish("code", issuer, "n", "v" * 43)


def test_who_signed_in(wrong: Wrong) -> None:
    person = finish(wrong)
    assert (person.subject, person.caller_name, person.groups) == ("anna", "person:anna", ("staff",))
    assert wrong.asked == ["openid-configuration", "token", "jwks"]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["stringx", "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"iss": "http://127.0.0.1:1"}, "iss"),
        ({"exp": timedelta(seconds=-120)}, "expired; the provider's clock and this one differ by over 60 s"),
        ({"iat": timedelta(seconds=300)}, "differ by over 60 s"),
        ({"nbf": timedelta(seconds=300)}, "differ by over 60 s"),
        ({"exp": "soon"}, "exp"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 300}, "sub"),
        ({"sub": None}, "sub"),
        ({"at_hash": "another"}, "at_hash"),
        ({"groups": ["g"] * 1001}, "over 1,000 groups"),
    ],
)
def test_a_token_of_another_sign_in_or_time_is_refused(wrong: Wrong, claims: dict[str, Any], says: str) -> None:
    # from now, when the test runs, and not when it was collected
    wrong.claims |= {
        name: _in(int(value.total_seconds())) if isinstance(value, timedelta) else value for name, value in claims.items()
    }
    with pytest.raises(Forbidden) as raised:
        finish(wrong)
    assert says in raised.value.detail
    assert "\n" not in raised.value.detail


def test_keys_of_unknown_kinds_are_passed_over(wrong: Wrong) -> None:
    wrong.answers["jwks"]["keys"] = [
        {"kty": "new", "kid": "one"}, {"kty": "EC", "crv": "new", "x": "", "y": ""}, 5, KEY.as_dict(private=False)]  # fmt: skip
    assert finish(wrong).subject == "anna"


def test_clocks_may_differ_a_little(wrong: Wrong) -> None:
    wrong.claims |= {"exp": _in(-30), "iat": _in(30), "nbf": _in(30)}
    assert finish(wrong).subject == "anna"


@pytest.mark.parametrize("alg", ["HS256", "none", "another key", "no kid that is known"])
def test_a_token_that_is_not_the_providers_is_refused(wrong: Wrong, alg: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if alg == "none":
        monkeypatch.setattr(wrong, "id_token", lambda: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.")
    elif alg == "HS256":
        wrong.signed_with, wrong.alg = SHARED, "HS256"
    else:
        kid = "one" if alg == "another key" else "three"
        wrong.signed_with = RSAKey.import_key(OTHER.as_dict(private=True) | {"kid": kid})
    with pytest.raises(Forbidden, match="cannot be verified"):
        finish(wrong)


def test_a_new_key_is_asked_for_and_an_unknown_one_not_again_and_again(wrong: Wrong) -> None:
    now = [0.0]
    provider = Provider(settings(wrong.issuer), "s", clock=lambda: now[0])

    def sign_in() -> Any:
        return provider.finish("code", None, "n", "v" * 43)

    assert sign_in().subject == "anna"
    assert sign_in().subject == "anna"
    assert wrong.asked.count("jwks") == wrong.asked.count("openid-configuration") == 1
    wrong.signed_with = OTHER
    for _ in range(3):
        with pytest.raises(Forbidden):
            sign_in()
    assert wrong.asked.count("jwks") == 1
    now[0] = 11
    with pytest.raises(Forbidden):
        sign_in()
    wrong.answers["jwks"]["keys"].append(OTHER.as_dict(private=False))
    now[0] = 22
    assert sign_in().subject == "anna"
    assert wrong.asked.count("jwks") == 3
    now[0] = 4000
    assert sign_in().subject == "anna"
    assert wrong.asked.count("jwks") == 4
    assert wrong.asked.count("openid-configuration") == 2


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"openid-configuration": b"<html>"}, "does not answer with JSON"),
        ({"openid-configuration": (500, {})}, "status 500"),
        ({"openid-configuration": (302, {})}, "status 302"),
        ({"openid-configuration": b" " * 600_000}, "more than 524288 bytes"),
        ({"jwks": {"keys": []}}, "no list of 1 to 100 keys"),
        ({"jwks": {"keys": [{"kty": "RSA"}] * 101}}, "no list of 1 to 100 keys"),
        ({"jwks": {"keys": [{"kty": "RSA", "n": 5}]}}, "can be used"),
        ({"jwks": {"keys": "no"}}, "no list of 1 to 100 keys"),
        ({"token": b"<html>"}, "token endpoint"),
        ({"token": (503, b"away")}, "token endpoint"),
        (
            {"token": (400, {"error": "invalid_grant", "error_description": "a\nb" * 500})},
            "refused the sign-in: invalid_grant: a ba b",
        ),
        ({"token": {"access_token": "a", "token_type": "Bearer"}}, "sent no ID token"),
        ({"token": []}, "token endpoint"),
        ({"token": {"id_token": 5, "access_token": "a"}}, "sent no ID token"),
        ({"token": {"id_token": "x", "access_token": "a"}}, "cannot be verified"),
    ],
)
def test_what_cannot_be_read_is_one_line(wrong: Wrong, answers: dict[str, Any], says: str) -> None:
    wrong.answers |= answers
    with pytest.raises((Forbidden, Unavailable)) as raised:
        finish(wrong)
    assert says in raised.value.detail
    assert len(raised.value.detail) < 400
    assert "\n" not in raised.value.detail


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("issuer", "http://127.0.0.1:1", "calls itself 'http://127.0.0.1:1'"),
        ("token_endpoint", "http://login.example.org/token", "no https address as token_endpoint"),
        ("authorization_endpoint", "javascript:alert(1)", "no https address as authorization_endpoint"),
        ("jwks_uri", None, "no https address as jwks_uri"),
        ("userinfo_endpoint", 5, "no https address as userinfo_endpoint"),
        ("id_token_signing_alg_values_supported", ["HS256", "none"], "signs ID tokens by none of"),
        ("token_endpoint_auth_methods_supported", ["private_key_jwt"], "neither client_secret_basic nor"),
    ],
)
def test_a_description_that_cannot_be_used_is_one_line(wrong: Wrong, name: str, value: Any, says: str) -> None:
    wrong.answers["openid-configuration"][name] = value
    with pytest.raises(Unavailable) as raised:
        Provider(settings(wrong.issuer), "s").begin()
    assert says in raised.value.detail


def test_an_answer_that_drips_ends(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", (5.0, 0.2))
    wrong.headers["Content-Length"] = "1000000"
    with pytest.raises(Unavailable, match="does not answer for its description"):
        finish(wrong)


def test_the_answer_of_another_provider_is_refused(wrong: Wrong) -> None:
    with pytest.raises(Forbidden, match="of another OpenID provider"):
        finish(wrong, issuer="https://evil.example.org")
    wrong.answers["openid-configuration"]["authorization_response_iss_parameter_supported"] = True
    with pytest.raises(Forbidden, match="of another OpenID provider"):
        finish(wrong)
    assert finish(wrong, issuer=wrong.issuer).subject == "anna"


@pytest.mark.parametrize(
    ("in_token", "userinfo", "claim", "expected"),
    [
        ({"groups": None}, {"groups": ["a", "a", 5, "", "b\0"]}, "groups", ("anna", ("a",))),
        ({"groups": "staff"}, {}, "groups", ("anna", ("staff",))),
        ({"groups": {"no": "list"}}, {}, "groups", ("anna", ())),
        ({"realm_access": {"roles": ["b", "a"]}}, {}, "realm_access.roles", ("anna", ("a", "b"))),
        ({"https://x.org/groups": ["a"]}, {}, "https://x.org/groups", ("anna", ("a",))),
        ({"email": "a@x.org", "email_verified": True}, {}, "groups", ("a@x.org", ("staff",))),
        ({"email": "boss@x.org", "email_verified": False}, {}, "groups", ("anna", ("staff",))),
        ({"email": "boss@x.org"}, {}, "groups", ("anna", ("staff",))),
        ({"email": "boss@x.org", "groups": None}, {"email": "a@x.org", "email_verified": True}, "groups", ("anna", ())),
        ({"email_verified": True, "groups": None}, {"email": "boss@x.org"}, "groups", ("anna", ())),
        ({"email": "a@x.org", "groups": None}, {"email": "a@x.org", "email_verified": True}, "groups", ("a@x.org", ())),
        ({"preferred_username": "an\u202ena\u200b"}, {}, "groups", ("an?na?", ("staff",))),
        ({"preferred_username": None}, {}, "groups", ("anna", ("staff",))),
        ({"preferred_username": "a\nb " + "x" * 200}, {}, "groups", ("a b " + "x" * 96, ("staff",))),
    ],
)
def test_groups_and_name(
    wrong: Wrong, in_token: dict[str, Any], userinfo: dict[str, Any], claim: str, expected: tuple[str, tuple[str, ...]]
) -> None:
    wrong.claims = {name: value for name, value in (wrong.claims | in_token).items() if value is not None}
    wrong.answers["me"] |= userinfo
    person = finish(wrong, OIDC_GROUPS_CLAIM=claim)
    assert (person.name, person.groups) == expected


def test_userinfo_of_another_person_is_refused(wrong: Wrong) -> None:
    del wrong.claims["groups"]
    wrong.answers["me"] = {"sub": "boss", "groups": ["staff"]}
    with pytest.raises(StringXError, match="of another person"):
        finish(wrong)
