"""The portal's catalog: the columns of every configured table, from the target itself."""

from flask.testing import FlaskClient

from database.pool import Database, json_value
from portal.refresh import Refresher
from tests.support.databases import Admin, Target
from tests.support.portal import add_check, artifact, configure, generate, get


def test_dbts_own_queries_run_no_foreign_code(
    refresher: Refresher, database: Database, flights_target: Target, admin: Admin
) -> None:
    hostile = "language plpgsql as 'begin raise exception ''hostile code ran''; end'"
    admin.run(
        f"create function public.upper(name) returns text {hostile}; create function public.hostile(name, name) returns boolean {hostile};"
        "create operator public.~~* (leftarg = name, rightarg = name, function = public.hostile)",
        flights_target.dbname,
    )
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    assert refresher.made["shop", ""].reached
    assert len(artifact(refresher, "shop", "catalog.json")["sources"]) == 1


def test_the_catalog_of_many_tables_brings_theirs_and_no_other(
    refresher: Refresher, database: Database, flights_target: Target
) -> None:
    many = [{"table": f"public.t{number:03}"} for number in range(101)]
    configure(database, flights_target.document(), {"table": "public.airlines"}, {"table": "public.o'clock{}"}, *many)
    generate(refresher)
    assert refresher.made["shop", ""].reached
    sources = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert {source["metadata"]["name"]: list(source["columns"]) for source in sources} == {"airlines": ["carrier", "name"]}
    log = (refresher.work / "shop" / "dbt.log").read_text(encoding="utf-8")
    assert "'planes'" not in log, "what is not configured is not asked for"


def test_a_target_that_is_down_gets_a_portal_and_holds_up_no_other(
    refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient
) -> None:
    table = {"table": "public.airlines"}
    configure(database, flights_target.document("down", port=1), table)
    configure(database, flights_target.document("no_password", password_file="missing"), table)
    configure(database, flights_target.document("up"), table)
    generate(refresher)
    generate(refresher)  # two at a time
    for name, columns in (("down", 0), ("no_password", 0), ("up", 2)):
        assert get(client, f"/{name}/").status_code == 200
        sources = artifact(refresher, name, "catalog.json")["sources"]
        assert sum(len(source["columns"]) for source in sources.values()) == columns, name


def test_the_catalog_brings_every_column_and_stays_while_the_target_is_down(
    refresher: Refresher, database: Database, flights_target: Target
) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    (source,) = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert {name: column["type"] for name, column in source["columns"].items()} == {"carrier": "text", "name": "text"}
    (described,) = artifact(refresher, "shop", "manifest.json")["sources"].values()
    assert described["description"].startswith("**Not checked yet.**")
    add_check(database, "shop", "public.airlines", "error")
    with database.transaction() as cursor:
        document = json_value(flights_target.document(port=1))
        cursor.run("update stringx.targets set version = 2, document = %(document)s", {"document": document})
    refresher.made.clear()
    generate(refresher)
    (source,) = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert source["columns"].keys() == {"carrier", "name"}
    (described,) = artifact(refresher, "shop", "manifest.json")["sources"].values()
    assert described["description"].startswith("**Last verdict: error**")
