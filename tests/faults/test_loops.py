"""Background loops go on whatever comes: senseless answers of the other service, an internal database that refuses statements."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stringx_dataops import __version__
from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import Process, eventually
from tests.support.stranger import NOT_ACKNOWLEDGING, SENSELESS, Stranger

MEMORY_BYTES = 400 << 20  # of each process of a service, at its peak

# An error of a class that the driver does not know.
ODD = """
create function odd() returns trigger language plpgsql as $$ begin raise exception 'odd' using errcode = 'ZZ123'; end $$;
create trigger odd before update on stringx.requests for each row when (new.worker is not null) execute function odd();
create trigger odd before update on dataops.outbox for each row execute function odd();
"""


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


def peak(process: Process) -> int:
    """The most memory that it, or a web process of it, has had so far, in bytes."""
    pids = [process.pid, *(worker.pid for worker in process.web_workers())]
    found = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return max(int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024 for status in found)  # type: ignore[index]


def not_ready(installation: Installation, service: Process) -> list[str]:
    reasons: list[str] = installation.call("GET", f"{service.url}/readyz").json()["reasons"]
    return reasons


def figures(installation: Installation, service: Process, name: str) -> dict[str, float]:
    """Of each loop, by its name."""
    text = installation.call("GET", f"{service.url}/metrics").text
    return {loop: float(value) for loop, value in re.findall(rf'^{name}{{loop="(.*?)"}} (\S+)$', text, re.MULTILINE)}


def failures(installation: Installation, service: Process) -> dict[str, float]:
    """How often each loop has failed since the process began; earlier tests had theirs."""
    return figures(installation, service, "stringx_loop_failures_total")


def test_after_senseless_answers_of_dataops_every_request_ends(installation: Installation, stranger: Stranger) -> None:
    assert len(SENSELESS) >= 40
    table, proxy = installation.table("dirty"), installation.to_api
    honest = proxy.upstreams
    before = {service.name: failures(installation, service) for service in installation.of_role("backend")}
    proxy.upstreams = [stranger.port]
    proxy.cut()
    try:
        asked = [installation.ask(table, request_id=f"senseless {number} {stranger.port}") for number in range(10)]
        canceled = asked.pop()
        installation.call("POST", f"{installation['backend-1'].url}/api/v1/requests/{canceled}/cancel")
        eventually(lambda: stranger.answered >= len(SENSELESS), 90, "that each answer has been given")
        assert not installation.rows("select 1 from stringx.requests where request_id = any(%s) and sent_at is not null", [asked])
        for service in installation.of_role("backend"):
            assert not_ready(installation, service) == []
            assert failures(installation, service) == before[service.name], "no loop has failed by what it read"
            assert peak(service) < MEMORY_BYTES
    finally:
        proxy.upstreams = honest
        proxy.cut()
    assert {result["verdict"] for result in installation.results(asked)} == {"fail"}
    assert installation.result(canceled)["status"] in ("canceled", "succeeded")
    said = "".join(service.output() for service in installation.of_role("backend"))
    assert "no answer of DataOps: status 200, text/html: <!DOCTYPE html>" in said
    assert max(len(line) for line in said.splitlines()) < 20_000
    accounting(installation, otherwise={canceled: ["canceled", "succeeded"]})


def test_after_senseless_answers_of_the_backend_every_result_is_delivered(installation: Installation) -> None:
    table, proxy, stranger = installation.table("dirty"), installation.to_backend, Stranger(NOT_ACKNOWLEDGING)
    honest, before = proxy.upstreams, failures(installation, installation["api-1"])
    proxy.upstreams = [stranger.port]
    proxy.cut()
    try:
        asked = [installation.ask(table, "api") for _ in range(6)]
        eventually(lambda: stranger.answered >= len(NOT_ACKNOWLEDGING), 90, "that each answer has been given")
    finally:
        proxy.upstreams = honest
        proxy.cut()
        stranger.close()
    assert {result["verdict"] for result in installation.results(asked)} == {"fail"}
    assert "status 200, text/html: <!DOCTYPE html>" in "".join(one.output() for one in installation.of_role("worker"))
    assert failures(installation, installation["api-1"]) == before, "no loop has failed by what it read"
    accounting(installation)


def test_an_endless_answer_of_a_receiver_is_not_read_to_its_end(installation: Installation) -> None:
    table, proxy, stranger = installation.table(), installation.to_backend, Stranger(SENSELESS[-1:])
    honest = proxy.upstreams
    proxy.upstreams = [stranger.port]
    proxy.cut()
    try:
        request = installation.ask(table, "api")
        acknowledged = (
            "select 1 from dataops.outbox join dataops.checks using (check_id) where request_id = %s and delivered_at is not null"
        )
        eventually(lambda: installation.rows(acknowledged, [request]), 60, "the acknowledgement")
        assert all(peak(worker) < MEMORY_BYTES for worker in installation.of_role("worker"))
    finally:
        proxy.upstreams = honest
        proxy.cut()
        stranger.close()


def test_loops_that_an_odd_error_keeps_from_turning_are_named_and_go_on_afterwards(installation: Installation) -> None:
    table, api, backend = installation.table("dirty"), installation["api-1"], installation["backend-1"]
    installation.to_api.refuse()
    first = installation.ask(table, url=backend.url)  # waits to be sent
    second = installation.ask(table, "api", url=api.url)
    try:
        installation.rows(ODD)
        installation.to_api.forward()
        third = installation.ask(table, "api", url=api.url)  # waits to be delivered
        for service, loop in ((backend, "dispatch-"), (api, "deliver-")):
            eventually(lambda s=service, w=loop: any(w in one for one in not_ready(installation, s)), 90, f"{loop} named")
            assert installation.call("GET", f"{service.url}/readyz").status_code == 503
            [reason, *_] = [one for one in not_ready(installation, service) if loop in one]
            assert re.search(rf"the loop {loop}\d .*has not turned for \d+ s: DatabaseFault", reason)
            assert "\n" not in reason
        assert any(figures(installation, backend, "stringx_loop_failures_total").values())
        found = figures(installation, api, "stringx_loop_seconds_since_turn")
        assert max(found[f"worker.deliver-{number}"] for number in (0, 1)) > 20
        assert installation.call("GET", f"{api.url}/healthz").status_code == 200
        assert "odd" in installation["backend-1"].output()
        assert '"exception"' in installation["backend-1"].output(), "with its traceback"
    finally:
        installation.rows("drop function if exists odd cascade")
        installation.to_api.forward()
    for service in (backend, api):
        eventually(lambda s=service: not_ready(installation, s) == [], 60, "readiness")
    assert {installation.result(request)["verdict"] for request in (first, second, third)} == {"fail"}
    accounting(installation)


def test_a_web_process_says_its_release_until_it_is_stopped(installation: Installation) -> None:
    service = installation["backend-2"]
    [worker] = service.web_workers()

    def said() -> list[str]:
        found = installation.rows("select process, release from public.stringx_loops where service = 'web:backend'")
        return [row["release"] for row in found if f":{worker.pid}:" in row["process"]]

    eventually(said, 30, "what a new process waits for")
    assert said() == [__version__]
    assert service.stop() == 0
    assert said() == []
    service.start()
    installation.wait_served(service)
