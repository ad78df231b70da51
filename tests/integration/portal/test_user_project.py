"""The portal over a user's own dbt project."""

import dataclasses
from pathlib import Path

from database.pool import Database
from portal.refresh import Refresher
from stringx_dataops.contract.settings import Settings
from tests.support.databases import Target
from tests.support.portal import artifact, configure, generate
from tests.support.projects import copy_with


def test_models_of_the_users_project_show_beside_the_configured_tables(
    settings: Settings, database: Database, flights_target: Target, tmp_path: Path
) -> None:
    users = copy_with(["not_null"], tmp_path / "users")
    (users / "models").mkdir()
    (users / "models" / "late.sql").write_text(
        "select * from {{ source('public', 'flights') }} where dep_delay > {{ shout('60') }}"
    )
    (users / "models" / "late.yml").write_text(
        "version: 2\nsources: [{name: public, tables: [{name: flights}]}]\n"
        "models: [{name: late, description: Flights that left late., data_tests: [{dbt_utils_like: {}}]}]\n"
    )
    package = users / "dbt_packages" / "shouting"
    (package / "macros").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: shouting\nversion: '1.0'\nconfig-version: 2\n")
    (package / "macros" / "test.sql").write_text("{% test dbt_utils_like(model) %} select 1 where false {% endtest %}")
    (users / "macros" / "shout.sql").write_text("{% macro shout(text) %}{{ text | upper }}{% endmacro %}")
    (users / "packages.yml").write_text("packages: [{local: dbt_packages/shouting}]\n")
    (users / "macros" / "call.sql").write_text(
        "{% test dbt_utils_like(model) %}{{ return(shouting.test_dbt_utils_like(model)) }}{% endtest %}"
    )
    refresher = Refresher(dataclasses.replace(settings, dbt_project_dir=users, dbt_profiles_dir=users), database)
    rules = [{"id": "a", "type": "not_null", "column": "dep_time"}]
    configure(database, flights_target.document(), {"table": "public.flights", "rules": rules})
    generate(refresher)
    manifest = artifact(refresher, "shop", "manifest.json")
    models = {node["name"]: node["description"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    assert models == {"late": "Flights that left late."}
    assert {source["source_name"] for source in manifest["sources"].values()} == {"public", "stringx_public"}
    assert "columns" in next(iter(artifact(refresher, "shop", "catalog.json")["sources"].values()))
