"""During an upgrade the release before runs on the schema of this one, beside it: its real code, from the project's history."""

import io
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stringx_dataops.contract.settings import ROOT
from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import Process, eventually
from tests.support.tables import RULES, CheckedTable

FIRST_CHANGE = "database/migrations/0004_queue.sql"  # the first of this release's migrations


def git(*arguments: str) -> bytes:
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the first migration of this release."""
    try:
        added = git("log", "--diff-filter=A", "--format=%H", "--", FIRST_CHANGE).decode().split()[-1]
        archive = git("archive", f"{added}^", "--", "api", "backend", "contract", "database", "launch", "stringx", "web")
    except (OSError, subprocess.CalledProcessError, IndexError):
        pytest.skip("the code of the release before is not here: clone the project with its whole history")
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    assert not (folder / FIRST_CHANGE).exists()
    return folder


@pytest.fixture
def upgraded(installation: Installation) -> Iterator[Installation]:
    """Without its workers: each test says who works."""
    for worker in installation.of_role("worker"):
        assert worker.stop() in (0, -signal.SIGTERM), "of the test before: it may have started just now"
    yield installation
    installation.supervise()


def old(installation: Installation, before: Path, role: str, **variables: str) -> Process:
    process = installation.make(f"old-{role}", role, root=before, **variables)
    installation.run_extra(process)
    if role == "worker":
        installation.wait_warm(process)
    else:
        installation.wait_served(process)
    return process


@pytest.mark.long
def test_the_release_before_works_on_the_new_schema(upgraded: Installation, before: Path) -> None:
    """All of it at once; by default each service and the worker in the tests below."""
    api = old(upgraded, before, "api")
    backend = old(upgraded, before, "backend", DATAOPS_URL=api.url)
    old(upgraded, before, "worker", BACKEND_URL=backend.url)
    tables = [upgraded.table(kind) for kind in ("clean", "dirty")]
    asked = [upgraded.ask(table, "backend", url=backend.url) for table in tables for _ in range(3)]
    asked += [upgraded.ask(table, "api", url=api.url) for table in tables]
    assert {result["verdict"] for result in upgraded.results(asked)} == {"pass", "fail"}
    assert set(accounting(upgraded)) == set(asked)


def test_both_releases_share_one_queue(upgraded: Installation, before: Path) -> None:
    """Old and new services accept, an old and a new worker run, and the Backend, replaced first, takes results of both. The old
    ones take locks in an order of their own: the database ends one of two that wait in a circle, and its client asks again."""

    def ask(table: CheckedTable, via: str, url: str | None = None) -> str:
        def accepted() -> str | None:
            answer = upgraded.post(table, via, url=url)
            return str(answer.json()["request_id"]) if answer.status_code in (200, 202) else None

        return eventually(accepted, 30, "the acceptance")

    api = old(upgraded, before, "api")
    old(upgraded, before, "worker")
    tables = [upgraded.table(kind) for kind in ("clean", "warned", "dirty")]
    asked = [ask(table, "api", url) for table in tables for url in (api.url, upgraded["api-1"].url)]
    upgraded.results(asked)
    upgraded["worker-1"].start()
    upgraded.wait_warm(upgraded["worker-1"])
    asked += [ask(table, "api", url) for table in tables for url in (api.url, upgraded["api-1"].url) for _ in range(3)]
    asked += [ask(table, "backend") for table in tables]
    upgraded.results(asked)
    assert set(accounting(upgraded)) == set(asked)


def test_neither_a_trial_nor_a_profile_decides_whichever_release_runs_it_and_is_asked_about_it(
    upgraded: Installation, before: Path
) -> None:
    table = upgraded.table("dirty")
    path = f"gates/shop/{table.relation}"
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": table.relation, "rules": RULES[:1]}
    new_backend = upgraded["backend-1"].url
    old_backend = old(upgraded, before, "backend", DATAOPS_URL=upgraded["api-1"].url).url

    def get(url: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = upgraded.call("GET", f"{url}/api/v1/{path}").json()
        return found

    def decides_nothing(request_id: str) -> None:
        for url in (new_backend, old_backend):
            assert get(url, path)["reasons"] == ["never checked: ask for a check first"]
        assert upgraded.rows("select 1 from stringx.results where request_id = %s", [request_id]) == []

    def tried() -> str:
        answer = upgraded.call("POST", f"{new_backend}/api/v1/trials?wait=0", json=document)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["request_id"])

    def ended(request_id: str) -> dict[str, Any]:
        view = eventually(
            lambda: (found := get(new_backend, f"requests/{request_id}")).get("finished_at") and found, 90, "its end"
        )
        assert view["trial"]
        decides_nothing(request_id)
        of_request = get(old_backend, f"{path}?request_id={request_id}")
        assert (of_request["gate"], of_request["reasons"]) == ("closed", [f"request {request_id} has no result"])
        return view

    def profiled() -> dict[str, Any]:
        body = {"target": "shop", "table": table.relation, "mode": "async"}
        answer = upgraded.call("POST", f"{new_backend}/api/v1/profiles", json=body)
        assert answer.status_code == 202, answer.text
        address = f"profiles/{answer.json()['profile_id']}"
        view = eventually(
            lambda: (found := get(new_backend, address))["status"] not in ("queued", "running") and found, 90, "its end"
        )
        decides_nothing(view["request_id"])
        return view

    worker = old(upgraded, before, "worker")
    view = ended(tried())
    assert (view["status"], view["reason"].split(":")[0]) == ("errored", "no_rules")
    view = profiled()
    assert (view["status"], view["reason"].split(":")[0], view["profile"]) == ("errored", "no_rules", None)
    assert worker.stop() == 0
    upgraded["worker-1"].start()
    upgraded.wait_warm(upgraded["worker-1"])
    view = ended(tried())
    assert (view["verdict"], [rule["id"] for rule in view["checks"][0]["rules"]]) == ("pass", ["id_unique"])
    body = {"target": "shop", "table": table.relation, "document": document, "request_id": "asked of DataOps"}
    answer = upgraded.call("POST", f"{upgraded['api-1'].url}/api/v1/quality-checks", json=body)
    assert answer.status_code == 202, answer.text
    ended("asked of DataOps")
    view = profiled()
    assert (view["status"], view["profile"]["table"]) == ("succeeded", table.relation)
