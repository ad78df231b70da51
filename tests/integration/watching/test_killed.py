"""Processes that send are killed before each of their statements: every message arrives, in its order, under one id."""

from datetime import timedelta

from database.pool import Database
from tests.integration.watching.mortal import Mortal
from tests.support.datasets import now
from tests.support.incidents import reported
from tests.support.receivers import http_receiver
from tests.support.watching import channel, configure, messages, planned, route

STATEMENTS = 5  # of sending a message …
BEFORE = 3  # … and those before it is sent


def test_a_sender_that_is_killed_at_any_statement_loses_no_message(shop: Database, internal_url: str) -> None:
    configure(shop, channel(), route())
    at = now(shop) - timedelta(hours=1)
    for verdict in ("fail", "pass"):
        reported(shop, verdict)
        planned(shop, at, settled=at + timedelta(seconds=3))
        at += timedelta(minutes=1)
    first, second = (message["notification_id"] for message in messages(shop))
    with http_receiver() as receiver:
        mortal = Mortal(internal_url, NOTIFY_TEAM=receiver.url)
        try:
            killed = []
            for dies_before in (*range(STATEMENTS), None, None):
                mortal.begin(None, dies_before)
                killed.append(mortal.was_killed())
                forget_leases(shop)
        finally:
            mortal.end()
    assert killed == [True] * STATEMENTS + [False, False]
    ids = [post.headers["webhook-id"] for post in receiver.posts]
    assert ids == [first] * (STATEMENTS - BEFORE + 1) + [second], "those that were killed after sending told nobody that they had"
    assert len({post.json["id"] for post in receiver.posts}) == 2
    assert [message["delivered_at"] is not None for message in messages(shop)] == [True, True]


def forget_leases(database: Database) -> None:
    """As if the leases of the dead were over."""
    with database.transaction() as cursor:
        for leased in ("channel_queues", "notifications"):
            cursor.run(
                f"update stringx.{leased} set lease_expires_at = clock_timestamp() - interval '1 second' where worker is not null"
            )
