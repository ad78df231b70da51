"""`dataops keys` and `dataops audit` against a Backend: what they print, and where."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from database import keys
from stringx_dataops.contract.keys import SCOPES
from tests.support.apps import Apps
from tests.support.apps import made as apps_of
from tests.support.commands import Dataops, served
from tests.support.databases import Admin


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Apps, str]]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        keys.register(made.database, "api-key", "sx_owner", SCOPES)
        with served(made.apps["backend"]) as server:
            yield made, server


@pytest.fixture
def run(apps: tuple[Apps, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dataops:
    return Dataops(monkeypatch, capsys, apps[1])


def test_a_new_key_stands_alone_on_standard_output(run: Dataops, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, key, words = run("keys", "create", "ci", "--scope", "read", "--scope", "trigger", "--expires-in", "90d")
    assert (code, key.count("\n"), key.startswith("sx_")) == (0, 1, True)
    assert key.strip() not in words
    assert words.startswith(f"ci  {key[:11]}  read, trigger  all targets  until ")
    assert words.endswith("Keep the key below; it is not shown again.\n")
    monkeypatch.setenv("STRINGX_API_KEY", key.strip())
    assert run("requests", "list") == (0, "", "")
    code, _, words = run("keys", "list")
    assert (code, "lacks the scope 'admin'" in words) == (3, True)
    monkeypatch.setenv("STRINGX_API_KEY", "sx_owner")
    code, anew, _ = run("keys", "rotate", "ci", "--overlap", "0s")
    assert (code, anew == key) == (0, False)
    code, shown, words = run("keys", "rotate", "ci", "--json")
    assert (code, words, json.loads(shown)["name"]) == (0, "", "ci")
    assert run("keys", "revoke", "ci", "--yes") == (0, "key ci: revoked\n", "")
    monkeypatch.setenv("STRINGX_API_KEY", json.loads(shown)["key"])
    code, out, words = run("requests", "list")
    assert (code, out, "revoked" in words) == (3, "", True)


def test_lists_are_for_people_or_one_json_object_per_line(run: Dataops) -> None:
    run("keys", "create", "listed", "--scope", "read")
    code, out, _ = run("keys", "list")
    assert code == 0
    lines = [re.split(r" {2,}", line) for line in out.splitlines()]
    assert [cells[2:] for cells in lines if cells[0] == "listed"] == [["read", "all targets", "no end", "not used", "api-key"]]
    items = [json.loads(line) for line in run("keys", "list", "--json")[1].splitlines()]
    assert "listed" in [item["name"] for item in items]
    code, out, _ = run("audit", "--subject", "key:listed")
    assert (code, out.count("\n")) == (0, 1)
    assert "  api-key  key.created  key:listed  127.0.0.1  prefix sx_" in out
    (line,) = run("audit", "--limit", "1", "--json")[1].splitlines()
    assert json.loads(line)["action"] == "key.created"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("keys", "create", "x"), "--scope"),
        (("keys", "create", "x", "--scope", "all"), "--scope"),
        (("keys", "create", "a b", "--scope", "read"), "/name: is no name of a key"),
        (("keys", "create", "x", "--scope", "read", "--target", "nyc"), "/targets/0: there is no target nyc"),
        (("keys", "create", "x", "--scope", "admin", "--target", "nyc"), "/targets: go with every scope but admin"),
        (("keys", "create", "x", "--scope", "read", "--expires-in", "soon"), "--expires-in: is no duration"),
        (("keys", "rotate", "nobody"), "there is no key nobody"),
        (("keys", "rotate", "api-key"), "lies in a file"),
        (("keys", "rotate", "api-key", "--overlap", "1y"), "--overlap: is no duration"),
        (("keys", "revoke", "ci"), "Nobody can be asked here; add --yes"),
        (("keys", "revoke", "nobody", "--yes"), "there is no key nobody"),
        (("keys", "revoke"), "Missing argument 'NAME'"),
        (("audit", "--action", "table.changed"), "--action: "),
        (("audit", "--from", "yesterday"), "--from: is no RFC 3339 time"),
        (("audit", "--limit", "0"), "--limit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(run: Dataops, arguments: tuple[str, ...], words: str) -> None:
    code, out, said = run(*arguments)
    assert (code, out, said.count("\n")) == (2, "", 1), said
    assert words in said
