"""Gates that change are events in the topic of gates: in order per gate, none lost, whoever is killed."""

import json
from typing import Any

from stringx_dataops.contract.messages.events import CONTENT_TYPE, GateChanged
from tests.kafka.conftest import Trigger
from tests.support.broker import Topics, header
from tests.support.installation import Installation
from tests.support.processes import eventually

FLIPS = """
insert into stringx.events (kinds, subject_kind, target, name, at, gate, gate_before)
select '{closed}', 'table', 'shop', %(prefix)s || n %% 20, clock_timestamp(), 'closed', 'open' from generate_series(1, 1500) n order by n
"""


def test_a_gate_that_closes_and_opens_again_is_two_events(installation: Installation, trigger: Trigger, topics: Topics) -> None:
    trigger()
    table = installation.table("dirty")
    installation.result(closing := installation.ask(table))
    installation.load(f"truncate {table.base}; insert into {table.base} select n, n from generate_series(1, 50) n")
    installation.result(opening := installation.ask(table))
    key = f"shop/{table.relation}".encode()

    def both(records: list[Any]) -> bool:
        return len([record for record in records if record.key == key]) >= 2

    records = [record for record in topics.read(topics.gates, both) if record.key == key]
    assert {header(record, "content-type") for record in records} == {CONTENT_TYPE}
    closed, opened = (GateChanged.model_validate_json(record.value) for record in records)
    assert [closed.subject, opened.subject] == [key.decode()] * 2
    assert (closed.data.gate, closed.data.gate_before, closed.data.request_id) == ("closed", None, closing)
    assert (opened.data.gate, opened.data.gate_before, opened.data.request_id) == ("open", "closed", opening)
    failures = table.truth().failures
    assert {rule.id for rule in closed.data.rules} <= set(failures) | {"rows"}
    assert opened.data.incident_id == closed.data.incident_id is not None


def test_events_arrive_in_the_order_of_each_gate_while_triggers_are_killed(
    installation: Installation, trigger: Trigger, topics: Topics
) -> None:
    first = trigger()
    waiting = "select count(*) as number from stringx.gate_publications"
    eventually(lambda: installation.rows(waiting)[0]["number"] == 0, 60, "an empty line")
    prefix = f"public.{topics.prefix[5:13]}_"
    installation.rows(FLIPS, {"prefix": prefix})
    trigger(wait=False)
    first.kill()
    installation.rows("update stringx.gate_publisher set lease_expires_at = clock_timestamp() where worker is not null")
    eventually(lambda: installation.rows(waiting)[0]["number"] == 0, 120, "the end of all events")
    written = installation.rows("select id, name from stringx.events where name like %s order by event_id", [prefix + "%"])
    order = {str(row["id"]): place for place, row in enumerate(written)}
    records = topics.read(topics.gates, lambda found: {json.loads(one.value)["id"] for one in found} >= set(order))
    for name in {row["name"] for row in written}:
        sent = [order[json.loads(one.value)["id"]] for one in records if one.key == f"shop/{name}".encode()]
        assert list(dict.fromkeys(sent)) == sorted(set(sent)), "each for the first time after those before it"
        assert sent[-1] == max(sent), "the last message is how the gate is"
