"""The examples for Airflow and Dagster, each run by its own tool in an environment of its own, against a running service."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.environments import Environment, build, environment, install, python_of
from tests.support.processes import eventually
from tests.support.proxy import Proxy
from tests.support.service import Service

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
TOOLS = ["apache-airflow>=3.1,<4", "dagster>=1.12,<2"]
AIRFLOW, DAGSTER = ROOT / "examples" / "airflow", ROOT / "examples" / "dagster"
TRIGGER = """
import asyncio, time
from dataops_gate import GateTrigger
async def fired():
    trigger = GateTrigger({"target": "nyc", "table": "public.airports"}, poll_s=0.2, until=time.time() + 120)
    print("waits", flush=True)
    return [event async for event in trigger.run()]
print(asyncio.run(fired()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))[0]


@pytest.fixture(scope="module", params=TOOLS, ids=["airflow", "dagster"])
def tool(request: pytest.FixtureRequest, wheel: Path) -> Environment:
    """The tool and the client."""
    python = python_of(12) or python_of(13) or python_of(11)
    assert python is not None
    name = request.param.partition(">")[0]
    made = environment(request.config, python, request.param, "psycopg2-binary", name=name)
    install(made, "--force-reinstall", "--no-deps", str(wheel))
    install(made, str(wheel))
    return made


@pytest.fixture(scope="module")
def demo(service: Service) -> Service:
    """With the rules of the staging table."""
    assert service.run("dataops", "rules", "apply", "examples/write_audit_publish/rules.yml").returncode == 0
    return service


def warehouse(service: Service) -> str:
    password, port = ((service.home / name).read_text().strip() for name in ("nyc-loader-password", "postgres-port"))
    return f"postgresql://nyc_loader:{password}@127.0.0.1:{port}/nyc"


def published(service: Service) -> dict[str, int]:
    """Rows by day, without those that are spoiled."""
    connection = psycopg2.connect(warehouse(service))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select to_regclass('public.flights_published')")
            if cursor.fetchone() == (None,):
                return {}
            by_day = (
                "select make_date(year, month, day)::text, count(*) filter (where distance > 0) from public.flights_published"
            )
            cursor.execute(f"{by_day} group by 1")
            return dict(cursor.fetchall())
    finally:
        connection.close()


def start(tool: Environment, service: Service, home: Path, day: str, **given: str) -> subprocess.Popen[bytes]:
    """A run of the example, for this day; what it says is in `run.log`."""
    spoil = given.pop("spoil", "") == "yes"
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "STRINGX_BACKEND_URL": service.backend,
        "STRINGX_API_KEY_FILE": str(service.home / "api-key"),
        "WAREHOUSE_URL": warehouse(service),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(AIRFLOW),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(AIRFLOW),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DAGSTER_HOME": str(home),
    } | given
    wanted = {"day": day, "spoil": spoil}
    if "airflow" in tool.folder.name:
        if not (home / "airflow.db").exists():
            subprocess.run([tool.folder / "bin" / "airflow", "db", "migrate"], env=variables, check=True, capture_output=True)
        command = ["airflow", "dags", "test", "flights", "-c", json.dumps(wanted)]
    else:
        configured = json.dumps({"ops": {"flights_staging": {"config": wanted}}})
        command = ["dagster", "asset", "materialize", "--select", "*", "-f", "flights.py", "--config-json", configured]
    with (home / "run.log").open("wb") as log:
        return subprocess.Popen(
            [tool.folder / "bin" / command[0], *command[1:]], env=variables, cwd=DAGSTER, stdout=log, stderr=log
        )


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    """The worker stands still, so that no check begins and no gate is decided."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    workers = []
    for child in children:
        with suppress(psutil.NoSuchProcess):  # one that ended meanwhile
            workers += [child] if child.cmdline()[-1:] == ["api.worker.main"] else []
    [worker] = workers
    worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGCONT)


def test_only_what_passes_the_gate_is_published(tool: Environment, demo: Service, tmp_path: Path) -> None:
    connection = psycopg2.connect(warehouse(demo))
    with connection, connection.cursor() as cursor:
        cursor.execute("drop table if exists public.flights_published")
    connection.close()
    log = tmp_path / "run.log"

    def end(run: subprocess.Popen[bytes], code: int, words: str) -> None:
        assert run.wait(600) == code, log.read_text()
        assert words in log.read_text()

    end(start(tool, demo, tmp_path, "2013-01-15"), 0, "flights_published" if "dagster" in tool.folder.name else "successful")
    assert published(demo) == {"2013-01-15": 894}, "open"
    end(start(tool, demo, tmp_path, "2013-01-16", spoil="yes"), 1, "distance_plausible: ")
    assert published(demo) == {"2013-01-15": 894}, "closed"
    end(start(tool, demo, tmp_path, "2013-01-16", STRINGX_BACKEND_URL="http://127.0.0.1:9"), 1, "nothing answers at")
    assert published(demo) == {"2013-01-15": 894}, "the service is away"
    with stopped(demo):
        words = "not finished within 3 s" if "dagster" in tool.folder.name else "the gate is not decided within 0:00:03"
        end(start(tool, demo, tmp_path, "2013-01-16", GATE_WAIT_S="3"), 1, words)
        assert published(demo) == {"2013-01-15": 894}, "never decided"
        run = start(tool, demo, tmp_path, "2013-01-17")
        asked = ("dataops", "requests", "list", "--status", "queued", "--table", "public.flights_staging")
        eventually(
            lambda: run.poll() is not None or demo.run(*asked).stdout.count("public.flights_staging") > 1,
            300,
            "the request of the load",
        )
        if "airflow" in tool.folder.name:
            eventually(lambda: run.poll() is not None or "running trigger" in log.read_text(), 300, "the sensor, deferred")
    end(run, 0, "")
    assert set(published(demo)) == {"2013-01-15", "2013-01-17"}, "decided later"


@pytest.mark.parametrize("tool", TOOLS[:1], ids=["airflow"], indirect=True)
def test_the_trigger_waits_for_a_service_that_is_away(tool: Environment, demo: Service, tmp_path: Path) -> None:
    proxy = Proxy([int(demo.environment["BACKEND_PORT"])])
    proxy.drop_answers()
    variables = {"STRINGX_BACKEND_URL": proxy.url, "STRINGX_API_KEY_FILE": str(demo.home / "api-key"), "PYTHONPATH": str(AIRFLOW)}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path)} | variables
    command = [tool.folder / "bin" / "python", "-c", TRIGGER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as waiting:
        eventually(lambda: proxy.connections > 1, 120, "a question, asked again")
        proxy.forward()
        said, _ = waiting.communicate(timeout=200)
    proxy.close()
    assert waiting.returncode == 0, said
    assert "TriggerEvent" in said
