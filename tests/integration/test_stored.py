"""Documents are stored as written, and neither an upgrade nor other words close a gate."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.configuration import datasets, store
from backend.kafka import requests_in
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.problems import Invalid
from tests.support.databases import Admin, migrate_before
from tests.support.datasets import CATALOGUE, ME, ask, claimed, end, gate

BEFORE = Path(__file__).parent / "before"
SHOP = (BEFORE / "shop.yml").read_text(encoding="utf-8")


@pytest.fixture
def upgraded(admin: Admin) -> Iterator[Database]:
    """What the release before has stored, on the schema of this one."""
    name = f"upgraded_{secrets.token_hex(6)}"
    admin.run(f"create database {name}")
    database = Database(admin.url(name), size=4)
    migrate_before(database, "0009_as_written.sql")
    with database.transaction() as cursor:
        cursor.run((BEFORE / "stored.sql").read_text(encoding="utf-8"))
    migrate(database)
    yield database
    database.close()
    admin.run(f"drop database {name} with (force)")


def apply(database: Database, text: str, dry_run: bool = False) -> dict[str, str]:
    found = store.apply(database, CATALOGUE, ME, read_yaml(text.encode()), dry_run)
    return {change["kind"]: change["change"] for change in found["changes"]}


def changed(*pairs: tuple[str, str]) -> str:
    text = SHOP
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return text


def version(database: Database) -> int:
    return store.find_table(database, "shop", "public.orders").version


def document(database: Database) -> dict[str, Any]:
    return store.find_table(database, "shop", "public.orders").document


def open_gate(database: Database) -> None:
    ask(database, table="public.orders")
    end(database, claimed(database))
    assert gate(database, "public.orders").gate == "open"


UNCHANGED = {"Target": "unchanged", "Table": "unchanged", "Dataset": "unchanged"}


def test_an_upgrade_and_unchanged_files_change_nothing(upgraded: Database) -> None:
    open_gate(upgraded)
    for _ in range(2):
        assert apply(upgraded, SHOP, dry_run=True) == UNCHANGED
        assert apply(upgraded, SHOP) == UNCHANGED
    assert (version(upgraded), datasets.find(upgraded, "sales").version) == (1, 1)
    assert store.find_target(upgraded, "shop").version == 1
    assert gate(upgraded, "public.orders").gate == "open"


def test_after_an_upgrade_other_words_leave_the_gate_open_and_other_rules_close_it(upgraded: Database) -> None:
    open_gate(upgraded)
    other_words = changed(("Orders of the shop.", "All orders."), ("id: key, ", "id: key, description: no order twice, "))
    assert apply(upgraded, other_words) == UNCHANGED | {"Table": "updated"}
    assert gate(upgraded, "public.orders").gate == "open"
    assert apply(upgraded, other_words) == UNCHANGED
    assert version(upgraded) == 2
    assert apply(upgraded, changed(("min: 10}", "min: 11}"))) == UNCHANGED | {"Table": "updated"}
    assert gate(upgraded, "public.orders").gate == "closed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[A, 5,", "[A, 05,"),
        ("[A, 5,", "[A, 5.0,"),
        ("2.5, true", "2.50, true"),
        ("true]", "True]"),
        ("max: 99.90", "max: 99.91"),
        ("limit: 3.0", "limit: 3.00000000000000000001"),
        ("exclusive_max: True", "exclusive_max: false"),
        ("1.50%", "1.51%"),
        ("at_least: 1.0", "at_least: 1"),
        ("active: False", "active: true"),
        ("timezone: Europe/Berlin", "timezone: Europe/Paris"),
        ("severity: warn", "warn_above: 1"),
        ("kind: business", "kind: engineering"),
    ],
)
def test_after_an_upgrade_what_decides_otherwise_closes_the_gate(upgraded: Database, before: str, after: str) -> None:
    open_gate(upgraded)
    assert apply(upgraded, changed((before, after)))["Table"] == "updated"
    assert gate(upgraded, "public.orders").gate == "closed"


@pytest.fixture
def shop(database: Database) -> Database:
    apply(database, SHOP)
    open_gate(database)
    return database


def test_a_document_is_stored_as_it_was_written(shop: Database) -> None:
    found = document(shop)
    assert found.keys() == {"apiVersion", "kind", "target", "table", "description", "timezone", "key", "gate", "rules"}
    assert found["gate"] == {"on_error": "closed", "max_age": "24h"}
    assert found["rules"][0] == {"id": "key", "type": "unique", "column": "id"}
    assert found["rules"][2]["arguments"] == {"min": "0.10", "max": "99.90", "exclusive_max": True}
    assert found["rules"][10]["active"] is False
    assert store.find_target(shop, "shop").document.keys() == {
        "apiVersion",
        "kind",
        "name",
        "host",
        "port",
        "dbname",
        "user",
    }
    assert datasets.find(shop, "sales").document.keys() == {"apiVersion", "kind", "name", "target", "tables"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("timezone: Europe/Berlin", "timezone: Europe/Berlin\non_empty: fail"),
        ("id: key, ", "id: key, fail_above: 0, "),
        ("type: unique, column: id", "type: unique, columns: [id], arguments: {nulls: ignore}, verify: scan"),
        ("exclusive_max: True", "exclusive_max: true, exclusive_min: false"),
        ("warn: {max: 90}", "warn: {max: 90, exclusive_max: false}"),
        ("severity: warn", "warn_above: 0"),
        ("1.50%", "1.5%"),
        ("type: unique,", "type: unique, dimension: uniqueness,"),
        ("id: far,", "id: far, severity: error,"),
        ("  - {id: not_now, type: not_null, column: later, active: False}\n", ""),
    ],
)
def test_a_default_that_is_said_is_stored_and_leaves_the_gate_open(shop: Database, before: str, after: str) -> None:
    text = changed((before, after))
    for each in (text, SHOP):
        assert apply(shop, each) == UNCHANGED | {"Table": "updated"}
        assert gate(shop, "public.orders").gate == "open"
        assert apply(shop, each) == UNCHANGED
    assert version(shop) == 3


def test_another_text_of_the_same_number_is_a_change(shop: Database) -> None:
    def values(written: str) -> Callable[[], str]:
        return lambda: apply(shop, changed(("[A, 5, 2.5, true]", f"[{written}]")))["Table"]

    assert [values(written)() for written in ("1.0", "1.0", "1", "1", "'1'", "1.00")] == [
        "updated", "unchanged", "updated", "unchanged", "updated", "updated",
    ]  # fmt: skip
    assert document(shop)["rules"][1]["arguments"]["values"] == ["1.00"]
    assert gate(shop, "public.orders").gate == "closed"


def test_targets_and_datasets_are_compared_as_they_were_written(shop: Database) -> None:
    said = changed(
        ("port: 5432", "port: 5432\nlock_timeout: 5s"), ("tables: [public.orders]", "tables: [public.orders]\nmode: async")
    )
    assert apply(shop, said) == {"Target": "updated", "Table": "unchanged", "Dataset": "updated"}
    assert apply(shop, said) == UNCHANGED
    assert gate(shop, "public.orders").gate == "open"


def test_an_event_is_read_as_the_body_of_a_request_is(shop: Database) -> None:
    window = b'{"column": "id", "from": 1.10, "to": 12345678901234567.89}'
    event = b'{"event_id": "e", "target": "shop", "table": "public.orders", "wait_s": 1e1, "window": ' + window + b"}"
    reversed_event = event.replace(b'"e"', b'"f"').replace(b"1.10", b"1e30")
    taken, refused = requests_in.track_events(
        shop, CATALOGUE, [requests_in.Event(event, "0"), requests_in.Event(reversed_event, "1")]
    )
    assert taken is None
    assert isinstance(refused, Invalid)
    assert [error.pointer for error in refused.errors] == ["/window/from"]
    with shop.transaction() as cursor:
        row = cursor.one("select body from stringx.requests where request_id = 'e'")
    assert row is not None
    assert row["body"]["window"] == {"column": "id", "from": "1.10", "to": "12345678901234567.89"}
