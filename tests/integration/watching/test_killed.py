"""Processes that send are killed before each of their statements: every message arrives, in its order, under one id."""

from datetime import timedelta

from database.pool import Database
from tests.integration.watching.mortal import Mortal
from tests.support.datasets import now
from tests.support.incidents import reported
from tests.support.receivers import http_receiver
from tests.support.watching import channel, configure, messages, planned, route

MOST_STATEMENTS = 20  # of sending a message: far fewer


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
            for statements in range(MOST_STATEMENTS):
                mortal.begin(None, statements)
                if not mortal.was_killed():
                    break
                forget_leases(shop)
            assert 3 < statements < MOST_STATEMENTS - 1, "it was killed before each of its statements, and then not at all"
            mortal.begin(None)
            assert not mortal.was_killed()
        finally:
            mortal.end()
    ids = [post.headers["webhook-id"] for post in receiver.posts]
    assert ids == [first] * (len(ids) - 1) + [second]
    assert 3 <= len(ids) <= statements, "some died before they had sent, the others after, and told nobody that they had"
    assert len({post.json["id"] for post in receiver.posts}) == 2
    assert [message["delivered_at"] is not None for message in messages(shop)] == [True, True]


def forget_leases(database: Database) -> None:
    """As if the leases of the dead were over."""
    with database.transaction() as cursor:
        for leased in ("channel_queues", "notifications"):
            cursor.run(
                f"update stringx.{leased} set lease_expires_at = clock_timestamp() - interval '1 second' where worker is not null"
            )
