"""dbt's own generic tests in a process that has parsed its project; nothing is logged or written that a test does not need."""

from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from dbt.cli.main import dbtRunner
from lines import Found, configuration, serve

project = configuration()["project"]
where = ["--project-dir", project, "--profiles-dir", project]
quiet = ["--log-level", "none", "--log-level-file", "none", "--no-write-json", "--no-version-check", "--no-populate-cache"]
runner = dbtRunner(manifest=dbtRunner().invoke(["parse", *where, *quiet]).result)
FLAGS = len(DEFAULT_BASE_BEHAVIOR_FLAGS)


def check(table: str) -> Found:
    del DEFAULT_BASE_BEHAVIOR_FLAGS[FLAGS:]  # each run adds to this list of dbt's and is 5 ms slower than the one before
    answer = runner.invoke(["test", "--select", f"source:peers.{table}", *where, *quiet])
    if answer.exception is not None:
        raise answer.exception
    found = {}
    for one in answer.result.results:
        if one.status not in ("pass", "fail"):
            raise RuntimeError(f"{one.node.name}: {one.status} {one.message}")
        found[one.node.name.removeprefix(f"{table}__")] = (one.status == "pass", one.failures)
    return found


serve(check)
