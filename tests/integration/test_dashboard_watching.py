"""Schedules, and the documents of schedules, channels and routes in the dashboard, without JavaScript."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.configuration import watch_store
from backend.schedules import store as schedules
from database.pool import Database
from stringx_dataops.contract.documents.watches import WatchKind
from stringx_dataops.contract.problems import NotFound
from tests.support.dashboard import opened, sign_in, token
from tests.support.databases import Admin
from tests.support.datasets import ME, TARGET, apply, dataset, table

NAME = "watching_in_dashboard"
KINDS: list[tuple[WatchKind, str, str, str]] = [
    ("Schedule", "schedule", "schedules", "name: made\ntarget: shop\ntables: [public.*]\ncron: 0 6 * * *\n"),
    ("Channel", "channel", "channels", "name: made\ntype: apprise\nurl_env: NOTIFY_MADE\n"),
    ("Route", "route", "routes", "name: made\nchannel: team\non: [closed]\ntags: [core]\n"),
]


@pytest.fixture(scope="module")
def shop(admin: Admin, internal_template: str) -> Iterator[Database]:
    """Tables with the schedule nightly, and the channel team."""
    admin.copy(internal_template, NAME)
    database = Database(admin.url(NAME), size=4)
    apply(database, TARGET, table("public.a", "a"), table("public.b", "b"), table("public.c", "c"), dataset())
    put(database, "Schedule", "nightly", target="shop", tables=["public.*"], cron="0 6 * * *", timezone="Europe/Berlin")
    put(database, "Channel", "team", type="webhook", url_env="NOTIFY_TEAM")
    yield database
    database.close()
    admin.run(f"drop database {NAME} with (force)")


@pytest.fixture(scope="module")
def client(shop: Database, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The owner's."""
    with opened(shop, admin.url(NAME), tmp_path_factory.mktemp("home")) as found:
        sign_in(found)
        yield found


def put(database: Database, kind: WatchKind, name: str, **document: Any) -> None:
    watch_store.put(database, ME, kind, name, document, None)


def send(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return client.post(path, data={"csrf": token(client.get("/")), **fields})


def text_of(page: TestResponse) -> str:
    """What stands in the editor."""
    found = re.search(r'<textarea id="document"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)
    assert found, page.text
    return unescape(found[1])


@pytest.mark.parametrize(("kind", "word", "place", "text"), KINDS)
def test_a_document_is_made_changed_and_deleted(
    client: FlaskClient, shop: Database, kind: WatchKind, word: str, place: str, text: str
) -> None:
    assert f"kind: {kind}" in text_of(client.get(f"/new/{word}"))
    made = send(client, f"/new/{word}", document=text, opened="0", action="save")
    assert (made.status_code, made.headers.get("Location")) == (303, f"/{place}/made?saved=1"), made.text
    shown = client.get(f"/{place}/made/edit")
    assert "name: made" in text_of(shown)
    changed = text_of(shown) + "description: changed here\n"
    assert send(client, f"/{place}/made/edit", document=changed, opened="1", action="save").status_code == 303
    assert watch_store.find(shop, kind, "made").document["description"] == "changed here"
    versions = client.get(f"/{place}/made/edit/versions")
    assert "changed description" in versions.text
    assert "description" not in text_of(client.get(f"/{place}/made/edit?version=1"))
    assert client.get(f"/{place}/made/edit?version=3").status_code == 404
    assert client.get(f"/{place}/made/delete").status_code == 200
    assert send(client, f"/{place}/made/delete", opened="1").status_code == 412
    assert send(client, f"/{place}/made/delete", opened="2").status_code == 303
    with pytest.raises(NotFound):
        watch_store.find(shop, kind, "made")
    lost = send(client, f"/{place}/made/edit", document=changed, opened="2", action="save")
    assert lost.status_code == 404
    assert "changed here" in text_of(lost)


@pytest.mark.parametrize(
    ("word", "text", "fault"),
    [
        ("schedule", "target: shop\ntables: [public.*]\ncron: 0 6 * * *\n", "is missing; write a name"),
        ("schedule", "name: made\ntarget: shop\ntables: [public.*]\ncron: 0 6 30 2 *\n", "/cron"),
        ("schedule", "name: made\ntarget: shop\ntable: public.zz\ncron: 0 6 * * *\n", "public.zz is not configured"),
        ("schedule", "name: made\nkind: Route\ntarget: shop\ntables: [public.*]\ncron: 0 6 * * *\n", "/kind"),
        ("channel", "name: made\ntype: apprise\nurl: slack://a/b/c\n", "is never stored; put it into a variable"),
        ("route", "name: made\nchannel: teem\n", "did you mean"),
        ("route", "name: [", "<h2>1 fault</h2>"),
    ],
)
def test_faults_stand_at_their_lines_and_nothing_is_stored(client: FlaskClient, word: str, text: str, fault: str) -> None:
    saved = send(client, f"/new/{word}", document=text, opened="0", action="save")
    assert saved.status_code in (400, 422)
    assert text_of(saved).startswith(text.splitlines()[0])
    for page in (
        saved,
        send(client, f"/new/{word}", document=text, opened="0", action="validate"),
        send(client, f"/new/{word}/validate", document=text),
    ):
        assert fault in unescape(page.text)


def test_what_somebody_else_has_saved_is_not_overwritten(client: FlaskClient, shop: Database) -> None:
    put(shop, "Schedule", "shared", target="shop", table="public.a", cron="1 * * * *")
    before = text_of(client.get("/schedules/shared/edit"))
    put(shop, "Schedule", "shared", target="shop", table="public.a", cron="2 * * * *")
    mine = before.replace("1 * * * *", "3 * * * *")
    refused = send(client, "/schedules/shared/edit", document=mine, opened="1", action="save")
    assert refused.status_code == 412
    assert "3 * * * *" in text_of(refused)
    assert "2 * * * *" in refused.text
    assert 'name="opened" value="2"' in refused.text
    taken = send(client, "/new/schedule", document=mine, opened="0", action="save")
    assert taken.status_code == 412
    assert "version 2 of schedule shared is stored" in taken.text


def test_a_channel_that_a_route_names_stays(client: FlaskClient, shop: Database) -> None:
    put(shop, "Route", "everything", channel="team")
    refused = send(client, "/channels/team/delete", opened="1")
    assert refused.status_code == 409
    assert "route everything" in refused.text
    watch_store.delete(shop, ME, "Route", "everything", None)


def test_a_schedule_is_run_paused_and_resumed(client: FlaskClient, shop: Database) -> None:
    listed = client.get("/schedules").text
    assert "nightly" in listed
    assert "06:00" in listed
    assert "Europe/Berlin" in listed
    assert send(client, "/schedules/nightly/run").status_code == 303
    page = client.get("/schedules/nightly")
    assert "asked for by owner" in page.text
    assert "3 waiting" in page.text
    assert len(re.findall("<li>", page.text.partition('id="next"')[2])) == 5
    again = send(client, "/schedules/nightly/run")
    assert again.status_code == 409
    assert "has not ended" in again.text
    assert send(client, "/schedules/nightly/pause", until="soon").status_code == 422
    assert send(client, "/schedules/nightly/pause", until="367d").status_code == 422
    assert send(client, "/schedules/nightly/pause", until="8h", back="/schedules").headers["Location"] == "/schedules"
    assert schedules.state(shop, "nightly").paused_by == "owner"
    assert "paused" in client.get("/schedules/nightly").text
    assert send(client, "/schedules/nightly/resume").status_code == 303
    assert schedules.state(shop, "nightly").paused_at is None


def test_a_schedule_without_tables_says_so(client: FlaskClient, shop: Database) -> None:
    put(shop, "Schedule", "idle", target="shop", tables=["none.*"], cron="0 6 * * *", active=False)
    refused = send(client, "/schedules/idle/run")
    assert refused.status_code == 422
    assert "no configured table of shop matches none.*" in refused.text


def test_a_reader_sees_schedules_and_changes_none(client: FlaskClient) -> None:
    reader = client.application.test_client()
    sign_in(reader, "sx_reader")
    for path in ("/schedules", "/schedules/nightly"):
        page = reader.get(path)
        assert page.status_code == 200
        assert "<button" not in page.text.partition("<main")[2]
        assert "/edit" not in page.text
    for path in ("/schedules/nightly/edit", "/new/schedule", "/new/channel", "/channels/team/edit"):
        assert reader.get(path).status_code == 403
    for path in ("/schedules/nightly/run", "/schedules/nightly/pause", "/schedules/nightly/delete", "/schedules/nightly/edit"):
        assert send(reader, path).status_code == 403


def test_a_badge_is_made_shown_and_revoked(client: FlaskClient) -> None:
    for page, fields in (("/tables/shop/public.a", {"table": "public.a"}), ("/datasets/sales", {"dataset": "sales"})):
        made = send(client, "/badges", target="shop", label="orders", **fields)
        assert (made.status_code, made.headers.get("Location")) == (303, f"{page}#badges"), made.text
        shown = client.get(page).text
        found = re.search(r'<img src="(/badges/[^"]+\.svg)"', shown)
        assert found
        assert f"http://localhost{found[1]}" in shown
        assert client.get(found[1]).status_code == 200
        assert f"http://localhost{found[1]}" in client.get("/badges").text
        revoke = re.search(r'action="(/badges/[^"]+/revoke)"', shown)
        assert revoke
        assert send(client, revoke[1], back=page).headers["Location"] == page
        assert client.get(found[1]).status_code == 404
    assert send(client, "/badges", target="shop", table="public.a", label=" ").status_code == 422
