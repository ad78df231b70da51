"""The editor of a table's document: what is refused and saved, and that no text is lost."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.configuration import store
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from tests.support.dashboard import opened, sign_in
from tests.support.datasets import CATALOGUE, table
from tests.support.editor import ANOTHER, A, hidden, put, send, text_of

HOSTILE = "</textarea><img src=x onerror=alert(1)>{{ 7+7 }}"


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend, with nobody signed in."""
    with opened(shop, internal_url, tmp_path) as client:
        yield client


def lines(page: TestResponse) -> list[tuple[str, str]]:
    """Line and words of each fault."""
    found = re.findall(r'data-line="(\d+)">Line \d+</a>(.*?)</li>', page.text)
    return [(line, unescape(re.sub("<[^>]+>", "", words)).strip()) for line, words in found]


def test_a_saved_text_is_a_new_version_by_the_key_that_is_signed_in(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    assert text_of(page) == (
        "apiVersion: stringx/v1\ntarget: shop\ntable: public.a\nrules:\n  - id: a\n    type: not_null\n    column: a\n"
    )
    answer = send(client, page, text_of(page).replace("\n", "\r\n") + "    warn_above: 1%\r\n    fail_above: 2%\r\n")
    assert (answer.status_code, answer.location) == (303, f"{A}?saved=2")
    assert "Version 2 is saved" in client.get(answer.location).text
    stored = store.versions(shop, "shop", "public.a")["items"][0]
    assert (stored["version"], stored["changed_by"], stored["document"]["rules"][0]["fail_above"]) == (2, "owner", "2%")
    shown = client.get("/tables/shop/public.a").text
    assert re.search(r"Rules: <a [^>]*/versions\">version 2</a>, changed <time [^>]*>[^<]+</time> by owner", shown)


def test_faults_stand_at_their_lines_and_nothing_is_saved(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    wrong = text_of(page).replace("type: not_null", "type: nonull") + "  - {id: b, type: unique,\n    colum: b}\n"
    for action, status in (("validate", 200), ("preview", 200), ("save", 422)):
        answer = send(client, page, wrong, action)
        assert (answer.status_code, text_of(answer)) == (status, wrong)
        found = lines(answer)
        assert [line for line, _ in found] == ["6", "9"]
        assert "did you mean not_null?" in found[0][1]
        assert "<b>✕ 6</b>" in answer.text
    part = client.post(f"{A}/validate", data={"csrf": hidden(page, "csrf"), "document": "a: 1\nb: [\n"})
    assert (part.status_code, lines(part)[0][0], "<html" in part.text) == (200, "3", False)
    part = client.post(f"{A}/validate", data={"csrf": hidden(page, "csrf"), "document": text_of(page)})
    assert "No faults" in part.text
    assert len(store.versions(shop, "shop", "public.a")["items"]) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the text holds no document; write exactly one"),
        ("a: 1\n---\nb: 1\n", "the text holds 2 documents; write exactly one"),
        ("target: other\nrules: []", "/target is 'other', and the path says 'shop'"),
        ("table: public.b\nrules: []", "/table is 'public.b', and the path says 'public.a'"),
        ("- 1", "must be an object"),
        ("x: " + "y" * 1024 * 1024, "the document is over 1,024 KiB; make it shorter"),
        ("a: \"\\0\"", "contains a NUL character"),
        ("a: \x01", "not YAML"),
    ],
)  # fmt: skip
def test_what_is_no_document_of_this_table_is_said_in_words(client: FlaskClient, text: str, words: str) -> None:
    sign_in(client)
    answer = send(client, client.get(A), text)
    assert answer.status_code in (400, 413, 422)
    assert words in lines(answer)[0][1]


def test_a_form_beyond_what_a_document_takes_is_refused(client: FlaskClient) -> None:
    sign_in(client)
    page = client.get(A)
    assert send(client, page, "x" * 3_200_000).status_code == 413
    assert client.post("/logout", data={"csrf": hidden(page, "csrf"), "more": "x" * 17_000}).status_code == 413


def test_preview_shows_what_saving_would_change(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    answer = send(
        client, page, text_of(page) + "    fail_above: 5%\n  - {id: more, type: row_count, arguments: {min: 1}}\n", "preview"
    )
    assert answer.status_code == 200
    assert "Added rule <code>more</code>" in answer.text
    assert "Changed rule <code>a</code>" in answer.text
    assert "<ins>+     fail_above: 5%</ins>" in answer.text
    assert "Nothing differs" in send(client, page, text_of(page), "preview").text
    assert len(store.versions(shop, "shop", "public.a")["items"]) == 1


def test_who_comes_second_sees_both_differences_and_loses_nothing(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    mine = text_of(page) + "    warn_above: 1\n    fail_above: 9\n"
    assert put(shop, "a", "theirs") == 2
    answer = send(client, page, mine)
    assert (answer.status_code, text_of(answer)) == (412, mine)
    assert "ci-bot has saved version 2 since you opened version 1" in answer.text
    assert answer.text.index("What was changed meanwhile") < answer.text.index("Added rule <code>theirs</code>")
    assert answer.text.index("What you changed") < answer.text.index("<code>warn_above</code>: now <b>1</b>")
    assert store.find_table(shop, "shop", "public.a").version == 2
    assert hidden(answer, "opened") == "2"
    assert send(client, answer, mine).location == f"{A}?saved=3", "now they know"


def test_a_conflict_names_everybody_who_has_saved_meanwhile(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    put(shop, "a", "x", by=Caller("ann", frozenset(SCOPES)))
    put(shop, "a", "x", "y", by=Caller("bob", frozenset(SCOPES)))
    answer = send(client, page, text_of(page))
    assert "ann and bob have saved versions 2 to 3 since you opened version 1" in answer.text
    new = "/configuration/shop/public.new"
    page = client.get(new)
    put(shop, "x", name="public.new")
    assert "ci-bot has saved version 1 since you began" in send(client, page, text_of(page), path=new).text


def test_a_document_that_was_deleted_meanwhile_is_a_conflict_too(client: FlaskClient, shop: Database) -> None:
    put(shop, "x", name="public.new")
    sign_in(client)
    path = "/configuration/shop/public.new"
    page = client.get(path)
    store.delete_table(shop, ANOTHER, "shop", "public.new", None)
    answer = send(client, page, text_of(page), path=path)
    assert (answer.status_code, "ci-bot has deleted the document" in answer.text) == (412, True)
    assert "was deleted by ci-bot in version 2" in client.get(path).text
    assert "deleted the document" in client.get(f"{path}/versions").text
    assert send(client, answer, text_of(page), path=path).location == f"{path}?saved=3"
    of_deletion = client.get(f"{path}?version=2")
    assert "Version 2 deleted the document, so it has no text." in of_deletion.text
    assert ("This is the text of" in of_deletion.text, text_of(of_deletion)) == (False, text_of(client.get(path)))


def test_a_new_table_begins_with_a_text_that_is_valid(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    assert "New table" in client.get("/").text
    assert "<option>shop</option>" in client.get("/configuration").text
    answer = client.get("/configuration", query_string={"target": "shop", "table": 'public."N.1"'})
    assert answer.location == "/configuration/shop/public.%22N.1%22"
    page = client.get(answer.location)
    assert "Not configured yet" in page.text
    assert "No faults" in send(client, page, text_of(page), "validate", answer.location).text
    store.put_table(shop, CATALOGUE, ANOTHER, ("shop", 'public."N.1"'), table('public."N.1"', "n"), None)
    assert send(client, page, text_of(page), path=answer.location).status_code == 412, "somebody was first"
    assert client.get("/configuration/none/public.a").status_code == 404
    assert client.get("/configuration/shop/nodot").status_code == 422


def test_without_the_scope_the_page_is_to_read(client: FlaskClient) -> None:
    sign_in(client, "sx_reader")
    page = client.get(A)
    assert (page.status_code, "type: not_null" in page.text) == (200, True)
    assert "<button name" not in page.text
    form = {"csrf": hidden(page, "csrf"), "document": "x", "action": "save", "opened": "1"}
    for path in (A, f"{A}/validate"):
        assert client.post(path, data=form).status_code == 403
    assert client.get("/configuration").status_code == 403
    assert "Rules as YAML" in client.get("/tables/shop/public.a").text
    board = client.get("/").text
    assert ("Edit rules" in board, "New table" in board, "Rules as YAML" in board) == (False, False, True)


def test_an_ended_session_loses_no_text(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    mine = text_of(page) + f"    description: {HOSTILE!r}\n"
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    kept = send(client, page, mine)
    assert (kept.status_code, text_of(kept)) == (403, mine)
    assert f'href="/login?next={A}"' in kept.text
    sign_in(client)
    again = send(client, kept, mine, "save")
    assert (again.status_code, text_of(again)) == (403, mine), "the token of the page is of no session: nothing is saved yet"
    assert len(store.versions(shop, "shop", "public.a")["items"]) == 1
    assert send(client, again, mine).status_code == 303
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    long = send(client, page, mine + "#" * 40_000)
    assert (long.status_code, long.location) == (303, f"/login?next={A}"), "a long text of nobody is not read"
    assert client.post(f"{A}/validate", data={"document": "x"}).status_code == 303


def test_a_document_is_shown_as_text(client: FlaskClient, shop: Database) -> None:
    put(shop, "a", description=HOSTILE, owner=HOSTILE)
    sign_in(client)
    for path in (A, f"{A}/versions?from=1&to=2"):
        page = client.get(path).text
        assert ("<img" in page, "{{ 7+7 }}" in page) == (False, True)
    page = client.get(A)
    answer = send(client, page, f"rules: [{{id: a, type: {HOSTILE!r}}}]\n", "validate")
    assert (len(lines(answer)), "<img" in answer.text) == (1, False)


def test_a_very_long_document_makes_no_endless_page(client: FlaskClient, shop: Database) -> None:
    put(shop, *(f"r{number}" for number in range(3000)))
    sign_in(client)
    page = client.get(f"{A}/versions?from=1&to=2").text
    assert "and 2,901 more rules" in page
    assert "The first 500 lines are shown" in page
    assert len(page) < 150_000


@pytest.mark.parametrize("opened", ["²", "9" * 5000, "99999999999", "-1", "x"])
def test_a_version_that_is_none_is_refused(client: FlaskClient, opened: str) -> None:
    sign_in(client)
    form = {"csrf": hidden(client.get(A), "csrf"), "action": "save", "document": "rules: []\n", "opened": opened}
    answer = client.post(A, data=form)
    assert (answer.status_code, "/opened: is no version; write its number, such as 3" in answer.text) == (422, True)


def test_a_third_validation_at_once_is_put_off(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get(A)
    form = {"csrf": hidden(page, "csrf"), "document": text_of(page)}
    cookie = client.get_cookie("stringx_session")
    assert cookie is not None

    def validate() -> TestResponse:
        another = client.application.test_client()
        another.set_cookie("stringx_session", cookie.value)
        return another.post(f"{A}/validate", data=form)

    with ThreadPoolExecutor(3) as threads:
        with shop.transaction() as cursor:
            cursor.run("lock table stringx.targets in access exclusive mode")  # holds up who validates
            answers = [threads.submit(validate) for _ in range(3)]
            refused = next(as_completed(answers, timeout=60)).result()
        answers_after = [each.result(60) for each in answers]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "2 other texts are being validated" in refused.text
    assert sorted(each.status_code for each in answers_after) == [200, 200, 429]


def test_another_session_of_the_same_key_gets_its_token_with_the_refusal(client: FlaskClient) -> None:
    sign_in(client)
    old = client.get(A)
    sign_in(client)
    refused = client.post(f"{A}/validate", data={"csrf": hidden(old, "csrf"), "document": "x"})
    assert (refused.status_code, hidden(refused, "csrf")) == (403, hidden(client.get(A), "csrf")), "the editor takes it over"
    refused = client.post("/logout", data={"csrf": hidden(old, "csrf")})
    assert (refused.status_code, "with what was typed" in refused.text) == (403, False), "nothing was typed"
