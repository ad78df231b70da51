"""What an engine reads in the message of a run that failed: a lock, a character, values of rows."""

import pytest

from api.targets.engine import RefusedCharacter, RefusedLock
from api.targets.registry import engine_of
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget

HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "db", "dbname": "orders", "user": "reader"}
ENGINE = engine_of(PostgresTarget.model_validate(HEAD))


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ('could not obtain lock on relation "orders"', RefusedLock("orders")),
        ('Database Error\n  could not obtain lock on relation "wo.r"se"\n  compiled code', RefusedLock('wo.r"se')),
        ("canceling statement due to lock timeout", RefusedLock(None)),
        ("deadlock detected", RefusedLock(None)),
        ("canceling statement due to statement timeout", None),
        ("", None),
    ],
)
def test_a_refused_lock_has_the_relation_if_the_server_names_it(message: str, refused: RefusedLock | None) -> None:
    assert ENGINE.refused_lock(message) == refused


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        (
            'character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"',
            RefusedCharacter("€", "LATIN1"),
        ),
        ('Zeichen mit Byte-Folge 0xd0 0x96 in Kodierung "UTF8" hat keine Entsprechung in Kodierung "LATIN1"', RefusedCharacter("Ж", "LATIN1")),
        ('character with byte sequence 0xe2 0x82 in encoding "UTF8" has no equivalent in encoding "LATIN1"', None),
        ("deadlock detected", None),
    ],
)  # fmt: skip
def test_a_refused_character_has_its_encoding(message: str, refused: RefusedCharacter | None) -> None:
    assert ENGINE.refused_character(message) == refused


def test_a_message_without_values_keeps_names_alone() -> None:
    message = 'Database Error invalid input syntax for type integer: "zoe@example.org" LINE 1: select "a" CONTEXT: column "email"'
    assert ENGINE.without_values(message) == 'Database Error invalid input syntax for type integer: "…"'
    assert ENGINE.without_values('relation "orders" is no "view"') == 'relation "orders" is no "…"'
