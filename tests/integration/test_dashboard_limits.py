"""Every page of the dashboard, as a key sees it that is limited to one target: others look as if they were not configured. A new
page that does not stand in PAGES fails here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.test_limits import OTHER, OWN, UNKNOWN, WORDS, World, renamed, world
from tests.support.dashboard import sign_in, token

__all__ = ["world"]  # the fixture
# How a page names what it is about: one thing of a target; a list of all that one sees; nothing of any target, and then only for
# keys without limits, or for everybody.
How = Literal["one", "list", "unlimited", "everybody"]
TABLE = "{target}/public.a"
TEXT = "apiVersion: stringx/v1\ntarget: {target}\ntable: public.a\nrules: []\n"


@dataclass(frozen=True)
class Case:
    """A page, or a form (of POST). {target} stands for the target, {w} for what ends names of it, {waiver_id} for its waiver;
    incidents and badges likewise."""

    how: How
    path: str = ""
    form: dict[str, str] | None = None


PAGES: dict[str, list[Case]] = {
    "board": [Case("list", "/"), Case("list", "/?kind=dataset"), Case("list", "/?target={target}"), Case("list", "/?q=public")],
    "table": [Case("one", f"/tables/{TABLE}"), Case("one", f"/tables/{TABLE}?format=csv")],
    "rule": [Case("one", f"/tables/{TABLE}/rules/a{query}") for query in ("", "?format=csv", "?range=1y")],
    "mark_point": [Case("one", f"/tables/{TABLE}/rules/a/points/01890000-0000-7000-8000-000000000000", {"mark": "exclude"})],
    "dataset": [Case("one", "/datasets/set-{w}")],
    "check": [Case("one", f"/tables/{TABLE}/check", {})],
    "check_dataset": [Case("one", "/datasets/set-{w}/check", {})],
    "requests": [
        Case("list", f"/requests{query}")
        for query in ("", "?target={target}", "?table=publ", "?table=public.a", "?trial=only", "?dataset=set-{w}", "?requested_by=asker-{target}")
    ],
    "request_page": [
        Case("one", f"/requests/{which}-{{w}}{query}")
        for which in ("done", "trial")
        for query in ("", "?format=csv&rule=a", "?format=command")
    ],
    "cancel": [Case("one", "/requests/trial-{w}/cancel", {})],
    "new_table": [Case("list", "/configuration")],
    "show_editor": [Case("one", f"/configuration/{TABLE}"), Case("one", f"/configuration/{TABLE}?version=1")],
    "edit_table": [
        Case("one", f"/configuration/{TABLE}", {"document": TEXT, "opened": "1", "action": action})
        for action in ("validate", "preview", "try")
    ],
    "validate_table": [Case("one", f"/configuration/{TABLE}/validate", {"document": TEXT})],
    "table_versions": [Case("one", f"/configuration/{TABLE}/versions"), Case("one", f"/configuration/{TABLE}/versions?from=1&to=1")],
    "table_trial": [Case("one", f"/configuration/{TABLE}/trials/trial-{{w}}")],
    "keys": [Case("unlimited", "/keys")],
    "new_key": [Case("unlimited", "/keys/new")],
    "create_key": [Case("unlimited", "/keys", {"name": "new", "scopes": "read"})],
    "rotate_key": [Case("unlimited", "/keys/seeing/rotate")],
    "rotate_key_now": [Case("unlimited", "/keys/seeing/rotate", {"overlap": "0s"})],
    "revoke_key": [Case("unlimited", "/keys/seeing/revoke")],
    "revoke_key_now": [Case("unlimited", "/keys/seeing/revoke", {})],
    "audit": [Case("unlimited", "/audit")],
    "profiles": [Case("list", "/profiles"), Case("list", "/profiles?target={target}"), Case("list", "/profiles?table=public.a")],
    "create_profile": [Case("one", "/profiles", {"target": "{target}", "table": "public.a"})],
    "profile": [Case("one", "/profiles/{profile_id}")],
    "preview_suggestions": [Case("one", "/profiles/{profile_id}/preview", {"rule": "a"})],
    "apply_suggestions": [Case("one", "/profiles/{profile_id}/apply", {"rule": "a", "opened": "0"})],
    "waivers": [Case("list", "/waivers"), Case("list", "/waivers?target={target}")],
    "new_waiver": [Case("list", "/waivers/new?target={target}&table=public.a&rule=a")],
    "create_waiver": [
        Case("one", "/waivers", {"target": "{target}", "table": "public.a", "rule": "a", "reason": "because", "until": "2020-01-01"})
    ],
    "incidents": [Case("list", f"/incidents{query}") for query in ("", "?target={target}", "?name=public.a", "?owner=o", "?state=open")],
    "incident_times": [Case("list", "/incidents/summary")],
    "incident": [Case("one", "/incidents/{incident_id}")],
    "acknowledge_incident": [Case("one", "/incidents/{incident_id}/acknowledge", {})],
    "unacknowledge_incident": [Case("one", "/incidents/{incident_id}/unacknowledge", {})],
    "assign_incident": [Case("one", "/incidents/{incident_id}/assign", {"assignee": "ada"})],
    "note_incident": [Case("one", "/incidents/{incident_id}/note", {"text": "seen"})],
    "schedules": [Case("list", "/schedules")],
    "schedule": [Case("one", "/schedules/set-{w}")],
    "run_schedule": [Case("one", "/schedules/set-{w}/run", {})],
    "pause_schedule": [Case("one", "/schedules/set-{w}/pause", {"until": "1h"})],
    "resume_schedule": [Case("one", "/schedules/set-{w}/resume", {})],
    "new_document": [Case("unlimited", f"/new/{word}") for word in ("channel", "route")],
    "create_document": [Case("unlimited", f"/new/{word}", {"document": "name: new", "action": "save"}) for word in ("channel", "route")],
    "validate_new_document": [Case("unlimited", "/new/channel/validate", {"document": "name: new"})],
    "edit_document": [Case("one", "/schedules/set-{w}/edit"), Case("one", "/schedules/set-{w}/edit?version=1")]
    + [Case("unlimited", f"/{place}/new/edit") for place in ("channels", "routes")],
    "save_document": [
        Case("one", "/schedules/set-{w}/edit", {"document": "cron: 1 2 3 4 5", "opened": "1", "action": action})
        for action in ("validate", "save")
    ]
    + [Case("unlimited", f"/{place}/new/edit", {"document": "name: new", "action": "save"}) for place in ("channels", "routes")],
    "validate_document": [Case("one", "/schedules/set-{w}/edit/validate", {"document": "cron: 1 2 3 4 5"})],
    "document_versions": [Case("one", "/schedules/set-{w}/edit/versions"), Case("unlimited", "/routes/new/edit/versions")],
    "ask_to_delete": [Case("one", "/schedules/set-{w}/delete"), Case("unlimited", "/channels/new/delete")],
    "delete_document": [Case("one", "/schedules/set-{w}/delete", {"opened": "1"}), Case("unlimited", "/routes/new/delete", {})],
    "channels": [Case("unlimited", "/channels")],
    "channel": [Case("unlimited", "/channels/new")],
    "test_channel": [Case("unlimited", "/channels/new/test", {})],
    "route": [Case("unlimited", "/routes/new")],
    "notifications": [Case("unlimited", "/notifications")],
    "notification": [Case("unlimited", "/notifications/01890000-0000-7000-8000-000000000000")],
    "send_notification_again": [Case("unlimited", "/notifications/01890000-0000-7000-8000-000000000000/send-again", {})],
    "badges": [Case("list", "/badges")],
    "create_badge": [Case("one", "/badges", {"target": "{target}", "table": "public.a", "label": "new"})],
    "revoke_badge": [Case("one", "/badges/{badge_id}/revoke", {})],
    "waiver": [Case("one", "/waivers/{waiver_id}")],
    "end_waiver": [Case("one", "/waivers/{waiver_id}/delete", {})],
    "login": [Case("everybody")],
    "logout": [Case("everybody")],
    "static": [Case("everybody")],
}  # fmt: skip
CASES = [(name, case) for name, cases in PAGES.items() for case in cases if case.path]


@dataclass(frozen=True)
class Viewers:
    """Browsers that are signed in: with a limited key, with one of the same scopes without limits."""

    limited: FlaskClient
    seeing: FlaskClient
    ids: dict[str, dict[str, str]]  # by target

    def open(self, client: FlaskClient, case: Case, target: str) -> TestResponse:
        def filled(text: str) -> str:
            named = text.replace("{target}", target).replace("{w}", WORDS[target])
            for name in ("waiver_id", "incident_id", "badge_id", "profile_id"):
                named = named.replace(f"{{{name}}}", self.ids[target][name])
            return named

        if case.form is None:
            return client.get(filled(case.path))
        csrf = token(client.get("/"))
        return client.post(filled(case.path), data={"csrf": csrf} | {name: filled(value) for name, value in case.form.items()})


@pytest.fixture(scope="module")
def viewers(world: World) -> Viewers:
    clients = []
    for name in ("limited", "seeing"):
        client = world.apps.apps["backend"].test_client()
        assert sign_in(client, world.keys[name]).status_code == 303
        clients.append(client)
    return Viewers(*clients, world.ids)


def pages_of(world: World) -> Iterator[str]:
    for rule in world.apps.apps["backend"].url_map.iter_rules():
        if rule.endpoint.startswith("dashboard."):
            yield rule.endpoint.removeprefix("dashboard.")


def ids_of(world: World, target: str) -> dict[str, str]:
    """What names the target on a page, also within addresses."""
    named = {"target": target, "w": f"set-{WORDS[target]}", "done": f"done-{WORDS[target]}", "trial": f"trial-{WORDS[target]}"}
    return world.ids[target] | named | {"quoted": quote(target)}


def test_every_page_says_how_it_names_its_target(world: World) -> None:
    assert sorted(set(pages_of(world))) == sorted(PAGES)


@pytest.mark.parametrize(("name", "case"), [each for each in CASES if each[1].how == "one"])
def test_another_target_looks_like_one_that_is_not_there(world: World, viewers: Viewers, name: str, case: Case) -> None:
    shown = {target: viewers.open(viewers.limited, case, target) for target in (OTHER, UNKNOWN)}
    other, unknown = (renamed(answer, ids_of(world, target), target) for target, answer in shown.items())
    assert other == unknown
    assert other[0] == 404, shown[OTHER].text
    if case.form is None and "command" not in case.path and "trial-" not in case.path:  # dbt has not run here
        assert viewers.open(viewers.limited, case, OWN).status_code == 200
        assert viewers.open(viewers.seeing, case, OTHER).status_code == 200


@pytest.mark.parametrize(("name", "case"), [each for each in CASES if each[1].how == "list"])
def test_lists_hold_nothing_of_another_target(world: World, viewers: Viewers, name: str, case: Case) -> None:
    page = viewers.open(viewers.limited, case, OWN)
    assert page.status_code == 200
    for word in (OTHER, "-v"):
        assert word not in page.text
    if "{" not in case.path:
        assert OTHER in viewers.open(viewers.seeing, case, OWN).text
        return
    other, unknown = (viewers.open(viewers.limited, case, target) for target in (OTHER, UNKNOWN))
    assert renamed(other, ids_of(world, OTHER), OTHER) == renamed(unknown, ids_of(world, UNKNOWN), UNKNOWN)


@pytest.mark.parametrize(("name", "case"), [each for each in CASES if each[1].how == "unlimited"])
def test_what_belongs_to_no_target_is_for_keys_without_limits(viewers: Viewers, name: str, case: Case) -> None:
    page = viewers.open(viewers.limited, case, OWN)
    assert page.status_code == 403
    assert "<h1>" in page.text


def test_the_audit_log_leads_to_its_subjects(world: World) -> None:
    owner = world.apps.apps["backend"].test_client()
    sign_in(owner, world.keys["all"])
    page = owner.get("/audit?action=waiver.created").text
    assert f'href="/waivers/{world.ids[OWN]["waiver_id"]}"' in page
    assert owner.get(f"/waivers/{world.ids[OWN]['waiver_id']}").status_code == 200


def test_counts_are_of_what_one_sees(world: World, viewers: Viewers) -> None:
    assert "<title>1 closed" in viewers.limited.get("/").text
    assert "<title>2 closed" in viewers.seeing.get("/").text


def test_what_one_sees_is_part_of_the_etag(world: World, viewers: Viewers) -> None:
    """The same page with the same values is another one as soon as its viewer may see something else."""
    path, renewal = "/configuration", {"X-Renewal": "1"}
    etag = viewers.limited.get(path).headers["ETag"]

    def asked() -> int:
        return viewers.limited.get(path, headers=renewal | {"If-None-Match": etag}).status_code

    def limit(targets: list[str]) -> None:
        with world.apps.database.transaction() as cursor:
            cursor.run("update stringx.api_keys set targets = %(targets)s where name = 'limited'", {"targets": targets})

    assert asked() == 304
    limit([OWN, "another"])
    assert asked() == 200
    limit([OWN])
    assert asked() == 304


def test_the_navigation_leads_only_to_what_one_may_open(world: World, viewers: Viewers) -> None:
    owner: Any = world.apps.apps["backend"].test_client()
    sign_in(owner, world.keys["all"])
    for path in ("/keys", "/audit"):
        assert f'href="{path}"' in owner.get("/").text
        assert f'href="{path}"' not in viewers.limited.get("/").text
        assert f'href="{path}"' not in viewers.seeing.get("/").text
