"""JSON and YAML are read strictly: what is doubtful is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.documents.plain import Plain
from stringx_dataops.contract.documents.reading import MAX_DEPTH, read_json
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.problems import Invalid, Malformed, StringXError
from tests.support.documents import nested


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"x": {"a": 1, "a": 1}}', "'a' stands twice"),
        (b"NaN", "NaN is no JSON"),
        (b'{"a": -Infinity}', "-Infinity is no JSON"),
        (b"\xff", "not UTF-8"),
        (nested(MAX_DEPTH + 2), "deeper than"),
        (nested(100_000), "too deeply"),
        (b"9" * 5000, "too long"),
    ],
)
def test_json_that_cannot_be_read(body: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_json(body)


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (rb'{"a": {"b/c": ["\u0000"]}}', "/a/b~1c/0", "NUL"),
        (rb'{"a\u0000": 1}', "", "NUL"),
        (rb'{"~": "\ud800"}', "/~0", "surrogate"),
        (b'{"a": 1e999}', "/a", "finite"),
    ],
)
def test_what_postgresql_cannot_hold(body: bytes, pointer: str, words: str) -> None:
    with pytest.raises(Invalid) as raised:
        read_json(body)
    assert [error.pointer for error in raised.value.errors] == [pointer]
    assert words in raised.value.errors[0].message


def test_a_byte_order_mark_is_read_over_or_named() -> None:
    mark, json_text, yaml_text = b"\xef\xbb\xbf", '{"a": "\ufeffb"}', "a: '\ufeffb'\n"
    assert read_json(mark + json_text.encode()) == {"a": "\ufeffb"}, "within a text it is a character"
    assert read_yaml(mark + yaml_text.encode()) == [{"a": "\ufeffb"}]
    assert read_yaml(mark + b"a: 1\n---\n" + mark + b"a: 2\n") == [{"a": 1}, {"a": 2}], "files, one behind the other"
    for read, text in ((read_json, json_text), (read_yaml, yaml_text)):
        for coding, name in (("utf-16", "UTF-16"), ("utf-32", "UTF-32")):
            with pytest.raises(Malformed, match=f"begins with the byte order mark of {name}; send UTF-8"):
                read(text.encode(coding))


def test_every_unholdable_value_is_named_at_once() -> None:
    with pytest.raises(Invalid) as raised:
        read_json(rb'{"a": "\u0000", "b": 1e999}')
    assert [error.pointer for error in raised.value.errors] == ["/a", "/b"]


def test_the_deepest_allowed() -> None:
    assert read_json(nested(MAX_DEPTH))


@pytest.mark.parametrize(
    ("text", "core"), [("1.0", 1.0), ("1E3", 1000.0), ("-0", 0), ("-0.0", 0.0), ("12345678901234567.89", 12345678901234567.89)]
)
def test_a_number_of_json_keeps_its_text_too(text: str, core: float) -> None:
    [found] = read_json(f"[{text}]".encode())
    assert isinstance(found, Plain)
    assert (str(found), found.core, found.line) == (text, core, None)


def test_numbers_that_json_writes_the_same_are_numbers() -> None:
    found = read_json(b"[0, 5, -3, 2.5, 0.001, 123456789012345, true, null]")
    assert [type(value) for value in found] == [int, int, int, float, float, int, bool, type(None)]


def test_a_nul_by_escape_is_named() -> None:
    with pytest.raises(Invalid, match="/a: contains a NUL"):
        read_yaml(rb'a: "\0"')


@given(st.binary(max_size=60) | st.text(alphabet="{}[]:,-!&*?|>'\"\\ \nab01.~#%", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_in_words(body: bytes) -> None:
    for read in (read_json, read_yaml):
        try:
            read(body)
        except StringXError as error:
            assert error.detail  # noqa: PT017
            assert "\n" not in error.detail  # noqa: PT017


def test_of_very_many_faults_the_first_are_listed() -> None:
    with pytest.raises(Invalid, match="the first 1,000 are listed") as raised:
        read_json(b"[" + rb'"\u0000",' * 5000 + b"1]")
    assert len(raised.value.errors) == 1000
    with pytest.raises(Malformed, match="names of the fields above a value"):
        read_json((b'{"' + b"x" * 500 + b'":') * 5 + b"1" + b"}" * 5)
