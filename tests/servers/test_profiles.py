"""Profiles on other people's servers: the oldest, Debian's with its extensions, the newest; and beside intruders."""

import pytest

from stringx_dataops.contract.messages.profiles import Profile
from tests.servers.clusters import Made, Server, session
from tests.servers.conftest import only
from tests.servers.intruders import overloads
from tests.support.databases import Target
from tests.support.engine import Engine
from tests.support.profiles import measured

TABLE = """
create type mood as enum ('sad', 'happy');
create table t (id bigint primary key, code text, mail varchar(40), price numeric, weight double precision, day date, at timestamptz, mood mood, tags text[],
                doc jsonb, span interval, flag boolean, ident uuid, net inet, "odd ""name" integer);
insert into t select n, 'c' || n % 3, 'u' || n || '@example.com', n / 2.0, n, date '2020-01-01' + n, timestamptz '2020-01-01' + n * interval '1 day', 'happy', array['a'],
                     '{}', '1 day', n % 2 = 0, md5(n::text)::uuid, '10.0.0.1', n from generate_series(1, 20) n;
"""
SHOWN = ("id", "code", "price", "day", "mood", "tags", "doc")


def essence(profile: Profile) -> dict[str, object]:
    """What does not change between two moments."""
    return {column.name: column.model_copy(update={"castable": None, "formats": None}) for column in profile.columns}


def test_the_same_is_measured_on_each_server(engine: Engine, target: Target) -> None:
    target.execute(TABLE)
    found = measured(engine, target, "t", shown=SHOWN)
    assert [(column.name, column.error) for column in found.columns if column.error is not None] == []
    assert [column.distinct for column in found.columns] == [20, 3, 20, 20, 20, 20, 20, 1, 1, 1, 1, 2, 20, 1, 20]
    mail = found.columns[2].formats
    assert mail is not None
    assert (mail["email"], mail["url"]) == (20, 0)
    version = int(target.query("show server_version_num")[0][0])
    assert ("json" in mail, found.columns[2].castable is not None) == (version >= 160000, version >= 160000)
    assert any("need PostgreSQL 16" in note for note in found.notes) == (version < 160000)
    assert (found.columns[0].min, found.columns[0].max) == ("1", "20")


def test_nobody_elses_code_runs(engine: Engine, server: Server, target: Target) -> None:
    target.execute(TABLE)
    name = f"{target.dbname}_intruder"
    server.run(f"create role {name} login password 'intruder'")
    server.run(
        f'grant create on schema public to public; alter database {target.dbname} set search_path = "$user", public, pg_catalog',
        target.dbname,
    )
    before = measured(engine, target, "t", shown=SHOWN)
    with session(server.url(target.dbname, name, "intruder")) as cursor:
        cursor.execute(overloads("public"))
        cursor.execute("select count(*) from pg_catalog.pg_proc where prosrc like '%hostile code ran%'")
        assert cursor.fetchone()[0] > 1000
    with pytest.raises(Exception, match="hostile code ran"), session(target.loader_url) as cursor:
        cursor.execute("select lower(mail) from public.t")  # what whoever searches this schema gets
    after = measured(engine, target, "t", shown=SHOWN)
    assert essence(after) == essence(before)
    assert "hostile" not in after.model_dump_json()


@only("debian")
def test_texts_whose_equality_is_another_are_counted_by_it_and_measured_row_by_row(
    engine: Engine, server: Server, target: Target
) -> None:
    server.run("create extension citext schema public", target.dbname)
    target.execute(
        "create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "create table t (a citext, b text collate blind); insert into t select x, x from unnest(array['DE', 'de', 'De', 'EUR', null]) x"
    )
    for column in measured(engine, target, "t", shown=["a", "b"]).columns:
        assert column.error is None
        assert (column.nulls, column.distinct, column.singles, column.most_common) == (1, 2, 1, 3)
        assert column.formats is not None
        assert (column.formats["country_alpha2"], column.formats["currency"]) == (1, 1)
        assert [each.count for each in column.top or ()] == [3, 1]
        assert (column.min, column.max) == (None, None)


@only("debian")
def test_a_foreign_table_is_no_part_of_the_snapshot_and_cannot_be_sampled(
    engine: Engine, server: Server, made: Made, target: Target
) -> None:
    other = made.target()
    other.execute("create table t (id integer, status text); insert into t values (1, 'a'), (1, null), (null, 'b')")
    server.run(
        "create extension postgres_fdw;"
        f"create server other foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{server.port}', dbname '{other.dbname}');"
        f"create user mapping for public server other options (user '{other.user}', password '{other.password}');"
        f"create foreign table f (id integer, status text) server other options (table_name 't'); grant select on f to {target.user}",
        target.dbname,
    )
    found = measured(engine, target, "f", sample_rows=2)
    assert [(column.nulls, column.distinct) for column in found.columns] == [(1, 1), (1, 2)]
    assert found.notes[:2] == [
        "the foreign table public.f is neither locked nor part of the snapshot", "a foreign table cannot be sampled: all of its rows were read"
    ]  # fmt: skip
