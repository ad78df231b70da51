"""What these tests run on is what they say it is."""

from tests.servers.clusters import Server
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule


def test_each_server_is_the_release_it_stands_for(server: Server) -> None:
    major = server.value("select current_setting('server_version_num')::integer / 10000")
    contrib = server.value("select count(*) from pg_available_extensions where name in ('file_fdw', 'postgres_fdw', 'citext')")
    if server.name == "debian":
        assert (major >= 14, contrib) == (True, 3)
    else:
        assert str(major) == server.name


def test_the_gate_counts_on_every_server(engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer, b text); insert into t values (1, 'x'), (null, 'y'), (1, null)")
    tests = [
        rule("filled", "not_null", "a"),
        rule("known", "accepted_values", "b", values=["x"]),
        rule("unique", "unique", "a"),
        rule("small", "between", "a", max=1),
        rule("parent", "relationship", "b", to_table="public.t", to_column="b"),
        rule("positive", "expression", sql="a > 0"),
        rule("rows", "row_count", fail_above=None, min=3, max=3),
    ]
    found = engine.rules(target, gate("t", *tests))
    assert {key: (one["status"], one["failures"]) for key, one in found.items()} == {
        "filled": ("fail", 1), "known": ("fail", 1), "unique": ("fail", 1), "small": ("pass", 0), "parent": ("pass", 0),
        "positive": ("pass", 0), "rows": ("pass", None),
    }  # fmt: skip
