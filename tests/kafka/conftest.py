"""One broker and one installation for all tests here; a prefix, so topics and a group, of each test's own."""

import os
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.support.broker import Broker, Topics, require
from tests.support.collector import Collector
from tests.support.installation import FEW_RULE_TYPES, Installation
from tests.support.processes import Process
from tests.support.receivers import Receiver, http_receiver


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="package")
def servers() -> Iterator[str]:
    """Brokers that no test stops."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    require()
    made = Broker()
    try:
        made.start()
        yield made.servers
    finally:
        made.end()


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """One that the tests of a module may stop; each starts it again."""
    require()
    made = Broker()
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """What OpenTelemetry sends, of all tests here."""
    with http_receiver() as receiver:
        yield Collector(receiver)


@pytest.fixture(scope="package")
def lineage() -> Iterator[Receiver]:
    """What is sent by OpenLineage, of all tests here."""
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="package")
def shared(servers: str, collector: Collector, lineage: Receiver) -> Iterator[Installation]:
    variables = collector.variables | {"OPENLINEAGE_URL": lineage.url}
    made = Installation(each=1, variables=variables, rule_types=FEW_RULE_TYPES)
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def installation(shared: Installation) -> Installation:
    shared.heal()
    return shared


@pytest.fixture
def topics(servers: str) -> Iterator[Topics]:
    found = Topics(servers, f"test-{secrets.token_hex(4)}.quality-check")
    yield found
    found.close()


Trigger = Callable[..., Process]


@pytest.fixture
def trigger(installation: Installation, servers: str, topics: Topics) -> Iterator[Trigger]:
    """Starts triggers of this test's topics, which end with it."""
    made: list[Process] = []

    def start(wait: bool = True, **variables: str) -> Process:
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_TOPIC_PREFIX": topics.prefix} | variables
        process = installation.make(f"trigger-{topics.prefix}-{len(made)}", "trigger", **kafka)
        made.append(process)
        process.start()
        if wait:
            topics.wait()
        return process

    yield start
    for process in made:
        process.end()
