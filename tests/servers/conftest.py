"""Other people's PostgreSQL: Debian's with contrib, the oldest supported release, the newest; a cluster each for a test run.

`target` is an empty database on each of them in turn; `only("debian")` narrows a test to the servers that can hold it.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from tests.servers.clusters import Made, Server, Servers
from tests.support.databases import Target, place_of_clusters

NAMES = ("14", "debian", "18")
ONE_SERVER_EACH = (
    "test_names",
    "test_settings",
    "test_types",
    "test_concurrency",
    "test_refreshed_views",
    "test_constraints",
    "test_no_proof",
    "test_relations",
    "test_sizes",
    "test_words",
    "test_profiles",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The larger files run each test on one of its servers, in turn; with `--long` on all of them."""
    if config.getoption("--long"):
        return
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        server = getattr(item, "callspec", None) and item.callspec.params.get("server")
        if server is not None and item.path.stem in ONE_SERVER_EACH and item.path.parent == Path(__file__).parent:
            others = [name for name in item.callspec._idlist if name != server]
            groups.setdefault("-".join([item.nodeid.partition("[")[0], *others]), []).append(item)
    kept = {id(group[crc32(name.encode()) % len(group)]) for name, group in groups.items()}
    left_out = [item for group in groups.values() for item in group if id(item) not in kept]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def only(*names: str) -> pytest.MarkDecorator:
    """Runs a test on these servers alone: the others cannot hold what it is about."""
    return pytest.mark.parametrize("server", names, indirect=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    home = Path(tempfile.mkdtemp(prefix="stringx-servers-", dir=place_of_clusters()))
    home.chmod(0o755)
    found = Servers(home)
    yield found
    found.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session", params=NAMES)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    return servers.get(request.param)


@pytest.fixture
def made(server: Server, tmp_path: Path) -> Iterator[Made]:
    found = Made(server, tmp_path / "secrets")
    yield found
    for name in found.names:
        server.run(f"drop database {name} with (force)")
    for role in found.roles:
        server.run(f"drop role {role}")


@pytest.fixture
def target(made: Made) -> Target:
    """An empty database on each of the servers in turn."""
    return made.target()
