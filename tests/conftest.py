"""Real PostgreSQL for every test that needs one: a cluster a test process, a database of its own a test."""

import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from api.engine.pool import ChildFactory
from database.embedded import Cluster
from database.migrate import migrate
from database.pool import Database
from launch import demo
from stringx_dataops.contract.settings import ROOT, read_settings
from tests.support import loaded, trino_server
from tests.support.databases import Admin, Target, make_target, running_cluster
from tests.support.engine import PROJECT, Engine, Project, a_project
from tests.support.trino_server import Trino


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long campaigns, too")


def pytest_configure(config: pytest.Config) -> None:
    """Made-up examples are the same in every run, and other ones with --long; none has a deadline."""
    settings.register_profile("long", deadline=None)
    settings.load_profile("long" if config.getoption("long") else "ci")
    loaded.begin(config)
    trino_server.begin(config)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


@pytest.fixture(scope="session")
def admin(cluster: Cluster) -> Admin:
    return Admin(cluster)


@pytest.fixture(scope="session")
def internal_template(admin: Admin) -> str:
    """The internal database, migrated once."""
    admin.run("create database internal_template")
    database = Database(admin.url("internal_template"), size=1)
    migrate(database)
    database.close()
    return "internal_template"


@pytest.fixture
def internal_url(admin: Admin, internal_template: str) -> Iterator[str]:
    """The address of a migrated internal database of this test's own."""
    name = f"internal_{secrets.token_hex(6)}"
    admin.copy(internal_template, name)
    yield admin.url(name)
    admin.run(f"drop database {name} with (force)")


@pytest.fixture
def database(internal_url: str) -> Iterator[Database]:
    opened = Database(internal_url, size=8)
    yield opened
    opened.close()


@pytest.fixture
def target(admin: Admin, tmp_path: Path) -> Iterator[Target]:
    """An empty target of this test's own."""
    made = make_target(admin, tmp_path / "secrets")
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


@pytest.fixture(scope="session")
def flights_template(admin: Admin, cluster: Cluster) -> str:
    """The demo's database, loaded once."""
    settings = read_settings({"STRINGX_HOME": str(cluster.home)})
    demo.prepare(cluster, settings)
    demo.load(cluster)
    return demo.DATABASE


@pytest.fixture
def flights_target(admin: Admin, flights_template: str, tmp_path: Path) -> Iterator[Target]:
    """The five tables of the demo."""
    made = make_target(admin, tmp_path / "secrets", flights_template)
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A warm dbt child, for the tests of a process."""
    with ChildFactory(PROJECT, tmp_path_factory.mktemp("child"), loaded.folder()).slot(max_checks=10_000) as child:
        yield Engine(child, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def trino() -> Trino:
    """The Trino of this test run: one for all of its processes. Another test's schemas are there, too."""
    return trino_server.shared()


@pytest.fixture
def lake_schema(trino: Trino) -> Iterator[str]:
    """An empty schema of this test's own in the catalog `lake`, which holds Iceberg tables."""
    with trino.a_schema("lake") as name:
        yield name


# What takes longest first, so that nobody waits for it at the end; where a folder shares what is costly to start, it is one chain.
FIRST = ("faults", "kafka", "acceptance", "safety", "integration", "servers")
CHAINS = ("faults", "kafka", "acceptance")
EARLY = ("tests/unit/test_unusual_benchmark.py",)  # of its folder: one test of half a minute


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --long, not the long ones. The order in which several processes take the tests; one process keeps its own."""
    if not config.getoption("long") and (long := [item for item in items if item.get_closest_marker("long")]):
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]
    if hasattr(config, "workerinput"):
        places = {folder: place for place, folder in enumerate(FIRST)}
        items.sort(
            key=lambda item: (
                places.get(_folder(item.nodeid), len(FIRST)),
                _module(item.nodeid) not in EARLY,
                not _is_unit(item.nodeid),
            )
        )


class _GroupScheduling(LoadScopeScheduling):
    """A chain's tests on one worker, a module's together where they share what takes long to make, every other test wherever there
    is room.

    xdist 3.8 writes a test's group into an attribute that pytest 9.2 does not read, so `xdist_group` has no effect.
    """

    def _split_scope(self, nodeid: str) -> str:
        if (folder := _folder(nodeid)) in CHAINS:
            return folder
        return _module(nodeid) if _is_unit(nodeid) else nodeid


def _folder(nodeid: str) -> str:
    return nodeid.removeprefix("tests/").split("/", 1)[0]


def _module(nodeid: str) -> str:
    return nodeid.split("::", 1)[0]


def _is_unit(nodeid: str) -> bool:
    """Whether the tests of this one's module stay together."""
    return nodeid.startswith("tests/safety/") or _shares(_module(nodeid))


@cache
def _shares(module: str) -> bool:
    return 'fixture(scope="module")' in (ROOT / module).read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order is that of the collection
    return _GroupScheduling(config, log)
