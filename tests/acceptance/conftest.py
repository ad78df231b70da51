"""The product as a person starts it: one `./start-service.sh --local` for all acceptance tests."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.broker import JAVA
from tests.support.service import Service, free_pair, has_kafka, make_service


@pytest.fixture(scope="package")
def service() -> Iterator[Service]:
    nowhere = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    nowhere |= dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost")  # receivers of messages; all else is at 127.0.0.1
    started = make_service(TARGET_SHOP_PASSWORD="of the second database", KAFKA_PORT=str(free_pair()), **nowhere, **JAVA)
    started.environment["DUCKDB_FOLDERS"] = str(started.home / "lake")
    if has_kafka():
        started.options = ("--kafka",)
    log_home = started.home
    started.home = started.home / "state"
    try:
        started.start()
        yield started
    finally:
        code, left = started.stop()
        shutil.rmtree(log_home, ignore_errors=True)
    assert (code, left) == (0, [])
