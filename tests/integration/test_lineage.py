"""OpenLineage events: what they say, held against the schema of the standard; in order, until they are taken."""

import copy
from typing import Any

import pytest

from backend.lineage import sending
from backend.lineage.events import Teller, events, over_two_tables
from backend.lineage.sending import Keeper, LineageSender, NotTaken, Waiting
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support.datasets import CATALOGUE, TARGET, ask, check_now, claimed, end
from tests.support.lineage_schema import faults
from tests.support.receivers import http_receiver

TELLER = Teller("https://checks.example.org", "stringx", over_two_tables(CATALOGUE))


def result(**changes: Any) -> CheckResult:
    rule = {
        "columns": [],
        "kind": "engineering",
        "dimension": "completeness",
        "total": 10,
        "failure_ratio": None,
        "verified_by": "scan",
    }
    rules = [
        {"id": "a", "type": "not_null", "columns": ["a"], "status": "pass", "failures": 0, "measured": None, "message": "passes"},
        {"id": "b", "type": "unique", "columns": ["a", "b"], "status": "fail", "failures": 3, "measured": None, "message": "fails",
         "sample": {"columns": ["a"], "rows": [["secret value"]]}, "description": "once"},
        {"id": "c", "type": "maximum", "columns": ["a"], "status": "warn", "failures": None, "measured": 17.5, "message": "large"},
        {"id": "d", "type": "maximum", "columns": ["a"], "status": "fail", "failures": None, "measured": None, "measured_hidden": True,
         "message": "hidden", "shadow": True},
        {"id": "e", "type": "relationship", "columns": ["a"], "status": "fail", "failures": 1, "measured": None, "message": "lacks"},
        {"id": "f", "type": "not_null", "columns": ["a"], "status": "error", "failures": None, "measured": None,
         "message": 'invalid input: "secret value"'},
    ]  # fmt: skip
    at = "2026-01-31T06:00:00Z"
    return CheckResult.model_validate(
        {"check_id": "01890000-0000-7000-8000-000000000000", "request_id": "r1", "target": "shop", "table": "public.orders",
         "status": "succeeded", "verdict": "error", "queued_at": at, "started_at": at, "finished_at": "2026-01-31T06:00:01Z",
         "row_count": 10, "reason": "secret value", "rules": [rule | each for each in rules], "counts": {}} | changes
    )  # fmt: skip


def test_a_result_as_events() -> None:
    began, ended = events(TELLER, result(), stored_target(TARGET | {"port": 5433}), "closed")
    for event in (began, ended):
        assert faults(event) == []
        assert (event["job"]["namespace"], event["job"]["name"]) == ("stringx", "shop.public.orders")
        assert [(each["namespace"], each["name"]) for each in event["inputs"]] == [("postgres://h:5433", "d.public.orders")]
    assert (began["eventType"], began["eventTime"]) == ("START", "2026-01-31T06:00:00Z")
    assert (ended["eventType"], ended["eventTime"]) == ("COMPLETE", "2026-01-31T06:00:01Z")
    facets = ended["inputs"][0]["inputFacets"]
    said = {each["name"]: each for each in facets["dataQualityAssertions"]["assertions"]}
    assert list(said) == ["a", "b", "c", "d"]
    assert [each["success"] for each in said.values()] == [True, False, False, False]
    assert [each.get("severity") for each in said.values()] == [None, "error", "warn", "warn"]
    assert [each.get("column") for each in said.values()] == ["a", None, "a", "a"]
    assert [each.get("actual") for each in said.values()] == ["0 of 10 fail", "3 of 10 fail", "17.5", None]
    assert facets["dataQualityMetrics"]["rowCount"] == 10
    [over_two] = ended["run"]["facets"]["test"]["tests"]
    assert (over_two["name"], over_two["status"], over_two["type"], over_two["severity"]) == (
        "e",
        "fail",
        "relationship",
        "error",
    )
    gate = ended["run"]["facets"]["stringx_gate"]
    assert (gate["verdict"], gate["gate"], gate["undecided"]) == ("error", "closed", [{"table": "public.orders", "rule": "f"}])
    assert "secret" not in str([began, ended])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("eventTime",), "2026-01-31 06:00:00"),
        (("eventType",), "SUCCEEDED"),
        (("producer",), "stringx"),
        (("run", "runId"), "7"),
        (("run", "facets", "test", "tests", 0, "status"), True),
        (("run", "facets", "test", "tests", 0, "severity"), None),
        (("run", "facets", "stringx_gate", "_schemaURL"), "gate"),
        (("job", "facets", "jobType", "_schemaURL"), "https://openlineage.io/spec/facets/9-9-9/JobTypeJobFacet.json"),
        (("job", "name"), None),
        (("inputs", 0, "inputFacets", "dataQualityMetrics", "rowCount"), 10.5),
        (("inputs", 0, "inputFacets", "dataQualityAssertions", "assertions", 0, "success"), "true"),
        (("inputs", 0, "inputFacets", "dataQualityAssertions", "assertions", 0, "sample"), "x"),
    ],
)
def test_the_schema_knows_a_wrong_event(place: tuple[str | int, ...], value: Any) -> None:
    event = copy.deepcopy(events(TELLER, result(), stored_target(TARGET), None)[1])
    found: Any = event
    for step in place[:-1]:
        found = found[step]
    found[place[-1]] = value
    assert len(faults(event)) == 1


@pytest.mark.parametrize(("status", "kind"), [("errored", "FAIL"), ("timed_out", "FAIL"), ("canceled", "ABORT")])
def test_a_check_that_was_not_decided_has_no_assertions(status: str, kind: str) -> None:
    _, ended = events(TELLER, result(status=status, rules=[], row_count=None, started_at=None), None, None)
    assert faults(ended) == []
    assert ended["eventType"] == kind
    assert ended["inputs"] == [{"namespace": "stringx://shop", "name": "public.orders", "inputFacets": {}}]
    assert ("errorMessage" in ended["run"]["facets"]) == (kind == "FAIL")


def test_a_dataset_has_an_input_per_table(shop: Database) -> None:
    found = check_now(shop, {"b": 2}, dataset="sales")
    _, ended = events(TELLER, found, stored_target(TARGET), None)
    assert faults(ended) == []
    assert ended["job"]["name"] == "shop.dataset.sales"
    said = {each["name"]: each["inputFacets"]["dataQualityAssertions"]["assertions"] for each in ended["inputs"]}
    assert {name: [each["success"] for each in rules] for name, rules in said.items()} == {
        "d.public.a": [True],
        "d.public.b": [False],
    }


def sender(database: Database, url: str, key: str | None = None) -> LineageSender:
    return LineageSender(database, "w", f"{url}/api/v1/lineage", key, TELLER)


def due_now(database: Database, which: str = "true") -> None:
    with database.transaction() as cursor:
        cursor.run(f"update stringx.lineage set next_attempt_at = clock_timestamp() - interval '1 second' where {which}")


def stored(database: Database) -> int:
    with database.statements() as cursor:
        return len(cursor.all("select from stringx.lineage"))


def switch(database: Database, what: str) -> None:
    with database.statements() as cursor:
        cursor.run(sending.SQL[what])


def test_results_are_sent_in_order_until_they_are_taken(shop: Database) -> None:
    check_now(shop, table="public.a")
    switch(shop, "begin")
    first, other, second = (check_now(shop, table=f"public.{name}").check_id for name in ("a", "b", "a"))
    with http_receiver((503, {"Retry-After": "7"})) as receiver:
        posting = sender(shop, receiver.url, "key")
        assert posting.send_next(), "the first one is refused"
        assert posting.send_next()
        assert not posting.send_next(), "the second one of the same table waits for it"
        assert [post.json["run"]["runId"] for post in receiver.posts] == [first, other, other]
        assert sending.waiting(shop).events == 2
        due_now(shop)
        while posting.send_next():
            pass
    runs = [(post.json["run"]["runId"], post.json["eventType"]) for post in receiver.posts[3:]]
    assert runs == [(check, kind) for check in (first, second) for kind in ("START", "COMPLETE")]
    assert {(post.path, post.headers["authorization"]) for post in receiver.posts} == {("/api/v1/lineage", "Bearer key")}
    assert sending.waiting(shop).events == 0
    switch(shop, "end")
    check_now(shop, table="public.a")
    assert sending.waiting(shop).events == 0


def test_an_event_that_is_not_understood_does_not_hold_up_its_table_for_ever(shop: Database) -> None:
    switch(shop, "begin")
    first, second = (check_now(shop, table="public.a").check_id for _ in range(2))
    with http_receiver(*[(422, {})] * sending.REFUSALS) as receiver:
        posting = sender(shop, receiver.url)
        for _ in range(sending.REFUSALS):
            assert posting.send_next()
            due_now(shop)
        assert posting.send_next()
    assert [post.json["run"]["runId"] for post in receiver.posts] == [first] * sending.REFUSALS + [second] * 2
    assert "authorization" not in receiver.posts[0].headers


def age(database: Database) -> None:
    """Everything that waits is four days old."""
    with database.transaction() as cursor:
        cursor.run("update stringx.lineage set queued_at = queued_at - interval '4 days'")


def test_what_waits_is_bounded_in_time_and_number(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_WAITING", 2)
    keeper = Keeper(shop, is_sent=True)
    keeper.turn()
    for name in ("a", "b", "a", "b"):
        check_now(shop, table=f"public.{name}")
    keeper.turn()
    assert sending.waiting(shop).events == 2, "whether or not the receiver has failed"
    age(shop)
    keeper.turn()
    assert sending.waiting(shop).events == 2, "each is tried once more"
    posting = sender(shop, "http://127.0.0.1:9")
    while posting.send_next():
        pass
    assert sending.waiting(shop).events == 0


def test_nothing_waits_for_a_receiver_that_is_configured_no_more(shop: Database) -> None:
    Keeper(shop, is_sent=True).turn()
    check_now(shop, table="public.a")
    assert sending.waiting(shop).events == 1
    keeper = Keeper(shop, is_sent=False)
    keeper.turn()
    assert sending.waiting(shop) == Waiting(0, 0.0), "an alert on it would never end"
    assert stored(shop) == 1, "the receiver may be configured again"
    check_now(shop, table="public.a")
    assert stored(shop) == 1
    age(shop)
    keeper.turn()
    assert stored(shop) == 0


def test_a_trial_and_a_result_that_comes_twice_are_sent_once_at_most(shop: Database) -> None:
    switch(shop, "begin")
    ask(shop, table="public.a")
    found = end(shop, claimed(shop))
    tracking.store(shop, found.request_id, found)
    assert sending.waiting(shop).events == 1


def waiting_alike(database: Database, tables: int, each: int) -> None:
    """So many events of each table as if their results were stored one after the other, table by table in turn."""
    with database.transaction() as cursor:
        cursor.run("set local session_replication_role = replica")  # of no results
        cursor.run(
            "insert into stringx.lineage (check_id, target, subject)"
            " select gen_random_uuid(), 'shop', 'public.' || n %% %(tables)s from generate_series(1, %(events)s) n",
            {"tables": tables, "events": tables * each},
        )
        cursor.run("analyze stringx.lineage")


def looked_at(database: Database) -> int:
    """Blocks that one more look for a due event goes through."""
    with database.statements() as cursor:
        plan = cursor.all("explain (analyze, buffers, format json) " + sending.SQL["claim"], {"worker": "w", "lease_s": 60})
    found = plan[0]["QUERY PLAN"][0]["Plan"]
    return int(found["Shared Hit Blocks"]) + int(found["Shared Read Blocks"])


def test_what_waits_behind_others_is_not_looked_at_again_while_the_receiver_is_away(shop: Database) -> None:
    waiting_alike(shop, tables=50, each=100)
    posting = sender(shop, "http://127.0.0.1:9")
    for _ in range(50):
        message = posting.claim()
        assert message is not None
        assert posting.store_postponed(message, NotTaken("away"), 600)
    assert posting.claim() is None
    assert looked_at(shop) < 100, "of 5,000 events"


def test_all_come_in_order_after_the_receiver_was_away(shop: Database) -> None:
    waiting_alike(shop, tables=5, each=60)
    posting = sender(shop, "http://127.0.0.1:9")
    while (message := posting.claim()) is not None:
        posting.store_postponed(message, NotTaken("away"), 600)
    due_now(shop, "next_attempt_at < 'infinity'")
    done: list[int] = []
    while (message := posting.claim()) is not None:
        assert posting.mark_done(message, None)
        done.append(message.event_id)
    first = min(done)
    assert sorted(done) == list(range(first, first + 300))
    for table in range(5):
        of_table = [event for event in done if event % 5 == table]
        assert of_table == sorted(of_table)


def test_what_is_parked_behind_events_that_were_dropped_is_due_again(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_alike(shop, tables=1, each=3)
    posting = sender(shop, "http://127.0.0.1:9")
    message = posting.claim()
    assert message is not None
    assert posting.store_postponed(message, NotTaken("away"), 600)
    assert posting.claim() is None
    monkeypatch.setattr(sending, "MOST_WAITING", 1)
    Keeper(shop, is_sent=True).turn()
    last = posting.claim()
    assert last is not None
    assert last.event_id == message.event_id + 2
