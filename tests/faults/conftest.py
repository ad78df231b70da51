"""One installation, whole again before each test; each test once, or twenty times with --long."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.support.installation import FEW_RULE_TYPES, Installation

TURNS = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/faults/"):
            item.add_marker(pytest.mark.faults)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(TURNS if metafunc.config.getoption("long") else 1))


@pytest.fixture
def dice(turn: int, request: pytest.FixtureRequest) -> Random:
    """Chance, the same in every run of a turn."""
    return Random(f"{request.node.originalname} {turn}")


@pytest.fixture(scope="package")
def shared() -> Iterator[Installation]:
    made = Installation(rule_types=FEW_RULE_TYPES)
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def installation(shared: Installation, turn: int) -> Installation:
    """The shared one, with every process alive, nothing broken and nothing waiting."""
    shared.heal()
    return shared
