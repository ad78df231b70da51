"""Gates that changed become messages: kept from the transaction that changed them until the broker has them.

One publisher at a time sends all of them: what a gate's last message says is how the gate is (docs/decisions/0033).
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.kafka.messages import KafkaMessage, Receipt
from backend.kafka.publishing import REFUSED_S, NotConfirmed
from database.leases import Lease
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.messages.events import CONTENT_TYPE, gate_changed, subject_of

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PUBLICATION = "gate_publication"  # the payload that wakes the publisher
_LEASE_S = 120  # longer than a batch may take to be sent
_BATCH = 200  # events; of 20 rules each, none is large
_HEADERS = (("content-type", CONTENT_TYPE.encode()),)


def publish(database: Database, publisher: str, public_url: str | None, send: Callable[[Sequence[KafkaMessage]], Receipt]) -> int:
    """Let `send` send the events that wait longest, outside of any transaction, and delete those that are confirmed. Returns
    their number; 0 also while another publisher is at it. NotConfirmed if some are not confirmed: these are sent again, and with
    them the later ones of their gates."""
    with database.transaction() as cursor:
        if not cursor.run(SQL["lease"], Lease(publisher, _LEASE_S).parameters):
            return 0
        rows = cursor.all(SQL["due"], {"limit": _BATCH})
    ids = [row["event_id"] for row in rows]
    messages = [
        KafkaMessage(subject_of(row).encode(), json.dumps(gate_changed(row, public_url), ensure_ascii=False).encode(), _HEADERS)
        for row in rows
    ]
    receipt = Receipt()
    try:
        receipt = send(messages) if messages else receipt
    finally:
        late = [ids[index] for index in receipt.too_large]
        with database.transaction() as cursor:
            cursor.run(SQL["published"], {"ids": [ids[index] for index in _in_order(messages, receipt)]})
            if late:
                cursor.run(SQL["postpone"], {"ids": late, "delay_s": REFUSED_S})
            cursor.run(SQL["give_back"], {"worker": publisher})
    if len(receipt.confirmed) < len(messages):
        raise NotConfirmed(receipt.fault or "the Kafka broker did not confirm all events of gates")
    return len(messages)


def _in_order(messages: Sequence[KafkaMessage], receipt: Receipt) -> list[int]:
    """The confirmed messages that stand in the topic behind every earlier message of their gate. The others are sent again."""
    done: list[int] = []
    broken: set[bytes | None] = set()
    for index, message in enumerate(messages):
        is_done = index in receipt.confirmed and message.key not in broken
        if is_done:
            done.append(index)
        if not is_done or index in receipt.shortened:
            broken.add(message.key)
    return done


def shortened(message: KafkaMessage) -> KafkaMessage:
    """An event without its rules and reasons, for a broker that refuses the whole one; `rules_more` counts them."""
    event = json.loads(message.value or b"")
    data = event["data"]
    data |= {"rules": [], "rules_more": data["rules_more"] + len(data["rules"]), "reasons": [], "tags": []}
    return KafkaMessage(message.key, json.dumps(event, ensure_ascii=False).encode(), message.headers)
