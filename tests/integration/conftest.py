"""What the tests of several modules here share: projects of their own, and a table."""

import pytest

from tests.support.databases import Target


@pytest.fixture
def orders(target: Target) -> Target:
    target.execute("create table orders as select n as id from generate_series(1, 5) n")
    return target
