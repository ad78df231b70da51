"""Rules that ask for a constraint as their proof."""

from typing import Any

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule


def asked(type: str, *columns: str, where: str | None = None, **arguments: Any) -> dict[str, Any]:
    return rule("r", type, *columns, where=where, **arguments) | {"verify": "constraint"}


def outcome(engine: Engine, target: Target, asked: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return engine.rules(target, gate("t", asked, **changes))["r"]


def verified(engine: Engine, target: Target, asked: dict[str, Any], **changes: Any) -> tuple[str, str, int]:
    found = outcome(engine, target, asked, **changes)
    return found["verified_by"], found["status"], found["failures"]
