"""Rules about texts: length and patterns."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.kinds import (
    BOOLEAN,
    BYTEA,
    CASH,
    CHAR,
    DATE,
    DOUBLE,
    DYADIC,
    INET,
    INTEGER,
    INTEGER_ARRAY,
    INTERVAL,
    MOOD,
    NUMERIC,
    ODD_NUMBERS,
    REAL,
    TEXT,
    TEXT_ARRAY,
    TEXTS,
    TEXTUAL,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARBIT,
    VARCHAR,
    Kind,
    shown,
)
from tests.truth.tables import Draft
from tests.truth.truth import Tested, outside, row_rule, rule_type

Test = Callable[[str], bool]


def draw_texts(draft: Draft, wish: str, kind: Kind, texts: st.SearchStrategy[Any], met: Callable[[Any], bool]) -> str:
    """A column of texts that meet a test, or do not; its name."""
    if wish in ("pass", "fail"):
        pool = draft.draw(st.lists(texts, min_size=4, max_size=12))
        good = [value for value in pool if met(value)]
        bad = [value for value in pool if not met(value)]
        assume(good if wish == "pass" else bad)
        return draft.add(kind, draft.cells(wish, st.sampled_from(good or bad), st.sampled_from(bad or good)))
    return draft.add(kind, draft.cells(wish, texts, texts))


def text_rule(type: str, column: str, kind: Kind, arguments: dict[str, Any], met: Callable[[Any], bool]) -> Tested:
    return row_rule(type, [column], arguments, lambda row: row[column] is not None and not met(row[column]))


@rule_type("length")
def length(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(TEXT, VARCHAR, CHAR, BYTEA, VARBIT, TEXT_ARRAY, INTEGER_ARRAY)
    values = kind.values if kind is not TEXT else st.text("aé🐘 \n'", max_size=9)
    sizes = sorted({len(value) for value in draft.draw(st.lists(values, min_size=2, max_size=6))})
    low, high = sizes[0], sizes[-1]
    arguments: dict[str, Any] = {}
    form = draft.choose("both", "min", "max")
    if wish == "fail":
        low, form = low + 1, draft.choose("both", "min") if low else "min"
        high = max(high, low)
    if form != "max":
        arguments["min"] = low
    if form != "min":
        arguments["max"] = high
    if wish == "free":
        arguments |= {name: draft.chance() for name in ("exclusive_min", "exclusive_max")}

    def met(value: Any) -> bool:
        return not outside(len(value), arguments.get("min"), arguments.get("max"), arguments)

    return text_rule("length", draw_texts(draft, wish, kind, values, met), kind, arguments, met)


LETTERS = "abAB09 é-_%"


def _piece(draft: Draft, depth: int) -> tuple[str, str]:
    """A POSIX pattern and the same for Python."""
    form = draft.choose("letter", "class", "any", "repeat", "group", "word") if depth else draft.choose("letter", "word")
    if form == "letter":
        letter = draft.choose(*LETTERS, ".", "\\", "'", "{", "*", "$", "🐘")
        return (
            (re.escape(letter),) * 2 if not letter.isalnum() and letter.isascii() and letter not in " -_%'" else (letter, letter)
        )
    if form == "word":
        word = "".join(draft.choose(*"abAB09") for _ in range(draft.choose(1, 2)))
        return word, word
    if form == "class":
        chosen = draft.choose("[a-z]", "[0-9]", "[^a-z]", "[aB0]", "[A-Z0-9]", "[^ %]")
        return chosen, chosen
    if form == "any":
        return ".", "."
    if form == "repeat":
        posix, python = _piece(draft, 0)
        times = draft.choose("*", "+", "?", "{2}", "{1,3}", "{0,1}")
        return f"({posix}){times}", f"(?:{python}){times}"
    (left, left_python), (right, right_python) = _piece(draft, depth - 1), _piece(draft, depth - 1)
    return f"({left}|{right})", f"(?:{left_python}|{right_python})"


# Types that a pattern looks at the text of, with values whose text nobody doubts; and patterns that some of them match.
IN_2026 = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31))
SHOWN: dict[Kind, st.SearchStrategy[Any]] = {
    kind: kind.values for kind in (INTEGER, NUMERIC, BOOLEAN, DATE, TIME, INTERVAL, UUID, INET, VARBIT, MOOD, CASH)
} | {
    DOUBLE: st.one_of(DYADIC, st.sampled_from(ODD_NUMBERS["double"])), REAL: st.one_of(DYADIC, st.sampled_from(ODD_NUMBERS["real"])),
    TIMESTAMP: st.one_of(IN_2026, IN_2026.map(lambda moment: moment.replace(microsecond=0))),
    TIMESTAMPTZ: IN_2026.map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC)),
}  # fmt: skip
SIMPLE = [
    "[.]",
    "^-",
    "0",
    "[13]",
    "[0-9]{2}",
    ":0",
    "[a-f]",
    "^[0-9]+$",
    "t",
    "day",
    "[+]",
    "/",
    "0$",
    "-0[45]$",
    "^1",
    "[$]",
    "N",
]
SIMPLE_LIKE = ["%1%", "%0", "-%", "%.%", "%:0%", "t%", "%a%", "____", "%/%", "1%", "10.0.0._", "%-0_", "%N", "%i%"]


def drawn(draft: Draft, wish: str, values: dict[Kind, st.SearchStrategy[Any]], met: Test) -> tuple[Kind, str, Test]:
    """A type with a column of values whose text meets a test, or does not, and the test of a value."""
    kind, zone = draft.choose(*values), ZoneInfo(draft.timezone)

    def meets(value: Any) -> bool:
        return met(shown(kind, value, zone))

    return kind, draw_texts(draft, wish, kind, values[kind], meets), meets


@rule_type("regex")
def regex(draft: Draft, wish: str) -> Tested:
    negate = draft.choose(None, False, True)
    if draft.choose(True, False, False):
        pattern = draft.choose(*SIMPLE)
        python, values = re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern), SHOWN
    else:
        parts = [_piece(draft, 2) for _ in range(draft.choose(1, 2, 3))]
        begin, end = draft.choose("", "^"), draft.choose("", "$")
        pattern = begin + "".join(posix for posix, _ in parts) + end
        python = re.compile(("\\A" if begin else "") + "".join(part for _, part in parts) + ("\\Z" if end else ""), re.DOTALL)
        words = st.from_regex(python, fullmatch=True, alphabet=LETTERS + "🐘'.\\{*$\n")
        values = {TEXT: st.one_of(st.text(LETTERS + "\n", max_size=5), words, TEXTS)}

    def met(text: str) -> bool:
        return bool(python.search(text)) is not (negate is True)

    kind, column, meets = drawn(draft, wish, values, met)
    return text_rule("regex", column, kind, {"pattern": pattern} | ({} if negate is None else {"negate": negate}), meets)


@rule_type("like")
def like(draft: Draft, wish: str) -> Tested:
    parts = draft.draw(
        st.lists(st.sampled_from(["%", "_", "a", "B", "9", "\\%", "\\_", "\\\\", "é", ".", "'", " "]), min_size=1, max_size=4)
    )
    others = draft.choose(True, False, False)
    if others:
        parts = list(draft.choose(*SIMPLE_LIKE))
    fold = draft.choose(True, False)
    negate = draft.choose(None, False, True)
    arguments: dict[str, Any] = {"pattern": "".join(parts)} | ({} if negate is None else {"negate": negate})
    if fold or draft.chance():
        arguments["case_sensitive"] = not fold
    pieces = {"%": ".*", "_": "."}
    python = re.compile(
        "".join(pieces.get(part, re.escape(part[-1])) for part in parts), re.DOTALL | (re.IGNORECASE if fold else 0)
    )
    letters = "abAB9%_\\.' é" if not fold else "abAB9%_\\.' "
    texts = st.one_of(
        st.text(letters, max_size=4), st.just("".join(part[-1] for part in parts)), st.text(letters + "\n", max_size=8)
    )

    def met(text: str) -> bool:
        return bool(python.fullmatch(text)) is not (negate is True)

    kind, column, meets = drawn(draft, wish, SHOWN if others else dict.fromkeys(TEXTUAL, texts), met)
    return text_rule("like", column, kind, arguments, meets)


IPV4 = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.lists(st.integers(0, 300).map(str), min_size=3, max_size=5).map(".".join),
    st.sampled_from(["", "1.2.3.4 ", "1.2.3.4/8", "1..2.3", "a.b.c.d", "1.2.3.4\n"]),
)
IPV6 = st.one_of(
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda address: address.exploded),
    st.lists(st.sampled_from(["0", "1", "ffff", "12345", "g", "", "abcd", "0db8"]), min_size=2, max_size=9).map(":".join),
    st.sampled_from(["::", "::1", "1::", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.256", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "::1/128", "1::2::3", ":::", "", ":1:2", "1.2.3.4", "::1\n"]),
)  # fmt: skip
