"""The pages of the docs portal, made by the real `dbt docs generate` on real databases."""

import html
import json
import re
import subprocess

from flask.testing import FlaskClient

from api.engine.command import dbt_executable
from api.engine.profile import clean_environment
from database.pool import Database
from portal.refresh import Refresher
from tests.support.databases import Target
from tests.support.portal import add_check, artifact, configure, generate, get, remove

HOSTILE = "{{ env_var('HOME') }} {% raw %} {# note #} {{ '{' }} <img src=x onerror=alert(1)> | \\ ' \" ü"


def test_user_text_comes_out_as_its_letters(refresher: Refresher, database: Database, flights_target: Target) -> None:
    rules = [
        {"id": "odd", "type": "expression", "arguments": {"sql": HOSTILE}, "where": HOSTILE, "description": HOSTILE},
        {"id": "one", "type": "unique", "column": 'odd"{{ column }}'},
    ]
    table = {"table": "public.airlines", "description": HOSTILE, "owner": HOSTILE, "rules": rules}
    odd = {"table": '"{{ schema }}"."{% table %}"', "rules": rules}
    configure(database, flights_target.document("shop-1"), table, odd)
    add_check(database, "shop-1", "public.airlines", "fail", {"status": "fail", "id": "odd", "message": HOSTILE})
    generate(refresher)
    manifest = artifact(refresher, "shop-1", "manifest.json")
    sources = {source["identifier"]: source for source in manifest["sources"].values()}
    assert sources.keys() == {"airlines", "{% table %}"}
    assert sources["{% table %}"]["schema"] == "{{ schema }}"
    airlines = sources["airlines"]
    first, *more = airlines["description"].splitlines()
    assert first.startswith("**Last verdict: fail**, 20")
    shown = HOSTILE.replace("<img", "&lt;img")
    assert more == [f"- fail: odd: {shown}", "", shown]
    assert airlines["meta"]["owner"] == HOSTILE
    assert 'odd"{{ column }}' in airlines["columns"]
    tests = [node for node in manifest["nodes"].values() if airlines["unique_id"] in node["depends_on"]["nodes"]]
    assert len(tests) == 2
    (odd_test,) = (node for node in tests if node["name"].endswith("_odd"))
    assert odd_test["description"].startswith(f"{shown}\n\n```json\n")
    letters = json.loads(odd_test["description"].split("```json\n")[1].removesuffix("\n```"))
    assert letters["arguments"] == {"sql": HOSTILE}
    for told in (airlines, odd_test, manifest["docs"]["doc.stringx_shop_1.__overview__"]):
        assert not re.search("<[A-Za-z/!?]", str(told.get("description") or told["block_contents"]))


def test_the_first_page_tells_verdicts_and_which_close_the_gate(
    refresher: Refresher, database: Database, flights_target: Target
) -> None:
    plain = [{"table": f"public.{name}"} for name in ("airlines", "planes", "flights", "a_b|<img src=x>{{ x }}", "weather")]
    careless = {"table": "public.airports", "gate": {"on_error": "open", "on_warn": "closed"}}
    configure(database, flights_target.document(), *plain, careless)
    rules = [{"status": "fail", "id": f"r{number}", "message": "x"} for number in range(7)]
    add_check(database, "shop", "public.flights", "fail", *rules)
    add_check(database, "shop", "public.airlines", "pass", {"status": "pass", "id": "ok", "message": "x"})
    add_check(database, "shop", "public.planes", "warn")
    add_check(database, "shop", "public.airports", "warn")
    add_check(database, "shop", "public.weather", "error", {"status": "error", "id": "odd", "message": "x"})
    generate(refresher)
    manifest = artifact(refresher, "shop", "manifest.json")
    page = manifest["docs"]["doc.stringx_shop.__overview__"]["block_contents"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| [")]
    told = [(html.unescape(re.sub(r"\[(.*)\].*", r"\1", row[0])), row[1], html.unescape(row[3])) for row in rows]
    assert told == [
        ("public.flights", "fail: the gate is **closed**", "r0, r1, r2, r3, r4 and 2 more"),
        ("public.weather", "error: the gate is **closed**", "odd"),
        ("public.airports", "warn: the gate is **closed**", ""),
        ("public.planes", "warn", ""),
        ("public.a_b|<img src=x>{{ x }}", "not checked: the gate is **closed**", ""),
        ("public.airlines", "pass", ""),
    ]
    assert {row[0].split("#!/source/")[1].removesuffix(")") for row in rows} == set(manifest["sources"])


def test_pages(refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient) -> None:
    assert "The board is not made yet" in get(client, "/").text
    configure(database, flights_target.document(), {"table": "public.airlines"}, {"table": "public.planes"})
    add_check(database, "shop", "public.airlines", "pass")
    assert get(client, "/shop/").status_code == 404
    generate(refresher)
    assert '<a href="shop/">shop</a>' in get(client, "/").text
    assert "1 not checked, 1 pass" in get(client, "/").text
    assert get(client, "/shop").headers["Location"] in ("shop/", "/shop/")
    page = get(client, "/shop/")
    assert "dbt" in page.text
    assert page.headers["Cache-Control"] == "no-cache"
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]
    assert get(client, "/shop/", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    assert json.loads(get(client, "/shop/manifest.json").data)["metadata"]["project_name"] == "stringx_shop"
    assert get(client, "/shop/catalog.json").status_code == 200
    (planes,) = (each for each in artifact(refresher, "shop", "manifest.json")["sources"] if each.endswith("planes"))
    assert get(client, "/shop/tables/public.planes").location == f"/shop/#!/source/{planes}"
    assert get(client, "/shop/tables/public.none").status_code == 404
    assert "The docs do not have this table" in get(client, "/none/tables/public.planes").text
    assert get(client, "/healthz").json == {"status": "ok"}
    (refresher.settings.home / "api-key").write_text("secret")
    for path in (
        "/shop/../../api-key",
        "/shop/..%2f..%2fapi-key",
        "/..%2fapi-key",
        "/%2e%2e/api-key",
        "/.work/shop",
        "/.work/",
        "/shop/profiles.yml",
        "/shop/target/manifest.json",
        "/shop/.",
        "/other/",
    ):
        assert get(client, path).status_code == 404, path


def test_a_rule_never_passes_by_hand_and_a_removed_target_disappears_but_no_strange_folder(
    refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient
) -> None:
    rules = [{"id": "one", "type": "unique", "column": "carrier"}]
    configure(database, flights_target.document(), {"table": "public.airlines", "rules": rules})
    generate(refresher)
    folder = refresher.folder / "shop"
    ended = subprocess.run(
        [dbt_executable(), "--no-use-colors", "test", "--project-dir", str(folder), "--profiles-dir", str(folder)],
        env=clean_environment() | flights_target.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "PASS=0 WARN=0 ERROR=1" in ended.stdout
    (refresher.folder / "mine").mkdir()
    remove(database, "shop", "public.airlines")
    generate(refresher)
    assert get(client, "/shop/").status_code == 404
    assert not folder.exists()
    assert (refresher.folder / "mine").exists()
