"""A broker that confirms slowly: later than a transaction may be idle, later than a second publisher may come by."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.broker import Broker, Topics, require
from tests.support.installation import Installation
from tests.support.processes import eventually, free_port
from tests.support.proxy import Proxy

DELAY_S = 3.3  # each way: a confirmation takes longer than the internal database leaves a transaction idle
NUMBER = 30
ENDED = """
insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status)
select 'slow ' || n, 'http', 'shop', 'public.slow', 'async', '{}', '', true, 'queued' from generate_series(1, %(number)s) n;
update stringx.requests set status = 'errored', verdict = 'error', reason = 'refused', finished_at = clock_timestamp()
where request_id like 'slow %%'
"""


@pytest.fixture
def slow() -> Iterator[tuple[Broker, Proxy]]:
    """A broker that products reach over the proxy, and tests at its own port."""
    require()
    made, port = Broker(), free_port()
    proxy = Proxy([port])
    made.configure({
        "listeners": f"PLAINTEXT://127.0.0.1:{made.port},CONTROLLER://127.0.0.1:{made.port + 1},SLOW://127.0.0.1:{port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{made.port},SLOW://127.0.0.1:{proxy.port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SLOW:PLAINTEXT",
    })  # fmt: skip
    try:
        made.start()
        yield made, proxy
    finally:
        proxy.close()
        made.end()


def test_with_a_slow_broker_every_result_arrives_and_none_is_sent_for_ever(
    installation: Installation, slow: tuple[Broker, Proxy]
) -> None:
    broker, proxy = slow
    topics = Topics(broker.servers, "slow.quality-check")
    variables = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{proxy.port}", "KAFKA_TOPIC_PREFIX": topics.prefix}
    process = installation.make("trigger-slow", "trigger", **variables)
    process.start()
    try:
        topics.wait()
        proxy.delay_s = DELAY_S
        installation.rows(ENDED, {"number": NUMBER})
        wanted = {f"slow {number}" for number in range(1, NUMBER + 1)}
        eventually(lambda: not installation.rows("select 1 from stringx.publications"), 150, "that nothing waits any more")
        sent = topics.read(
            topics.results, lambda records: len({json.loads(one.value)["request_id"] for one in records}) >= NUMBER
        )
        counted = Counter(json.loads(record.value)["request_id"] for record in sent)
        assert counted.keys() >= wanted
        assert sum(counted[one] for one in wanted) == NUMBER, "each once: the broker was slow, not away"
        backend = installation["backend-1"].url
        assert "trigger.publish" in installation.call("GET", f"{backend}/metrics").text
        assert installation.call("GET", f"{backend}/readyz").status_code == 200
    finally:
        proxy.forward()
        process.end()
        topics.close()
