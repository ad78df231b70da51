"""Documents of a table and a target for tests, and what is wrong with them."""

from typing import Any

import pytest

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")


def plain_judge(_: str) -> Judge:
    """For `parse_table`: of a target on PostgreSQL that allows no functions."""
    return Judge(dialect_of("postgres"))


def table(**changes: Any) -> TableDocument:
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders"} | changes
    return parse_table(document, CATALOGUE, plain_judge)


def rule(**changes: Any) -> TableDocument:
    return table(rules=[{"id": "r", "type": "not_null", "column": "c"} | changes])


def target(**changes: Any) -> TargetDocument:
    document = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "db", "dbname": "d", "user": "u"} | changes
    return parse_target({field: value for field, value in document.items() if value is not None})


def errors(make: Any, **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        make(**changes)
    return [(error.pointer, error.message) for error in raised.value.errors]


def pointers(make: Any, **changes: Any) -> list[str]:
    return [pointer for pointer, _ in errors(make, **changes)]


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels
