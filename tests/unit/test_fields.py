"""What is said of a text that does not fit its field: words, and never the pattern that it was held against."""

import re
from typing import Any

import pytest
from pydantic import BaseModel

from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget
from stringx_dataops.contract.documents.fields import DATASET_NAME, did_you_mean, parse_model
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.fields import Field, fields_of_dataset, fields_of_request, fields_of_table, fields_of_target

RULE = {"id": "a", "type": "not_null", "column": "a"}
FIELDS: list[tuple[type[BaseModel], Field]] = [
    *((TableDocument, field) for field in fields_of_table()),
    (TableDocument, Field("table:/rules/0/id", {"apiVersion": "stringx/v1", "target": "a", "table": "a.b", "rules": [RULE]}, ("rules", 0, "id"))),
    *((PostgresTarget, field) for field in fields_of_target()),
    *((DatasetDocument, field) for field in fields_of_dataset()),
    *((CheckRequest, field) for field in fields_of_request()),
]  # fmt: skip


@pytest.mark.parametrize(("model", "field"), FIELDS, ids=[field.name for _, field in FIELDS])
def test_no_refusal_shows_a_regular_expression(model: type[BaseModel], field: Field) -> None:
    for text in ("", "A,b c", "-", "ä", "x" * 300, "a.b.c", "a\n", "'", "../a"):
        try:
            parse_model(model, field.holding(text))
        except Invalid as refused:
            for error in refused.errors:
                assert not re.search(r"\^|\\|\[[a-zA-Z^]|\{[0-9]|\)\$", error.message), error
                assert "match" not in error.message


def test_every_pattern_of_a_field_has_its_words() -> None:
    for path in (ROOT / "stringx_dataops").rglob("*.py"):
        assert "StringConstraints(pattern" not in path.read_text(), path
        assert not re.search(r"StringConstraints\([^)]*pattern=", path.read_text()), path


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"host": "a.example,b.example"}, "/host", "is no single host; write one name"),
        ({"host": 5}, "/host", "must be a text"),
        ({"name": "Shop"}, "/name", "is no name of a target; write 1 to 63 of a to z"),
        ({"name": "shop\n"}, "/name", "is no name of a target"),
        ({"password_env": "PATH"}, "/password_env", "such as TARGET_SHOP_PASSWORD"),
        ({"password_file": "../a"}, "/password_file", "without a folder"),
        ({"password_file": "shop/../a"}, "/password_file", "without a folder"),
        ({"password_file": "other/password"}, "/password_file", "serve that target alone"),
        ({"require_auth": "scram"}, "/require_auth", "such as scram-sha-256 or !password"),
        ({"require_auth": "!password,md5"}, "/require_auth", "either all with ! or all without"),
        ({"require_auth": "md5,md5"}, "/require_auth", "twice"),
        ({"work_mem": "64mb"}, "/work_mem", "write a number with kB, MB or GB, such as 64MB"),
        ({"allow_functions": ["public.f", "f"]}, "/allow_functions/1", "write schema.function"),
    ],
)
def test_what_to_write_is_said(changes: dict[str, Any], pointer: str, words: str) -> None:
    document = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"} | changes
    with pytest.raises(Invalid) as refused:
        parse_model(PostgresTarget, document)
    [error] = refused.value.errors
    assert (error.pointer, words in error.message) == (pointer, True), error


def test_a_pattern_is_of_the_whole_text() -> None:
    assert DATASET_NAME.check("sales") == "sales"
    for text in ("sales\n", " sales", "Sales", ""):
        with pytest.raises(ValueError, match="is no name of a dataset"):
            DATASET_NAME.check(text)


def test_a_fields_name_cannot_break_a_details_line() -> None:
    with pytest.raises(Invalid) as refused:
        parse_model(CheckRequest, {"target": "a", "table": "a.b", "a\nforged: line\u2028": 1})
    assert refused.value.detail == "/a\\nforged: line\\u2028: unknown field"
    assert refused.value.errors[0].pointer == "/a\nforged: line\u2028"


def test_a_suggestion_does_not_depend_on_case() -> None:
    assert did_you_mean("REQUESTID", ["request_id", "not_before"]) == "; did you mean request_id?"
    assert did_you_mean("colour", ["request_id", "not_before"]) == ""
