"""Foreign tables: counted like others, and the result says that neither lock nor snapshot reaches them."""

import csv
import io
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.checks import specification
from api.checks.lifecycle import Check
from api.checks.lookup import Configured, InScope, Subject
from api.worker import results
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import ROOT
from tests.servers.clusters import Made, Server
from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

pytestmark = only("debian")  # contrib
NOTE = "the foreign table public.f is neither locked nor part of the snapshot"


@pytest.fixture
def remote(server: Server, made: Made, target: Target) -> Target:
    """Another database, and the target's foreign table public.f on its table t."""
    other = made.target()
    other.execute("create table t (id integer, status text); insert into t values (1, 'a'), (1, null), (null, 'b')")
    server.run(
        "create extension postgres_fdw;"
        f"create server other foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{server.port}', dbname '{other.dbname}');"
        f"create user mapping for public server other options (user '{other.user}', password '{other.password}');"
        f"create foreign table f (id integer, status text) server other options (table_name 't');"
        f"grant select on f to {target.user}, {target.dbname}_loader; grant create on schema public to {target.dbname}_loader;"
        f"grant usage on foreign server other to {target.dbname}_loader",
        target.dbname,
    )
    return other


TESTS = [
    rule("filled", "not_null", "status"),
    rule("known", "accepted_values", "status", values=["a"]),
    rule("unique", "unique", "id"),
    rule("rows", "row_count", fail_above=None, min=3),
]
FOUND = {"filled": 1, "known": 1, "unique": 1, "rows": None}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("f", "select 1"),
        ("v", "create view v as select * from f"),
        ("w", "create view v as select * from f; create view w as select id, status from v"),
        (
            "p",
            "create table p (id integer, status text) partition by list (status); create table p_local partition of p for values in ('x')",
        ),
    ],
    ids=["itself", "behind a view", "behind two views", "a partition"],
)
def test_a_foreign_table_is_counted_and_named(
    engine: Engine, server: Server, target: Target, remote: Target, name: str, make: str
) -> None:
    target.execute(make)
    if name == "p":
        server.run("alter table p attach partition f default", target.dbname)
    found = engine.outcome(target, gate(name, *TESTS))
    assert {one["id"]: one["failures"] for one in found["rules"]} == FOUND
    assert found["row_count"] == 3
    assert found["notes"] == [NOTE]


def test_a_rule_that_reads_a_foreign_table_says_so(engine: Engine, target: Target, remote: Target) -> None:
    target.execute("create table t (id integer); insert into t values (1), (7)")
    found = engine.outcome(target, gate("t", rule("parent", "relationship", "id", to_table="public.f", to_column="id")))
    assert (found["rules"][0]["failures"], found["notes"]) == (1, [NOTE])


def test_a_materialized_view_of_a_foreign_table_is_a_copy(engine: Engine, server: Server, target: Target, remote: Target) -> None:
    server.run(f"create materialized view m as select * from f; grant select on m to {target.user}", target.dbname)
    found = engine.outcome(target, gate("m", *TESTS))
    assert ({one["id"]: one["failures"] for one in found["rules"]}, found["notes"]) == (FOUND, [])


def test_an_ordinary_table_has_no_notes(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer, status text); insert into t values (1, 'a')")
    assert engine.outcome(target, gate("t", *TESTS))["notes"] == []


def test_a_foreign_server_that_is_away_is_an_error_and_the_others_are_decided(
    engine: Engine, server: Server, target: Target, remote: Target
) -> None:
    target.execute("create table t (id integer); insert into t values (1), (null)")
    server.run("alter server other options (set port '1')", target.dbname)
    tests = [rule("filled", "not_null", "id"), rule("parent", "relationship", "id", to_table="public.f", to_column="id")]
    found = engine.rules(target, gate("t", *tests))
    assert (found["filled"]["failures"], found["parent"]["status"]) == (1, "error")
    assert "could not connect to server" in found["parent"]["reason"]
    assert engine.outcome(target, gate("f", *TESTS))["verdict"] == "error"


def test_a_foreign_table_truncated_and_filled_never_passes_on_nothing(engine: Engine, target: Target, remote: Target) -> None:
    remote.execute("truncate t")
    found = engine.outcome(target, gate("f", *TESTS[:3]))
    assert (found["verdict"], found["row_count"]) == ("fail", 0)


def test_a_file_is_a_table(engine: Engine, server: Server, target: Target) -> None:
    path = Path("/tmp") / f"stringx-{secrets.token_hex(6)}.csv"  # where PostgreSQL's account may read it
    text = io.StringIO()
    csv.writer(text).writerows([[1, "a"], [1, ""], ["", "b"]])
    path.write_text(text.getvalue())
    path.chmod(0o644)
    try:
        server.run(
            "create extension file_fdw; create server files foreign data wrapper file_fdw;"
            f"create foreign table f (id integer, status text) server files options (filename '{path}', format 'csv', null '');"
            f"grant select on f to {target.user}",
            target.dbname,
        )
        found = engine.outcome(target, gate("f", *TESTS))
        assert {one["id"]: one["failures"] for one in found["rules"]} == FOUND
        assert (found["row_count"], found["notes"]) == (3, [NOTE])
        path.write_text("1,a\nx,a\n")
        broken = engine.rules(target, gate("f", *TESTS[:3]))
        assert {key: one["status"] for key, one in broken.items()} == {"filled": "pass", "known": "pass", "unique": "error"}
        assert broken["unique"]["reason"] == "invalid text representation (SQLSTATE 22P02)"
    finally:
        path.unlink()


def test_row_level_security_is_named(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (id integer, status text); insert into t values (1, 'a'), (2, 'b'); alter table t enable row level security;"
        f"create policy mine on t for select to {target.user} using (status = 'a')"
    )
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "id")))
    assert found["row_count"] == 1
    assert found["notes"] == ["row-level security decides which rows of public.t the check sees"]


def test_the_result_of_a_check_carries_the_notes(engine: Engine, target: Target, remote: Target) -> None:
    catalogue = Catalogue.load(ROOT / "stringx")
    rules = [{"id": "filled", "type": "not_null", "column": "status"}]
    document = TableDocument.model_validate({"apiVersion": "stringx/v1", "target": "shop", "table": "public.f", "rules": rules})
    configured = Configured(document, stored_target(target.document()), 1, "hash")
    scope = [InScope(configured, document.rules)]
    request = CheckOrder.model_validate({"target": "shop", "table": "public.f"})
    now = datetime.now(UTC)
    check = Check(
        check_id="c",
        request=request,
        request_id="r",
        tables=["public.f"],
        status="running",
        mode="sync",
        timeout_s=60,
        attempt=1,
        crashes=0,
        yields=0,
        joined=None,
        cancel_requested=False,
        worker="w",
        queued_at=now,
        started_at=now,
        result=None,
        requested_by=None,
        earlier_attempts=[],
    )
    answer = engine.answer(target, specification.build(request, configured.target, scope, catalogue, 60))
    subject = Subject([configured], "sync", "60s", 1, "hash")
    result = results.from_dbt_result(results.Run(check, subject, scope, now, now, ""), answer, catalogue)
    assert (result.verdict, result.row_count, result.rules[0].failures, result.notes) == ("fail", 3, 1, [NOTE])
    assert result.as_json()["notes"] == [NOTE]
