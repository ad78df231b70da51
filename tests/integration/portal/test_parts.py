"""Large targets are shown in parts, and the user's models in one of their own."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from api.engine.command import dbt_executable
from api.engine.profile import clean_environment
from database.pool import Database
from portal import parts, refresh
from portal.app import create_app
from portal.refresh import Refresher
from stringx_dataops.contract.settings import Settings
from tests.support.databases import Target
from tests.support.portal import add_check, configure, generate, get, remove
from tests.support.projects import copy_with


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MOST_TABLES": 3, "_FEWEST": 3, "_ONE_IN": 2}.items():
        monkeypatch.setattr(parts, name, value)


def generate_all(refresher: Refresher) -> set[str]:
    """The parts that were made, as many looks as it takes."""
    before = {key: generation.began for key, generation in refresher.made.items()}
    for _ in range(10):
        generate(refresher)
    return {part for (_, part), generation in refresher.made.items() if before.get(("shop", part)) != generation.began}


def sources_of(folder: Path) -> set[str]:
    manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return {source["identifier"] for source in manifest["sources"].values()}


def has_models(folder: Path) -> bool:
    nodes = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    return any(name.startswith("model.") for name in nodes)


@pytest.mark.usefixtures("small_parts")
def test_a_large_target_is_shown_in_parts_and_the_users_models_in_one_of_their_own(
    settings: Settings, database: Database, flights_target: Target, tmp_path: Path
) -> None:
    users = copy_with(["not_null"], tmp_path / "users")
    (users / "models").mkdir()
    (users / "models" / "late.sql").write_text("select 1 as a")
    refresher = Refresher(dataclasses.replace(settings, dbt_project_dir=users, dbt_profiles_dir=users), database)
    client = create_app(refresher.settings).test_client()
    tables = [{"table": f"public.t{number:02}"} for number in range(4)] + [{"table": "public.airlines"}]
    configure(database, flights_target.document(), *tables)
    made = generate_all(refresher)
    folder = refresher.folder / "shop"
    assert "models" in made
    of_tables = made - {"models"}
    assert len(of_tables) >= 2
    assert has_models(folder / "parts" / "models")
    assert not any(has_models(folder / "parts" / part) for part in of_tables)
    assert set().union(*(sources_of(folder / "parts" / part) for part in of_tables)) == {
        *(f"t{number:02}" for number in range(4)),
        "airlines",
    }
    assert f"5 in {len(made)} parts" in get(client, "/").text
    page = get(client, "/shop/").text
    assert all(table["table"] in page and f'href="parts/{part}/"' in page for table in tables for part in of_tables)
    assert "Models of the dbt project" in page
    with_airlines = refresher.layout.of_table["shop", "public.airlines"][1]
    assert get(client, f"/shop/parts/{with_airlines}").headers["Location"].endswith(f"{with_airlines}/")
    assert "dbt" in get(client, f"/shop/parts/{with_airlines}/").text
    assert b"carrier" in get(client, f"/shop/parts/{with_airlines}/catalog.json").data
    for path in (
        "/shop/parts/",
        "/shop/parts/none/",
        "/shop/manifest.json",
        "/shop/parts/../manifest.json",
        "/shop/parts/first/x",
    ):
        assert get(client, path).status_code == 404, path

    for generation in refresher.made.values():
        generation.began -= refresh.AT_MOST_EVERY_S
    add_check(database, "shop", "public.t02", "fail")
    assert generate_all(refresher) == {refresher.layout.of_table["shop", "public.t02"][1]}

    command = [dbt_executable(), "parse", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    subprocess.run(command, env=clean_environment() | flights_target.environment(), check=True, capture_output=True)
    assert len(sources_of(folder)) == 5, "the project by hand has them all"
    shutil.rmtree(folder / "target")

    remove(database, "shop", *(table["table"] for table in tables[3:]))
    generate_all(refresher)
    assert sources_of(folder) == {"t00", "t01", "t02"}
    assert has_models(folder)
    assert not list((folder / "parts").glob("*"))
    assert "parts" not in get(client, "/").text


def test_a_table_more_or_less_changes_few_parts() -> None:
    tables = [f"schema_{number % 7}.table_{number}" for number in range(10_000)]
    cut = parts.cut(tables)
    assert sorted(table for part in cut for table in part.tables) == sorted(tables)
    assert len({part.name for part in cut}) == len(cut)
    assert max(len(part.tables) for part in cut) <= parts.MOST_TABLES
    assert len(cut) < 2.5 * len(tables) / parts.MOST_TABLES
    for number in range(0, 10_000, 997):
        less = parts.cut(tables[:number] + tables[number + 1 :])
        assert len(set(less) - set(cut)) <= 6, tables[number]
    assert [part.name for part in parts.cut(tables[: parts.MOST_TABLES])] == [""]
