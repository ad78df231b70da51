"""People sign in at a real OpenID provider: who they are, what their groups may do, and every way in which it may end."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.dashboard.routes import openid
from backend.sign_in import people
from backend.sign_in.claims import Person
from stringx_dataops.contract.problems import Conflict
from stringx_dataops.contract.settings import read_settings
from tests.support.dashboard import token as csrf_of
from tests.support.databases import Admin
from tests.support.openid import SECRET, Browser, Installation, an_installation, running_provider, settings_of


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_provider(tmp_path_factory.mktemp("provider") / "log") as issuer:
        yield issuer


@pytest.fixture(scope="module")
def installation(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with (
        an_installation(admin, internal_template, tmp_path_factory.mktemp("home")) as made,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("OIDC_CLIENT_SECRET", SECRET)
        yield made


@pytest.fixture(scope="module")
def client(installation: Installation, provider: str) -> FlaskClient:
    return installation.client(provider)


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """Of somebody who was never here."""
    return Browser(client.application.test_client())


def fault(page: TestResponse) -> str:
    """What the page of the login says is wrong."""
    found = re.search(r'role="alert">([^<]+)<', page.text)
    assert found, page.text
    return found[1].replace("&#39;", "'")


def test_the_page_of_the_login_leads_to_the_provider(browser: Browser) -> None:
    page = browser.client.get("/login?next=/requests?verdict=fail")
    assert "Sign in at 127.0.0.1" in page.text
    assert 'href="http://checks.example.org/login/oidc/start?next=%2Frequests%3Fverdict%3Dfail"' in page.text
    address = browser.begin()
    for part in ("code_challenge_method=S256", "code_challenge=", "nonce=", "state=", "scope=openid+profile+email"):
        assert part in address


@pytest.mark.parametrize(
    ("login", "sees"),
    [
        ("vera.staff", {"read"}),
        ("otto.ops.staff", {"read", "trigger"}),
        ("edda.data", {"read", "samples", "trigger", "configure"}),
        ("anna.owners.staff", {"read", "samples", "trigger", "configure", "results", "admin"}),
    ],
)
def test_the_highest_role_of_their_groups_counts(browser: Browser, login: str, sees: set[str]) -> None:
    answer = browser.sign_in(login, "/requests")
    assert (answer.status_code, answer.location) == (303, "/requests")
    page = browser.client.get("/")
    assert f"person:{login.split('.')[0]}@example.org" in page.text
    page = browser.client.get("/configuration")
    may_configure = page.status_code == 200
    assert may_configure or "Your role does not allow this" in page.text
    assert may_configure == ("configure" in sees)


def test_a_session_is_ended_by_signing_out_and_does_not_open_the_api(browser: Browser) -> None:
    browser.sign_in("anna.owners")
    assert browser.client.get("/api/v1/tables").status_code == 401
    page = browser.client.get("/")
    cookie = browser.client.get_cookie("stringx_session")
    assert cookie is not None
    browser.client.post("/logout", data={"csrf": csrf_of(page)})
    browser.client.set_cookie("stringx_session", cookie.value)
    assert browser.client.get("/").status_code == 303


def test_a_session_follows_the_settings_of_today(browser: Browser, installation: Installation, provider: str) -> None:
    browser.sign_in("otto.ops.staff")
    cookie = browser.client.get_cookie("stringx_session")
    assert cookie is not None
    for roles, status in (("staff=editor", 200), ("staff=viewer", 403), ("others=admin", 303)):
        other = installation.client(provider, OIDC_ROLES=roles)
        other.set_cookie("stringx_session", cookie.value)
        assert other.get("/configuration").status_code == status, roles
    for variables in ({"OIDC_CLIENT_ID": "another"}, {"OIDC_ISSUER": "http://localhost:1"}):
        other = installation.client(provider, **variables)
        other.set_cookie("stringx_session", cookie.value)
        assert other.get("/").status_code == 303, variables


def test_whoever_has_no_role_is_refused_and_may_come_as_somebody_else(browser: Browser) -> None:
    page = browser.sign_in("nemo.unknown")
    assert page.status_code == 403
    assert fault(page) == (
        "nemo@example.org has signed in, but may see nothing here:"
        " none of the groups that the provider names (1) has a role here, by OIDC_ROLES"
    )
    assert "Sign in there as somebody else" in page.text
    assert browser.client.get("/").status_code == 303
    back = browser.answer(browser.begin(more="&again=1"), "vera.staff")
    assert browser.client.get(back).status_code == 303
    assert "person:vera@example.org" in browser.client.get("/").text


def test_a_canceled_sign_in_says_so(browser: Browser) -> None:
    page = browser.client.get(browser.answer(browser.begin(), None))
    assert page.status_code == 403
    assert fault(page).startswith("the sign-in was cancelled at the OpenID provider")


def test_an_answer_counts_once_and_in_the_browser_that_asked(browser: Browser, client: FlaskClient) -> None:
    address = browser.begin()
    kept = browser.client.get_cookie("stringx_sign_in", path="/login/oidc")
    assert kept is not None
    back = browser.answer(address, "vera.staff")
    stranger = client.application.test_client()
    assert "has begun no sign-in here" in fault(stranger.get(back))
    stranger.get("/login/oidc/start")
    assert "of another sign-in" in fault(stranger.get(back))
    assert browser.client.get(back).status_code == 303
    assert "has begun no sign-in here, or has used it already" in fault(browser.client.get(back))
    browser.client.set_cookie("stringx_sign_in", kept.value, path="/login/oidc")
    again = browser.client.get(back)
    assert (again.status_code, fault(again)) == (
        403,
        "the OpenID provider refused the sign-in: invalid_grant: grant request is invalid",
    )


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        (
            "error=server_error&error_description=try%0Alater",
            403,
            "the OpenID provider refused the sign-in: server_error: try later",
        ),
        ("error=login_required", 403, "the OpenID provider refused the sign-in: login_required"),
        ("", 400, "the OpenID provider's answer has no code; sign in again"),
        (f"code={'x' * 5000}", 400, "the OpenID provider's answer has no code; sign in again"),
        (
            "code=nonsense&iss=https://evil.example.org",
            403,
            "the answer is of another OpenID provider than OIDC_ISSUER; sign in again",
        ),
    ],
)
def test_an_answer_that_is_none_is_one_line(browser: Browser, query: str, status: int, says: str) -> None:
    state = parse_qs(urlsplit(browser.begin()).query)["state"][0]
    page = browser.client.get(f"/login/oidc?state={state}&{query}")
    assert (page.status_code, fault(page)) == (status, says)
    again = browser.client.get(f"/login/oidc?state={state}&code=x")
    assert "has begun no sign-in here" in fault(again)


def test_a_sign_in_that_takes_too_long_is_begun_again(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    back = browser.answer(browser.begin(), "vera.staff")
    monkeypatch.setattr(people, "BEGUN_S", -1)
    assert fault(browser.client.get(back)).startswith("this sign-in took over")


def test_only_so_many_wait_for_the_provider(installation: Installation, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid, "_AT_ONCE", 0)
    page = installation.client(provider).get("/login/oidc/start")
    assert (page.status_code, fault(page)) == (429, "many people are signing in at this moment; try again in some seconds")


def test_a_state_begins_one_session(installation: Installation) -> None:
    settings = read_settings(settings_of("https://login.example.org")).sign_in
    assert settings is not None
    person = Person(settings.issuer, "1", "anna", ("staff",))
    token, caller = people.begin(installation.database, settings, person, "once", "192.0.2.1")
    assert people.find(installation.database, settings, token) == replace(caller, address=None)
    assert caller.targets is None
    _, limited = people.begin(installation.database, settings, replace(person, groups=("nyc", "staff")), "other", "192.0.2.1")
    assert (sorted(limited.scopes), limited.targets) == (["configure", "read", "samples", "trigger"], {"shop"})
    with pytest.raises(Conflict):
        people.begin(installation.database, settings, person, "once", "192.0.2.1")


@pytest.mark.parametrize(
    "after", ["https://evil.example.org/", "//evil.example.org", "/\\evil.example.org", "javascript:alert(1)"]
)
def test_a_sign_in_leads_to_no_other_site(browser: Browser, after: str) -> None:
    assert browser.sign_in("vera.staff", after).location == "/"


def test_what_is_wrong_with_the_provider_is_one_line(installation: Installation, provider: str) -> None:
    away = installation.client("http://127.0.0.1:9").get("/login/oidc/start")
    assert (away.status_code, fault(away)) == (
        503,
        "the OpenID provider http://127.0.0.1:9 does not answer for its description (ConnectionError); try again later",
    )
    other = installation.client(provider.replace("127.0.0.1", "localhost")).get("/login/oidc/start")
    assert other.status_code == 503
    assert fault(other) == f"the OpenID provider calls itself '{provider}'; OIDC_ISSUER must be the same to the letter"
    assert requests.get(f"{provider}/nothing", timeout=60).status_code == 404
    none = installation.client(f"{provider}/nothing").get("/login/oidc/start")
    assert "does not answer with JSON for its description: status 404" in fault(none)


def test_a_wrong_secret_is_the_providers_word(installation: Installation, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "wrong")
    page = Browser(installation.client(provider)).sign_in("vera.staff")
    assert (page.status_code, fault(page)) == (
        403,
        "the OpenID provider refused the sign-in: invalid_client: client authentication failed",
    )


def test_without_a_provider_there_is_no_way_to_it(installation: Installation) -> None:
    client = installation.client("", PUBLIC_URL="", OIDC_CLIENT_ID="", OIDC_CLIENT_SECRET="", OIDC_ROLES="")
    assert "Sign in at" not in client.get("/login").text
    assert client.get("/login/oidc").status_code == 404
