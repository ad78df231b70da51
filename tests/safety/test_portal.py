"""The docs portal tells hostile texts letter by letter; the same texts do their deeds where braces are not escaped."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.engine.command import dbt_executable
from api.engine.profile import clean_environment
from api.targets.registry import engine_of
from database import embedded
from database.pool import Database
from portal import sources
from portal.app import create_app
from portal.escaping import as_text, json_as_text
from portal.refresh import Refresher
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.settings import Settings, read_settings
from tests.safety import payloads
from tests.safety.canaries import Canaries, Tripped, files
from tests.safety.judging import at_the_door, is_name, parse
from tests.safety.payloads import Payload, corpus, representative
from tests.support.databases import Admin, only_with
from tests.support.portal import add_check, artifact, configure, generate, get, never_give_way

HANDED_ON = "SSL_CERT_DIR"  # a variable of the machine that dbt's process gets, so that Jinja could tell it
TELLS_IT = f"{{{{ env_var('{HANDED_ON}') }}}}"
READS = f"'||(select secret::int from {payloads.TABLE})||'"  # at most 63 characters: a name
LONGEST = 9_000  # characters of a description


@pytest.fixture(autouse=True)
def placed_again(canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HANDED_ON, f"/{canaries.secret}")
    canaries.target.execute("drop schema canary cascade; drop table if exists orders; create table orders (id integer)")
    canaries.place()


@pytest.fixture
def settings(canaries: Canaries, tmp_path: Path, admin: Admin) -> Settings:
    (canaries.target.secrets / "root").write_text(embedded.keep(admin.cluster.password_file))
    return read_settings({"STRINGX_HOME": str(tmp_path / "home"), "STRINGX_SECRETS": str(canaries.target.secrets)})


@pytest.fixture
def refresher(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Refresher:
    never_give_way(monkeypatch)
    return Refresher(settings, database)


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings).test_client()


def powerful(canaries: Canaries) -> dict[str, Any]:
    """A target whose role may do everything: what protects here is the escaping alone."""
    return canaries.target.document("shop", user="postgres", password_file="root")


def said(canaries: Canaries, refresher: Refresher, client: FlaskClient) -> Iterator[tuple[str, bytes]]:
    """Every file of the portal, and every page."""
    yield from files(refresher.settings.home)
    for path in ("/", "/shop/", "/shop/manifest.json", "/shop/catalog.json", "/shop/tables/public.orders"):
        yield path, get(client, path).data


def texts_of_a_description(every: list[Payload]) -> Iterator[str]:
    """All texts, one below the other, in as many descriptions as they take."""
    lines: list[str] = []
    for payload in every:
        if sum(map(len, lines)) + len(payload.text) + len(lines) > LONGEST:
            yield "\n".join(lines)
            lines = []
        if len(payload.text) < LONGEST:
            lines.append(payload.text)
    yield "\n".join(lines)


def letters(text: str) -> list[str]:
    """The text as Jinja leaves it: its ends of lines become \\n, and one at the end is dropped."""
    return re.split(r"\r\n|\r|\n", text.rstrip("\r\n"))


def is_document(value: dict[str, Any]) -> bool:
    try:
        TableDocument.model_validate({"apiVersion": "stringx/v1", "target": "shop", **value})
    except ValueError:
        return False
    return True


def test_every_text_comes_out_as_its_letters(
    canaries: Canaries, refresher: Refresher, database: Database, client: FlaskClient
) -> None:
    every = [payload for payload in [*corpus(), Payload("armed", TELLS_IT)] if at_the_door(payload.text) is None]
    some = [payload.text for payload in representative(3) if at_the_door(payload.text) is None and len(payload.text) <= 200] + [
        TELLS_IT,
        *payloads.ARMED,
    ]
    rules = [
        {"id": f"r{n}", "type": "expression", "arguments": {"sql": text, text or "x": [text]}, "where": text, "description": text}
        | ({"column": text} if is_name(text) else {})
        for n, text in enumerate(some)
    ]
    descriptions = list(texts_of_a_description(every))
    tables = [
        {
            "table": "public.orders",
            "owner": TELLS_IT,
            "description": "x",
            "rules": rules,
            "key": [text for text in some if is_name(text)],
        }
    ]
    tables += [{"table": f"public.described_{n}", "description": text} for n, text in enumerate(descriptions)]
    tables += [
        {"table": f"{kind}{text}", "description": "x"} for text in dict.fromkeys(some) for kind in ("public.",) if is_name(text)
    ]
    assert all(map(is_document, tables))
    configure(database, powerful(canaries), *tables)
    messages = [{"status": "fail", "id": "x", "message": text} for text in some]
    for table in tables[: len(descriptions)]:
        add_check(database, "shop", str(table["table"]), "fail", *messages)
    generate(refresher)
    canaries.require_unchanged()
    assert canaries.require_unsaid(said(canaries, refresher, client)) > 8
    sources = {source["identifier"]: source for source in artifact(refresher, "shop", "manifest.json")["sources"].values()}
    assert sources.keys() == {str(table["table"]).removeprefix("public.") for table in tables}
    assert sources["orders"]["meta"]["owner"] == TELLS_IT
    for number, text in enumerate(descriptions):
        there = letters(sources[f"described_{number}"]["description"])
        shown = letters(as_text(text))
        assert there[-len(shown) :] == shown, number
    nodes = artifact(refresher, "shop", "manifest.json")["nodes"].values()
    told = {
        node["name"].rsplit("_", 1)[1]: node["description"]
        for node in nodes
        if "stringx_shown_rule" in json.dumps(node.get("test_metadata"))
    }
    assert told.keys() == {f"r{n}" for n in range(len(some))}
    for n, text in enumerate(some):
        there = letters(told[f"r{n}"])
        shown = letters(as_text(text))
        assert there[: len(shown)] == shown or not text, n
        assert json_as_text(json.dumps(text, ensure_ascii=False)) in there[-2], "the rule itself"


@pytest.mark.parametrize(
    ("words", "table"),
    [
        ("secret", {"table": "public.orders", "description": TELLS_IT}),
        pytest.param("secret", {"table": "public.orders", "owner": TELLS_IT}, marks=pytest.mark.long),
        pytest.param(
            "secret",
            {"table": "public.orders", "rules": [{"id": "a", "type": "unique", "column": "id", "description": TELLS_IT}]},
            marks=pytest.mark.long,
        ),
        (
            "changed",
            {"table": "public.orders", "rules": [{"id": "a", "type": "unique", "column": "id", "where": payloads.RUNS_A_QUERY}]},
        ),
    ],
)
def test_without_escaping_a_canary_trips(
    canaries: Canaries,
    refresher: Refresher,
    database: Database,
    client: FlaskClient,
    words: str,
    table: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    literal, by_hand = sources.literal, words == "changed"
    monkeypatch.setattr(sources, "literal", lambda text: literal(text) if by_hand and "```" in text else text)
    configure(database, powerful(canaries), table)
    generate(refresher)
    if by_hand:  # the service does not compile what stands for a rule
        folder = str(refresher.folder / "shop")
        variables = engine_of(stored_target(powerful(canaries))).environment(only_with(canaries.target.secrets), "test")
        command = [dbt_executable(), "compile", "--project-dir", folder, "--profiles-dir", folder]
        subprocess.run(command, env=clean_environment() | variables, capture_output=True, check=False)
    with pytest.raises(Tripped, match=words):
        canaries.require_untouched(said(canaries, refresher, client))


@pytest.mark.parametrize(
    "name",
    [f"public.{READS}", f'"{READS}"."orders"'],
    ids=["of a table", "of a schema"],
)
def test_a_name_is_no_sql_of_the_catalog_s(
    canaries: Canaries, refresher: Refresher, database: Database, client: FlaskClient, name: str
) -> None:
    """The reader's own role: whoever may configure a table reads all that the role may read, in the logs."""
    parse({"apiVersion": "stringx/v1", "target": "shop", "table": name})
    target = canaries.target
    target.execute(f"grant usage on schema canary to {target.user}; grant select on {payloads.TABLE} to {target.user}")
    configure(database, target.document("shop"), {"table": name})
    generate(refresher)
    canaries.require_untouched(said(canaries, refresher, client))
