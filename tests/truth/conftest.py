"""A target for all cases, and the table of what was shown at the end of a run."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.databases import Admin, Target, make_target
from tests.support.duckdb_target import DuckdbFiles, duckdb_files
from tests.support.trino_server import Trino
from tests.support.trino_tables import TrinoTables, trino_tables
from tests.truth.cases import SCHEMAS, TYPES, plans
from tests.truth.kinds import TYPES as OWN_TYPES
from tests.truth.tables import quoted

SHOWN = ("pass", "fail", "NULL", "empty")
PROPERTY = "truth"


@pytest.fixture(scope="session")
def truth_target(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One target for all cases; each makes its tables and drops them."""
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    admin.run(f"grant create on database {made.dbname} to {made.dbname}_loader")
    made.execute(OWN_TYPES)
    for schema in SCHEMAS[1:]:
        made.execute(f"create schema {quoted(schema)}; grant usage on schema {quoted(schema)} to {made.user}")
        made.execute(f"alter default privileges in schema {quoted(schema)} grant select on tables to {made.user}")
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbFiles]:
    """Database files of DuckDB, and a child that checks them."""
    with duckdb_files(tmp_path_factory.mktemp("duckdb")) as made:
        yield made


@pytest.fixture(scope="session")
def trino_memory(trino: Trino, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoTables]:
    """Tables in the memory of a Trino server, and a child that checks them."""
    with trino.a_schema("memory") as schema, trino_tables(tmp_path_factory.mktemp("trino"), trino, "memory", schema) as made:
        yield made


def shown(terminalreporter: Any) -> Counter[tuple[str, str]]:
    """How often each type showed each case, summed over the reports of all tests (and processes)."""
    found: Counter[tuple[str, str]] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, counts in report.user_properties:
                    if name == PROPERTY:
                        found.update({(type, case): count for type, case, count in counts})
    return found


def pytest_terminal_summary(terminalreporter: Any) -> None:
    found = shown(terminalreporter)
    if not found:
        return
    pairs = sum(count for (_, case), count in found.items() if case == "pairs")
    terminalreporter.section(f"truth: {pairs} pairs of table and rule in {found['', 'tables']} tables")
    terminalreporter.write_line(f"{'type':20}{'pairs':>8}" + "".join(f"{case:>8}" for case in (*SHOWN, "error")))
    for type in TYPES:
        terminalreporter.write_line(f"{type:20}" + "".join(f"{found[type, case]:>8}" for case in ("pairs", *SHOWN, "error")))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run of all plans in which a type lacks one of the cases fails, whatever its tests say."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != 0:
        return
    found = shown(reporter)
    if found["", "plans"] == len(plans()) and any(not found[type, case] for type in TYPES for case in SHOWN):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
