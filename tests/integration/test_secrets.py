"""Passwords on their way to a target: which server may ask for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from api.targets.engine import Engine as TargetEngine
from api.targets.registry import engine_of
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.problems import Unavailable
from tests.support.databases import Admin, Target, make_target, only_with
from tests.support.engine import Engine, gate, rule

GATE = gate("t", rule("r", "not_null", "id"))


def reached(target: Target, **changes: Any) -> TargetEngine:
    return engine_of(stored_target(target.document(**changes)))


@dataclass(frozen=True)
class Asking:
    """A target whose server asks its reader for the password in one way."""

    target: Target
    method: str


@pytest.fixture(scope="module", params=["password", "scram-sha-256"])
def asking(request: pytest.FixtureRequest, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    target = make_target(admin, tmp_path_factory.mktemp("asking") / "secrets")
    target.execute("create table t (id integer); insert into t values (1)")
    file = admin.cluster.data / "pg_hba.conf"
    before = file.read_text()
    file.write_text(f"host {target.dbname} {target.user} 127.0.0.1/32 {request.param}\n{before}")
    admin.run("select pg_reload_conf()")
    try:
        yield Asking(target, request.param)
    finally:
        file.write_text(before)
        admin.run("select pg_reload_conf()")
        admin.run(f"drop database {target.dbname} with (force)")


@pytest.mark.parametrize("required", [None, "scram-sha-256", "password", "password,scram-sha-256", "!md5"])
def test_a_server_gets_the_password_only_as_require_auth_allows(engine: Engine, asking: Asking, required: str | None) -> None:
    target = reached(asking.target, require_auth=required)
    allowed = {None: ["scram-sha-256"], "!md5": ["password", "scram-sha-256"]}.get(required, (required or "").split(","))
    variables = target.environment(only_with(asking.target.secrets), "stringx test")
    engine.child.ensure_warm()
    answer = engine.child.run(GATE, engine.folder, variables, 90)
    sessions = target.sessions(variables)
    if asking.method in allowed:
        assert answer.outcome is not None, answer.message
        sessions.cancel()  # it gets in; the check's session may still be there
        return
    assert answer.outcome is None
    line = target.explain(answer.message or "")
    assert line is not None
    assert "require_auth" in line, line
    assert "\n" not in line
    with pytest.raises(Unavailable, match="authentication method requirement"):
        sessions.cancel()
