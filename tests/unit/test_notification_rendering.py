"""Messages in each form: what stands in them, how long they are, and that nobody's words become mark-up."""

import json
import logging
import re
import smtplib
import warnings
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from backend.notifications.rendering import LONGEST_TITLE, Form, heading, render
from backend.notifications.senders.cloud_events import event_of
from backend.notifications.senders.orders import Order
from stringx_dataops.contract.messages.notifications import (
    WORST_FIRST,
    Before,
    Digest,
    DigestLine,
    DigestSection,
    Named,
    NotificationContent,
    Told,
    ToldRule,
    main_kind,
)

AT = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
URL = "https://checks.test"
INCIDENT = "01890000-0000-7000-8000-00000000000a"
BEFORE = Before(at=AT - timedelta(days=1), status="fail", failures=10, total=1000, measured=None)
FORMS: tuple[Form, ...] = ("text", "markdown", "html")


def rule(**changes: Any) -> ToldRule:
    fields: dict[str, Any] = {"id": "a", "table": "public.flights", "status": "fail", "failures": 120, "total": 1000}
    return ToldRule(**fields | changes)


def told(**changes: Any) -> Told:
    fields: dict[str, Any] = {"what": "closed", "target": "nyc", "table": "public.flights", "since": AT, "rules": [rule()]}
    fields |= {"gate": "closed", "gate_before": "open", "verdict": "fail", "incident_id": INCIDENT}
    return Told(**fields | changes)


def content(*items: Told, **changes: Any) -> NotificationContent:
    counts: dict[Any, int] = {}
    for item in items:
        counts[item.what] = counts.get(item.what, 0) + 1
    fields: dict[str, Any] = {"kind": "change", "made_at": AT, "counts": counts, "items": items}
    return NotificationContent(**fields | changes)


def text(*items: Told, url: str | None = URL, **changes: Any) -> str:
    return render(content(*items, **changes), "team", url).body


def test_what_a_person_needs_stands_in_it() -> None:
    found = text(
        told(
            owner="data", assignee="ann", runbook="https://wiki.test/a", reasons=["verdict fail", "too old"], rules_more=2,
            rules=[rule(before=BEFORE, owner="loaders"), rule(id="b", failures=None, total=None, measured=12.5)],
        )
    )  # fmt: skip
    assert found.splitlines() == [
        "Table public.flights (target nyc) is closed, since 2026-11-29 06:00 UTC",
        "Gate: closed, before that open; verdict fail",
        "Reason: too old",
        "Owner: data",
        "Assignee: ann",
        "Runbook: https://wiki.test/a",
        "Table: https://checks.test/tables/nyc/public.flights",
        f"Incident (acknowledge it there): https://checks.test/incidents/{INCIDENT}",
        "- a fail: 120 of 1,000 (12.00%); 2026-11-28 06:00 UTC: fail with 10 of 1,000 (1.00%), now +110; owner loaders",
        "- b fail: measured 12.5",
        "- … and 2 more rules",
    ]


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"status": "pass", "failures": 0}, {}, "passed, now +120"),
        ({"status": "fail", "failures": 120}, {}, "fail with 120 of 1,000 (12.00%), the same"),
        ({"status": "error", "failures": None}, {}, "error"),
        (
            {"status": "warn", "failures": None, "measured": 3.5},
            {"failures": None, "measured": 2.0},
            "warn with measured 3.5, now -1.5",
        ),
    ],
)
def test_numbers_are_held_against_the_day_before(before: dict[str, Any], now: dict[str, Any], words: str) -> None:
    fields = {"at": AT - timedelta(days=1), "total": 1000, "measured": None} | before
    found = text(told(rules=[rule(before=Before(**fields), **now)]))
    assert found.endswith(f"; 2026-11-28 06:00 UTC: {words}")


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ("120 of 1,000 rows are null", "120 of 1,000 rows are null"),
        ("see the wiki", "see the wiki (120 of 1,000 (12.00%))"),
        ("1200 too many", "1200 too many (120 of 1,000 (12.00%))"),
    ],
)
def test_numbers_stand_beside_words_that_lack_them(finding: str, words: str) -> None:
    assert text(told(rules=[rule(finding=finding)])).endswith(f"- a fail: {words}")


def test_without_an_address_of_the_dashboard_there_are_words_and_no_links() -> None:
    found = text(told(), url=None)
    assert f"Acknowledge it: dataops incidents acknowledge {INCIDENT}" in found
    assert "http" not in found


def test_the_end_of_an_incident_says_how_long_it_took_and_asks_nobody_to_acknowledge() -> None:
    found = text(
        told(
            what="opened", gate="open", gate_before="closed", opened_at=AT - timedelta(hours=26), ended_because="check", rules=[]
        )
    )
    assert "The incident lasted 1 d 2 h, since 2026-11-28 04:00 UTC, ended by a check" in found
    assert "acknowledge" not in found


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (content(told()), "Closed: public.flights (nyc)"),
        (content(told(table=None, dataset="orders", what="opened")), "Open again: orders (nyc)"),
        (content(told(), told(what="stale"), cause="dataset d"), "2 tables of nyc: 1 closed, 1 stale (dataset d)"),
        (content(told(), told(target="shop")), "2 tables: 2 closed"),
        (content(told(), told(table=None, dataset="d", target="shop")), "2 tables and datasets: 2 closed"),
        (content(told(table=None, dataset="d"), told(table=None, dataset="e")), "2 datasets of nyc: 2 closed"),
        (content(counts={"closed": 10_000}), "10,000 tables and datasets: 10,000 closed"),
        (content(kind="test"), "Test message of StringX to the channel team"),
    ],
)
def test_titles(made: NotificationContent, words: str) -> None:
    assert heading(made, "team") == words


def test_a_digest_has_its_sections() -> None:
    sections = [DigestSection(title="Open", lines=[DigestLine(text="public.a", path="/incidents/1")], more=4)]
    made = NotificationContent(
        kind="digest", made_at=AT, digest=Digest(owner="data", start=AT, end=AT + timedelta(days=7), sections=sections)
    )
    assert heading(made, "team") == "Weekly digest of data, 2026-11-29 to 2026-12-06"
    assert render(made, "team", URL).body == "Open\n- public.a, details: https://checks.test/incidents/1\n- … and 4 more"


def test_a_digest_says_the_first_of_each_section_where_little_fits() -> None:
    lines = [
        DigestLine(text=f"public.orders_{n} (nyc): closed for 3 d, not acknowledged", path=f"/incidents/{n}") for n in range(50)
    ]
    sections = [DigestSection(title=title, lines=lines, more=7) for title in ("Open incidents", "Most trouble", "Never checked")]
    sections.insert(0, DigestSection(title="How it stands", lines=[DigestLine(text="9 gates: 9 closed")]))
    made = NotificationContent(kind="digest", made_at=AT, digest=Digest(owner="data", start=AT, end=AT, sections=sections))
    found = render(made, "team", URL, longest=500).body
    assert "9 gates: 9 closed" in found
    assert found.count("public.orders_0") == found.count("… and 56 more") == 3
    assert len(render(made, "team", URL, longest=30_000).body) > 10_000


def test_a_storm_names_what_it_can_and_counts_the_rest() -> None:
    also = [Named(what="closed", target="nyc", table=f"public.t{n}", since=AT) for n in range(200)]
    made = content(*(told(table=f"public.x{n}") for n in range(10)), counts={"closed": 10_000}, also=also, more=9790)
    found = render(made, "team", URL).body
    assert found.count("is closed") + found.count(") is closed since") >= 210
    assert "… and 9,790 more\nAll incidents: https://checks.test/incidents" in found
    assert len(event_json(made)) < 256 * 1024


def event_json(made: NotificationContent) -> str:
    order = Order(notification_id=INCIDENT, channel="team", type="webhook", address="http://x.test", public_url=URL, content=made)
    return json.dumps(event_of(order))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("longest", [1, 20, 160, 500, 1000, 4096])
@pytest.mark.parametrize("longest_title", [0, 1, 250])
def test_it_is_as_long_as_the_channel_takes(form: Form, longest: int, longest_title: int) -> None:
    wide = told(
        table="public." + "x" * 56, rules=[rule(id="r" * 63, finding="f" * 300)] * 10, reasons=["y" * 300] * 5, owner="o" * 200
    )
    found = render(content(*[wide] * 10), "c" * 63, URL, form, longest=longest, longest_title=longest_title)
    assert 0 < len(found.body) <= longest
    assert len(found.title) <= min(longest_title, LONGEST_TITLE)
    assert found.title == "10 tables of nyc: 10 closed" or longest_title < 100


EVIL = "<script>alert(1)</script><b>&lt; [x](http://evil.test) `*_~| @everyone @here <!channel> <@U1> \r\nBcc: x\u202e\x07 ![i](http://evil.test/i)"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.links |= {value or "" for name, value in attributes if name == "href"}
        assert {name for name, _ in attributes} <= {"href"}


def test_where_little_fits_all_are_named_rather_than_one_told_in_full() -> None:
    several = [told(table=f"public.orders_{n}", runbook=f"https://wiki.test/{'x' * 200}*") for n in range(5)]
    found = render(content(*several), "team", URL, "markdown", longest=700).body
    assert all(f"public.orders_{n}" in found for n in range(5))
    least = render(content(several[0]), "team", URL, longest=180).body.splitlines()
    assert least == [f"Table: {URL}/tables/nyc/public.orders_0", f"Incident (acknowledge it there): {URL}/incidents/{INCIDENT}"]
    assert render(content(*several), "team", None, longest=20).body == "5 in all"
    assert "*" not in render(content(several[0]), "team", URL).body, "services read it as mark-up, also in an address"


def evil() -> NotificationContent:
    bad = rule(id=EVIL, table=EVIL, finding=EVIL, owner=EVIL, runbook='https://wiki.test/")<b>')
    item = told(
        table=EVIL,
        target=EVIL,
        owner=EVIL,
        assignee=EVIL,
        acknowledged_by=EVIL,
        reasons=[EVIL],
        rules=[bad],
        runbook="https://x.test/(a)",
    )
    return content(item, cause=EVIL, also=[Named(what="warn", target=EVIL, dataset=EVIL, since=AT)])


def test_words_of_others_are_data_in_html() -> None:
    tags = Tags()
    tags.feed(render(evil(), "team", URL, "html").body)
    assert tags.found <= {"p", "b", "br", "code", "a", "ul", "li"}
    assert {link.split("/")[2] for link in tags.links} <= {"checks.test", "wiki.test", "x.test"}


@pytest.mark.parametrize("form", FORMS)
def test_words_of_others_mention_nobody_and_stay_in_their_line(form: Form) -> None:
    found = render(evil(), "team", URL, form)
    for text in (found.title, found.body):
        assert "@everyone" not in text
        assert "@here" not in text
        assert not {"\u202e", "\x07", "\r"} & set(text)
        assert "\nBcc" not in text
    assert "\n" not in found.title
    assert not {"<", ">", "[", "`"} & set(found.title)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_words_of_others_are_no_links_in_chats(form: Form) -> None:
    body = render(evil(), "team", URL, form).body
    assert "](" not in body
    assert not {"<", ">"} & set(body)


def test_words_of_others_stand_between_backticks_in_markdown() -> None:
    """Nothing of them is outside: where the code spans are taken away, only words of this project are left."""
    left = re.sub(r"https://\S+", "", re.sub(r"`[^`]*`", "", render(evil(), "team", URL, "markdown").body))
    assert not [word for word in ("evil", "script", "~|", "alert", "Bcc") if word in left]


def test_pagers_know_the_incident_that_a_message_is_about() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that some of its plugins use
        import apprise

        from backend.notifications.senders.apprise import name_incident

        apprise.Apprise.instantiate("json://localhost")  # finds the plugins

    def named(address: str, made: NotificationContent) -> Any:
        order = Order(notification_id=INCIDENT, channel="team", type="apprise", address=address, content=made)
        plugin: Any = apprise.Apprise.instantiate(address)
        name_incident(order, plugin)
        return plugin

    pager = named("pagerduty://key@api", content(told()))
    assert (pager.dedup, pager.action) == (INCIDENT, "map")
    pager = named("pagerduty://key@api?action=trigger&dedup=mine", content(told()))
    assert (pager.dedup, pager.action) == ("mine", "trigger")
    pager = named("pagerduty://key@api", content(told(), told()))
    assert (pager.dedup, pager.action) == (None, "trigger"), "of several, none is meant"
    assert named("opsgenie://apikey", content(told())).alias == INCIDENT


def test_opsgenie_closes_the_alert_of_an_incident_that_is_over_and_gets_all_else_as_an_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever remembers nothing of earlier messages closes by the alias."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that some plugins of Apprise use
        from backend.notifications.senders import apprise as sender

    accepted = requests.Response()
    vars(accepted).update(status_code=202, _content=b'{"requestId": "r"}')
    posts: list[str] = []

    def post(url: str, **options: Any) -> requests.Response:
        posts.append(f"{url.partition('/v2')[2]} {(options.get('params') or {}).get('identifierType')}")
        sender.SEEN.has_spoken = True
        return accepted

    monkeypatch.setattr(requests, "post", post)
    ends = told(what="opened", gate="open", gate_before="closed", verdict="pass")
    digest = Digest(owner="", start=AT, end=AT, sections=[])
    deleted = told(what="removed", gate=None, gate_before="closed")
    for made in (
        content(ends),
        content(deleted),
        content(told()),
        content(ends, ends),
        content(kind="test"),
        content(kind="digest", digest=digest),
    ):
        order = Order(notification_id=INCIDENT, channel="team", type="apprise", address="opsgenie://apikey", content=made)
        assert sender.send(order).is_sent
    assert posts == [f"/alerts/{INCIDENT}/close alias"] * 2 + ["/alerts None"] * 4
    ignored = order.model_copy(update={"address": "opsgenie://apikey?action=close"})
    assert (sender.send(ignored).is_sent, sender.send(ignored).gone) == (False, True), "nothing was sent"


def test_a_sending_process_notes_answers_by_one_layer_whatever_number_of_messages_it_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that some plugins of Apprise use
        from backend.notifications.senders import apprise as sender

    patched = [(requests.Session, "send"), *((smtplib.SMTP, name) for name in ("getreply", "connect", "starttls"))]
    for owner, name in patched:
        monkeypatch.setattr(owner, name, getattr(owner, name))  # as before, afterwards
    for name in ("make_msgid", "convert_between"):
        monkeypatch.setitem(vars(sender.mail), name, vars(sender.mail)[name])
    monkeypatch.setattr(logging, "disable", lambda _: None)
    sender.prepare.cache_clear()
    sender.prepare()
    noting = requests.Session.send
    sender.prepare()
    sender.prepare.cache_clear()
    assert requests.Session.send is noting


def test_the_worst_of_an_event_is_what_it_is_told_as() -> None:
    assert main_kind(["closed", "error"]) == "closed"
    assert main_kind(["opened", "warn"]) == "opened"
    assert main_kind(["warn"]) == "warn"
    assert main_kind(["stale"]) == "stale"
    assert {main_kind([what]) for what in WORST_FIRST if not what.startswith("still")} == {
        what for what in WORST_FIRST if not what.startswith("still")
    }
