"""Names: literal, never folded, never longer than PostgreSQL keeps; the canonical spelling reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.documents.names import TableName, check_identifier

IDENTIFIERS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15)


@pytest.mark.parametrize(
    ("text", "schema", "name"),
    [
        ("public.flights", "public", "flights"),
        ("Public.FLIGHTS", "Public", "FLIGHTS"),
        ("public.a.b", "public", "a.b"),
        ('"a.b"."c"', "a.b", "c"),
        ('"a""b."."c"', 'a"b.', "c"),
        ("public.select * from x", "public", "select * from x"),
        ("public. flights", "public", " flights"),
        ('public."flights"', "public", '"flights"'),
        ("ä.ö", "ä", "ö"),
    ],
)
def test_parse(text: str, schema: str, name: str) -> None:
    assert TableName.parse(text) == TableName(schema, name)


@pytest.mark.parametrize(
    "text", ["", "flights", ".flights", "public.", "public.a\0b", f"public.{'x' * 64}", f"public.{'ä' * 32}"]
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|contains) "):
        TableName.parse(text)


@given(IDENTIFIERS, IDENTIFIERS)
def test_the_canonical_spelling_reads_back(schema: str, name: str) -> None:
    table = TableName(schema, name)
    assert TableName.parse(str(table)) == table


def test_the_longest_name_is_kept() -> None:
    assert check_identifier("x" * 63) == "x" * 63
