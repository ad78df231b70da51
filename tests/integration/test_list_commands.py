"""Lists, states, requests and addresses of `dataops` against a Backend: what they print, and what they refuse."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from database.pool import Database
from stringx_dataops.cli import findings
from tests.support.commands import Dataops, served
from tests.support.dashboard import opened
from tests.support.databases import Admin
from tests.support.datasets import TARGET, apply, check_now, dataset, table

PUBLIC = "https://checks.example.org"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def backend(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its address, and the id of a request that failed."""
    name = "internal_of_lists"
    admin.copy(internal_template, name)
    database = Database(admin.url(name), size=4)
    documents = [table("public.a", "a", owner="ann", tags=["core"]), table("public.b", "b"), table("public.c")]
    apply(database, TARGET, TARGET | {"name": "other"}, dataset(), *documents)
    failed = check_now(database, {"a": 3}, table="public.a")
    check_now(database, {}, table="public.b")
    with (
        opened(database, admin.url(name), tmp_path_factory.mktemp("home"), PUBLIC_URL=PUBLIC) as client,
        served(client.application) as server,
    ):
        yield server, failed.request_id
    database.close()
    admin.run(f"drop database {name} with (force)")


@pytest.fixture
def run(backend: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process; the exit code, and what it wrote."""

    def dataops(*arguments: str, key: str = "sx_owner") -> tuple[int, str, str]:
        return Dataops(monkeypatch, capsys, backend[0], key=key)(*arguments)

    return dataops


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("tables", "list"), ["public.a", "public.c", "public.b"]),
        (("tables", "list", "--limit", "1"), ["public.a"]),
        (("tables", "list", "--gate", "open"), ["public.b"]),
        (("tables", "list", "--verdict", "fail", "--owner", "ann", "--tag", "core", "--target", "shop"), ["public.a"]),
        (("tables", "list", "--q", "c.c"), ["public.c"]),
        (("tables", "list", "--target", "other"), []),
        (("datasets", "list", "--gate", "closed"), ["sales"]),
        (("datasets", "list", "--q", "none"), []),
        (("targets", "list"), ["other", "shop"]),
        (("targets", "list", "--target", "shop"), ["shop"]),
        (("requests", "list", "--target", "shop", "--verdict", "fail"), ["public.a"]),
        (("requests", "list", "--limit", "1"), ["public.b"]),
        (("requests", "list", "--target", "other"), []),
        (("waivers", "list", "--target", "shop"), []),
        (("keys", "list", "--target", "shop", "--limit", "2"), ["blind", "owner"]),
        (("audit", "--target", "other"), ["target:other"]),
        (("audit", "--target", "shop", "--action", "target.created"), ["target:shop"]),
    ],
)
def test_a_list_has_what_is_asked_for_in_words_and_as_json(run: Run, arguments: tuple[str, ...], names: list[str]) -> None:
    code, out, words = run(*arguments)
    assert (code, words, len(out.splitlines())) == (0, "", len(names)), out
    items = [json.loads(line) for line in run(*arguments, "--json")[1].splitlines()]
    found = [next(item[field] for field in ("subject", "table", "dataset", "name") if field in item) for item in items]
    assert found == names
    assert all(name in line for name, line in zip(names, out.splitlines(), strict=True))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tables", "list", "--gate", "opne"), "'opne' is none of open, closed; did you mean open?"),
        (("tables", "list", "--verdict", "FAIL"), "did you mean fail?"),
        (("tables", "list", "--target", "shoop"), "there is no target 'shoop'; did you mean shop?"),
        (("tables", "list", "--q", ""), "--q: is empty"),
        (("datasets", "list", "--target", "nope"), "there is no target 'nope'"),
        (("targets", "list", "--target", "nope"), "there is no target 'nope'"),
        (("requests", "list", "--status", "failed"), "is none of queued, running"),
        (("requests", "list", "--source", "htp"), "did you mean http?"),
        (("requests", "list", "--table", "orders"), "--table: "),
        (("requests", "list", "--target", "nope"), "there is no target 'nope'"),
        (("waivers", "list", "--state", "activ"), "did you mean active?"),
        (("keys", "list", "--target", "shopp"), "did you mean shop?"),
        (("audit", "--target", "nope"), "there is no target 'nope'"),
        (("check", "shop", "public.a", "--kind", "enginering"), "did you mean engineering?"),
        (("check", "shop", "public.a", "--all"), "--all and TABLE are both given"),
        (("check", "shop", "--all", "--request-id", "1"), "--request-id names one request"),
        (("check", "shop", "public.a", "--junit", "x.xml"), "--junit writes results"),
        (("check", "shop", "--all", "--junit", "/nowhere/x.xml"), "there is no folder /nowhere"),
        (("check", "other", "--all"), "target other has no configured table"),
        (("check", "nope", "--all"), "there is no target 'nope'"),
        (("open", "shop"), "give either TABLE or --dataset NAME"),
        (("open", "shop", "public.z"), "public.z"),
        (("open", "shop", "public.a", "--rule", "aa"), "public.a has no rule 'aa'; did you mean a?"),
        (("open", "other", "--dataset", "sales"), "dataset sales is of target shop"),
        (("completion", "tcsh"), "'tcsh' is not one of"),
        (("repeat", "nope"), "there is no request and no check 'nope'"),
        (("gaet", "shop", "public.a"), "No such command 'gaet'"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, out, told = run(*arguments)
    assert (code, out, told.count("\n")) == (2, "", 1), (out, told)
    assert words in told


def test_a_request_is_shown_opened_and_written_as_a_file(run: Run, backend: tuple[str, str], tmp_path: Path) -> None:
    request_id = backend[1]
    code, out, _ = run("requests", "show", request_id, "--junit", str(tmp_path / "x.xml"))
    assert (code, "  fail   a: 3 of 10 rows (30.00%) have no a; fails above 0" in out.splitlines()) == (0, True)
    assert findings.NO_SAMPLES not in out
    assert findings.NO_SAMPLES in run("requests", "show", request_id, key="sx_blind")[1]
    (suite,) = Xml.parse(tmp_path / "x.xml").getroot()
    assert [suite.get(name) for name in ("name", "tests", "failures")] == ["shop.public.a", "1", "1"]
    for arguments, path in (
        (("public.a",), "/tables/shop/public.a"),
        (("PUBLIC.a", "--print"), None),
        (("public.a", "--rule", "a"), "/tables/shop/public.a/rules/a"),
        (("--dataset", "sales"), "/datasets/sales"),
        (("public.a", "--request", request_id), f"/requests/{request_id}"),
    ):
        code, out, _ = run("open", "shop", *arguments)
        assert (code, out) == ((0, f"{PUBLIC}{path}\n") if path else (2, "")), arguments
    code, out, words = run("open", "shop", "public.b", "--request", request_id)
    assert (code, words) == (2, f"dataops: request {request_id} is of shop public.a\n")


def test_a_check_without_dbt_is_not_repeated(run: Run, backend: tuple[str, str]) -> None:
    code, out, words = run("repeat", backend[1])
    assert (code, out) == (3, "dbt test\n")
    assert "not as expected" in words
