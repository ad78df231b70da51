"""Incidents in the dashboard, without JavaScript: the list, the story of one, and what people do with it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.dashboard import incident_stories
from backend.incidents import store
from backend.incidents.story import story
from database.pool import Database
from tests.support.dashboard import opened, sign_in, token
from tests.support.databases import Admin
from tests.support.datasets import TARGET, apply, check_now, dataset, table
from tests.support.waivers import waive

NAME = "incidents_in_dashboard"


@pytest.fixture(scope="module")
def shop(admin: Admin, internal_template: str) -> Iterator[Database]:
    """Three tables: the gate of a is closed, that of b was and is open again, c was never checked."""
    admin.copy(internal_template, NAME)
    database = Database(admin.url(NAME), size=4)
    apply(
        database,
        TARGET,
        table("public.a", "a", owner="owner", tags=["core"]),
        table("public.b", "b"),
        table("public.c", "c"),
        dataset(),
    )
    check_now(database, {"a": 3}, table="public.a")
    for failures in (4, 0):
        check_now(database, {"b": failures}, table="public.b")
    yield database
    database.close()
    admin.run(f"drop database {NAME} with (force)")


@pytest.fixture(scope="module")
def client(shop: Database, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The owner's."""
    with opened(shop, admin.url(NAME), tmp_path_factory.mktemp("home")) as found:
        sign_in(found)
        yield found


def id_of(database: Database, name: str) -> str:
    found = store.page(database, {"table": name})["items"]
    return str(found[0]["id"])


def send(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return client.post(path, data={"csrf": token(client.get("/")), **fields})


def words(page: TestResponse, part: str = "main") -> str:
    """The text of an element of the page."""
    found = re.search(rf'<(\w+)[^>]* id="{part}".*?</\1>', page.text, re.DOTALL)
    assert found, page.text
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_open_incidents_come_first(client: FlaskClient, shop: Database) -> None:
    page = client.get("/incidents")
    rows = re.findall(r'<tr data-key="([^"]+)"', page.text)
    assert rows == [id_of(shop, "public.a"), id_of(shop, "public.b")]
    assert "a fails: 3 of 10 (30%)" in words(page, "incidents")
    assert "b fails: 4 of 10 (40%)" in words(page, "incidents")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("mine=true", ["public.a"]),
        ("state=over", ["public.b"]),
        ("state=open", ["public.a"]),
        ("name=public.b", ["public.b"]),
        ("name=sales", []),
        ("target=other", []),
        ("owner=owner&kind=closed", ["public.a"]),
        ("kind=missed", []),
        ("from=1h&to=2100-01-01", ["public.a", "public.b"]),
        ("to=1d", []),
    ],
)
def test_the_list_is_filtered(client: FlaskClient, query: str, shown: list[str]) -> None:
    page = client.get(f"/incidents?{query}")
    assert page.status_code == 200
    assert re.findall(r'<th scope="row"><a href="/incidents/[^"]+">([^<]+)</a>', page.text) == shown


def test_a_filter_that_is_wrong_says_so(client: FlaskClient) -> None:
    page = client.get("/incidents?from=yesterday&state=shut")
    assert page.status_code == 422
    assert "Began from is no time" in page.text
    assert "State is none of the choices" in page.text


def test_the_story_of_an_incident_that_is_over(client: FlaskClient, shop: Database) -> None:
    page = client.get(f"/incidents/{id_of(shop, 'public.b')}")
    story_of = words(page, "story")
    assert story_of.index("The gate closed") < story_of.index("The gate opened") < story_of.index("A check found it in order.")
    assert "/acknowledge" not in page.text
    assert "over" in words(page, "state")


def test_an_incident_is_acknowledged_in_one_click_and_again(client: FlaskClient, shop: Database) -> None:
    path = f"/incidents/{id_of(shop, 'public.a')}"
    assert "unacknowledged" in words(client.get(path), "state")
    answer = send(client, f"{path}/acknowledge", back="/incidents?state=open")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents?state=open")
    assert "Acknowledged by owner" in words(client.get(path), "state")
    assert send(client, f"{path}/acknowledge", until="2h", note="the loader\r\ndrops <b>", assignee="bob").status_code == 303
    page = client.get(path)
    assert "until" in words(page, "state")
    assert "the loader\ndrops &lt;b&gt;" in page.text
    assert store.find(shop, path.rpartition("/")[2]).assignee == "bob"
    assert "acknowledged by owner" in client.get("/").text
    assert send(client, f"{path}/unacknowledge").status_code == 303
    assert "unacknowledged" in words(client.get(path), "state")
    again = send(client, f"{path}/unacknowledge")
    assert again.status_code == 409
    assert "nobody has acknowledged" in again.text


@pytest.mark.parametrize(
    ("what", "fields", "fault"),
    [
        ("acknowledge", {"until": "soon", "note": "kept"}, "Until: is no time"),
        ("acknowledge", {"until": "2020-01-01", "note": "kept"}, "Until: is over"),
        ("acknowledge", {"until": "91d", "note": "kept"}, "Until: is more than 90 days ahead"),
        ("acknowledge", {"assignee": "x" * 201, "note": "kept"}, "Assignee: must have 1 to 200"),
        ("assign", {"assignee": "x" * 201}, "Assignee: must have 1 to 200"),
        ("note", {"text": " "}, "Note: "),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    client: FlaskClient, shop: Database, what: str, fields: dict[str, str], fault: str
) -> None:
    page = send(client, f"/incidents/{id_of(shop, 'public.a')}/{what}", **fields)
    assert page.status_code == 422
    assert fault in page.text
    assert fields.get("note", "") in page.text
    assert 'aria-invalid="true"' in page.text


def test_notes_and_assignees_stand_in_the_story(client: FlaskClient, shop: Database) -> None:
    incident = id_of(shop, "public.b")
    assert send(client, f"/incidents/{incident}/note", text="it was the vendor").status_code == 303
    assert send(client, f"/incidents/{incident}/assign", assignee="ann").status_code == 303
    found = words(client.get(f"/incidents/{incident}"), "story")
    assert "Note" in found
    assert "it was the vendor" in found
    assert "Assigned to ann" in found


def test_waivers_and_changes_stand_in_the_story_and_checks_alike_are_counted(shop: Database) -> None:
    for _ in range(6):
        check_now(shop, {"a": 3}, table="public.a")
    apply(shop, table("public.a", rules=[{"id": "a", "type": "not_null", "column": "a", "fail_above": 1}], owner="owner"))
    waive(shop, table="public.a", rule="a")
    found = [step.words for step in incident_stories.steps(story(shop, id_of(shop, "public.a")))]
    assert found.index("The gate closed") < found.index("4 more checks with the same end")
    assert "4 more checks with the same end" in found
    assert "The table public.a was changed" in found
    assert found[-1] == "a was waived"


def test_how_long_incidents_lasted_is_summed_up(client: FlaskClient) -> None:
    for by, name in (("target", "shop"), ("owner", "owner")):
        page = client.get(f"/incidents/summary?by={by}&range=7d")
        assert page.status_code == 200
        assert name in words(page, "times")


def test_a_reader_sees_no_button(shop: Database, admin: Admin, client: FlaskClient) -> None:
    reader = client.application.test_client()
    sign_in(reader, "sx_reader")
    incident = id_of(shop, "public.a")
    for path in ("/incidents", f"/incidents/{incident}"):
        page = reader.get(path)
        assert page.status_code == 200
        assert "<button" not in page.text.partition("<main")[2].replace("<button>Filter</button>", "")
    for what in ("acknowledge", "unacknowledge", "assign", "note"):
        assert send(reader, f"/incidents/{incident}/{what}", text="x").status_code == 403


@pytest.mark.parametrize("incident", ["0192ffff-0000-7000-8000-000000000000", "nothing"])
def test_an_unknown_incident_is_not_there(client: FlaskClient, incident: str) -> None:
    assert client.get(f"/incidents/{incident}").status_code == 404
    assert send(client, f"/incidents/{incident}/acknowledge").status_code == 404


def test_a_form_of_a_session_that_is_over_leads_back_to_the_incident(client: FlaskClient, shop: Database) -> None:
    path = f"/incidents/{id_of(shop, 'public.a')}"
    nobody = client.application.test_client()
    assert nobody.post(f"{path}/acknowledge").headers["Location"] == f"/login?next={path}"
    forged = client.post(f"{path}/acknowledge", data={"csrf": "wrong"})
    assert forged.status_code == 403
    assert f'href="{path}"' in forged.text
    assert store.find(shop, path.rpartition("/")[2]).acknowledged is False


def test_a_page_whose_incident_lasts_is_not_another_one_each_time(client: FlaskClient, shop: Database) -> None:
    for path in ("/incidents", f"/incidents/{id_of(shop, 'public.a')}"):
        etag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"X-Renewal": "1", "If-None-Match": etag}).status_code == 304
