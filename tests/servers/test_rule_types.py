"""Every rule type on every server, in one check: what plain SQL of that server says."""

import pytest

from tests.servers.clusters import Server
from tests.support.databases import Target
from tests.support.engine import Engine, gate
from tests.support.readings import COUNTED, DBT, MEASURED, READINGS


def test_counts_and_measures_are_those_of_plain_sql(engine: Engine, target: Target, server: Server) -> None:
    target.execute(READINGS)
    version = int(server.value("select current_setting('server_version_num')"))
    cases = [(tested, truth) for tested, truth in COUNTED] + [
        (tested, f"select x.failures, null::int from ({truth}) as x(failures)") for tested, truth in DBT
    ]
    spec = gate(
        "readings",
        *(tested | {"id": f"c{n}"} for n, (tested, _) in enumerate(cases)),
        *(tested | {"id": f"m{n}"} for n, (tested, *_) in enumerate(MEASURED)),
        sample_columns=["read_at"],
    )
    found = engine.rules(target, spec)
    for n, (tested, truth) in enumerate(cases):
        got = found[f"c{n}"]
        if tested["type"] == "castable" and version < 160000:
            assert (got["status"], got["reason"]) == ("error", f"needs PostgreSQL 16 or newer; this server is {version // 10000}")
            continue
        ((failures, total),) = target.query(truth)
        assert (got["reason"], got["failures"], got["total"]) == (None, failures, total), tested
    for n, (tested, truth, status) in enumerate(MEASURED):
        ((measured, total),) = target.query(truth)
        got = found[f"m{n}"]
        assert (got["reason"], got["status"], got["total"]) == (None, status, total), tested
        if measured is None or "read_at" in tested["columns"]:
            assert got["measured"] == measured
        else:
            assert float(got["measured"]) == pytest.approx(float(measured)), tested
