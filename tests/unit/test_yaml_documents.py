"""YAML is read strictly: scalars of its version 1.2, no repeated fields, and aliases that count as what they repeat."""

from collections.abc import Iterator

import pytest
import yaml

from stringx_dataops.contract.documents import reading, yaml_reading
from stringx_dataops.contract.documents.plain import Plain
from stringx_dataops.contract.documents.reading import MAX_DEPTH
from stringx_dataops.contract.documents.yaml_reading import read_yaml, split_yaml
from stringx_dataops.contract.problems import Malformed
from tests.support.documents import nested


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("2013-01-01", "2013-01-01"),
        ("2013-01-01T00:00:00Z", "2013-01-01T00:00:00Z"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("=", "="),
        ("<<", "<<"),
        ("0o17", "0o17"),
        ("5%", "5%"),
        (".nan", ".nan"),
        ("true", True),
        ("null", None),
        ("", None),
        ("-3", -3),
        ("1.5", 1.5),
        ("'1'", "1"),
        ("!!str 5", "5"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    [document] = read_yaml(f"a: {text}\n".encode())
    assert document == {"a": value}
    assert type(document["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("FALSE", False),
        ("True", True),
        ("~", None),
        ("NULL", None),
        ("010", 10),
        ("02134", 2134),
        ("+5", 5),
        ("-0", 0),
        ("100000000000000000000", 10**20),
        ("1e3", 1000.0),
        ("1.0", 1.0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("0.00001", 0.00001),
        ("12345678901234567.89", 12345678901234567.89),
        ("0.1000000000000000055", 0.1),
    ],
)
def test_a_scalar_that_json_writes_otherwise_keeps_its_text_and_line(text: str, core: object) -> None:
    [document] = read_yaml(f"b: 1\na: {text}\n".encode())
    found = document["a"]
    assert isinstance(found, Plain)
    assert (str(found), found.core, type(found.core), found.line) == (text, core, type(core), 2)


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("<<: *a", {"x": 1, "y": 2}),
        ("<<: *a\n  x: 3", {"x": 3, "y": 2}),
        ("x: 3\n  <<: *a", {"x": 3, "y": 2}),
        ("<<: [*b, *a]", {"x": 5, "y": 2, "z": 6}),
        ("<<: [*a, *b]", {"x": 1, "y": 2, "z": 6}),
        ("<<: {x: 9}\n  z: 1", {"x": 9, "z": 1}),
        ("<<: *c", {"x": 5, "z": 6, "w": 7}),
        ("'<<': 1", {"<<": 1}),
    ],
)
def test_a_merge_key_brings_fields_that_are_not_given(text: str, merged: dict[str, object]) -> None:
    body = f"a: &a {{x: 1, y: 2}}\nb: &b {{x: 5, z: 6}}\nc: &c {{w: 7, <<: *b}}\nd:\n  {text}\n"
    [document] = read_yaml(body.encode())
    assert document["d"] == merged


def test_a_list_of_many_merged_mappings_takes_linear_time() -> None:
    body = "<<: [" + ", ".join(f"{{a{number}: 1}}" for number in range(45_000)) + "]"
    assert len(read_yaml(body.encode())[0]) == 45_000  # took minutes when each was merged into a copy


def test_merges_that_explode_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reading, "MAX_NODES", 10_000)
    wide = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(200)) + "}\n"
    with pytest.raises(Malformed, match="too many values"):
        read_yaml((wide + "b: {<<: [" + ", ".join(["*a"] * 200) + "]}").encode())
    nested_merges = "a0: &a0 {x: [1, 2, 3, 4, 5, 6, 7, 8, 9]}\n" + "".join(
        f"a{i}: &a{i} {{<<: *a{i - 1}, y{i}: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 12)
    )
    with pytest.raises(Malformed, match="too many values"):
        read_yaml(nested_merges.encode())
    assert len(read_yaml((wide + "b: {<<: *a}\n---\n" + wide + "b: {<<: *a}\n").encode())) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n---\nb: 2\n",
        "# above\n---\na: |\n  x\n  --- y\n---\n# a comment alone\n---\nb: 2\n...\n# after\n---\nc: 3",
        "%YAML 1.1\n---\na: 1\r\n---\r\nb: '\u2028 x'\u0085\n--- {c: 1.10}\n",
        "---\n---\na: 1",
        "",
    ],
)
def test_a_stream_is_split_into_the_texts_of_its_documents(text: str) -> None:
    found = [document for piece in split_yaml(text) for document in read_yaml(piece.encode())]
    assert found == read_yaml(text.encode())


def test_a_stream_of_documents() -> None:
    assert read_yaml(b"---\n---\na: 1\n---\nb: [1, two]\n...\n") == [{"a": 1}, {"b": [1, "two"]}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"a: 1\nb: 2\na: 3", "line 3: the field 'a' stands twice"),
        (b"? [a]\n: b", "line 1: a key must be a text"),
        (b"a: [", "line "),
        (b"a: 1\n<<: 5", "line 2: << takes a mapping"),
        (b"<<: [[{a: 1}]]", "line 1: << takes a mapping"),
        (b"<<: {a: 1}\n<<: {b: 1}", "line 2: the field '<<' stands twice"),
        (b"a: &a {<<: *a}", "recursive"),
        (b"a: *x", "undefined alias"),
        (b"\xff", "not UTF-8"),
        (b"a: \x00", "not YAML"),
        (b"!!python/object:os.system x", "constructor"),
        (b"a: !!timestamp 2013-01-01", "constructor"),
        (b"a: !!binary aGk=", "constructor"),
        (b"a: !!set {x}", "constructor"),
        (b"a: !!omap [x: 1]", "constructor"),
        (b"!!bool foo", "tag does not fit"),
        (b"!!map [a]", "tag does not fit"),
        (b"!!int [a]", "tag does not fit"),
        (b"!!int foo", "not YAML"),
        (b"&a [*a]", "recursive"),
        (nested(MAX_DEPTH + 2), "deeper than"),
        (nested(100_000), "deeper than"),
        (b"- " * 100_000, "deeper than"),
        (b"a: " + b"9" * 5000, "not YAML"),
    ],
)
def test_yaml_that_cannot_be_read(body: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_yaml(body)


def test_an_alias_repeats_its_value() -> None:
    assert read_yaml(b"a: &x [1]\nb: *x") == [{"a": [1], "b": [1]}]


def test_aliases_that_explode_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reading, "MAX_NODES", 10_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 20))]
    with pytest.raises(Malformed, match="too many values"):
        read_yaml("\n".join(lines).encode())


def test_a_document_of_too_many_values_is_refused_before_it_takes_memory() -> None:
    many = b"[" + b"0," * reading.MAX_NODES + b"0]"
    with pytest.raises(Malformed, match="too many values"):
        read_yaml(many)
    half = b"- [" + b"0," * (reading.MAX_NODES // 2) + b"0]\n"
    assert len(read_yaml(half + b"---\n" + half)) == 2


def test_aliases_and_merges_count_as_what_they_repeat() -> None:
    wide = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(1000)) + "}\nb:\n"
    for line in ("- *a\n", "- {<<: *a}\n", "- {<<: [*a, *a]}\n"):
        assert read_yaml((wide + line * 30).encode())
        with pytest.raises(Malformed, match="aliases repeat too many"):
            read_yaml((wide + line * 2000).encode())
    chain = "a0: &a0 {x: 1}\n" + "".join(f"a{i + 1}: &a{i + 1} {{<<: *a{i}, k{i}: 1}}\n" for i in range(1000))
    with pytest.raises(Malformed, match="aliases repeat too many"):
        read_yaml(chain.encode())


def test_aliases_repeat_a_bounded_number_of_characters() -> None:
    text = "x" * 60_000
    keys = ", ".join(f"{'k' * 996}{i:04}: 1" for i in range(60))
    for first in (f"- &a '{text}'\n", f"- &a {{{keys}}}\n", f"- &b ['{text}']\n- &a [*b]\n"):
        assert read_yaml((first + "- *a\n" * 30).encode())
        with pytest.raises(Malformed, match="repeat too many characters"):
            read_yaml((first + "- *a\n" * 40).encode())
    half = f"- &a '{text}'\n" + "- *a\n" * 20
    assert len(read_yaml(f"{half}---\n{half}".encode())) == 2, "each document has its own"
    long = "x" * (yaml_reading.MAX_REPEATED + 1)
    assert read_yaml(f"- {long}\n".encode()) == [[long]], "what is written out is bounded by the body"


def test_no_value_is_built_beyond_the_bound() -> None:
    count = 0

    def events() -> Iterator[yaml.Event]:
        nonlocal count
        for event in yaml.parse("[" + "a," * 500_000 + "]", Loader=yaml.CSafeLoader):
            count += 1
            yield event

    reader = yaml_reading._Reader("")
    reader._events = events()
    with pytest.raises(Malformed, match="too many values"):
        list(reader.documents())
    assert count < reading.MAX_NODES + 10


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"--- x\n" * 50_001, "more than 50,000 documents"),
        (b"".join(b"%%TAG !e%d! tag:x,2000:\n" % i for i in range(50)) + b"--- a", "%TAG"),
        (b"a: &x 1\nb: &x 2", "line 2: the anchor &x stands twice"),
        (b"a: &b {c: *b}", "line 1: the alias \\*b is recursive"),
        ((b"{" + b"x" * 500 + b": ") * 5 + b"1" + b"}" * 5, "names of the fields above a value"),
    ],
)
def test_what_takes_long_for_nothing_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_yaml(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"a:\n\tb: 1", "line 2: not YAML: a tab stands where YAML takes none; indent with spaces"),
        (b"a: @x", "line 1: not YAML: found character that cannot start any token"),
        (b"a: *nope", "line 1: undefined alias *nope; quote a text that begins with a star, or write &nope before a value above"),
    ],
)
def test_what_is_no_yaml_says_what_to_do(body: bytes, words: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_yaml(body)
    assert raised.value.detail == words
