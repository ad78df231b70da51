"""Rules about texts: length, patterns, formats, what can be cast."""

import ipaddress
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.codes import COUNTRIES, CURRENCIES, NO_COUNTRIES, NO_CURRENCIES
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


def _parses(parse: Callable[[str], Any], form: str) -> Test:
    def test(text: str) -> bool:
        if not re.fullmatch(form, text, re.ASCII):
            return False
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return test


def _no_constant(text: str) -> None:
    raise ValueError(text)


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = re.compile(
    r"(.{10})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]|60)(?:\.[0-9]+)?)?(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?",
    re.ASCII,
)
_URL = re.compile(r"(https?|ftp)://(?:([^\s/?#@\[\]]*)@)?([^\s/?#@]*?)(?::[0-9]{1,5})?(?:[/?#]\S*)?", re.ASCII | re.IGNORECASE)


def is_date(text: str) -> bool:
    return _parses(date.fromisoformat, _DAY)(text)


def is_moment(text: str) -> bool:
    """RFC 3339, where seconds and zone may be left out; the second 60 is one where it is 23:59:60 in UTC."""
    match = _MOMENT.fullmatch(text)
    if match is None or not is_date(match[1]):
        return False
    hours, minutes, second, sign, ahead_hours, ahead_minutes = match.groups()[1:]
    ahead = int(f"{sign or '+'}1") * timedelta(hours=int(ahead_hours or 0), minutes=int(ahead_minutes or 0))
    in_utc = datetime(2000, 1, 5, int(hours), int(minutes)) - ahead
    return second != "60" or (in_utc.hour, in_utc.minute) == (23, 59)


def is_url(text: str) -> bool:
    match = _URL.fullmatch(text)
    if match is None:
        return False
    if re.fullmatch(r"\[[0-9a-fA-F:.]+\]", match[3]):
        return True
    labels = match[3].removesuffix(".").split(".")
    return all(re.fullmatch(_LABEL, label) for label in labels)


FORMATS: dict[str, Test] = {
    "email": lambda text: re.fullmatch(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+", text) is not None,
    "uuid": lambda text: re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None,
    "url": is_url,
    "ipv4": _parses(ipaddress.IPv4Address, r"[0-9.]+"),
    "ipv6": _parses(ipaddress.IPv6Address, r"[0-9a-fA-F:.]+"),
    "date": is_date,
    "timestamp": is_moment,
    "json": is_json,
    "e164": lambda text: re.fullmatch(r"\+[1-9][0-9]{0,14}", text) is not None,
    "country_alpha2": lambda text: text in COUNTRIES,
    "currency": lambda text: text in CURRENCIES,
}
URLS = [
    "http://example.org", "https://example.org/", "https://example.org/a/b?x=1&y=%20#top", "ftp://files.example.org/pub", "http://localhost:8080/x",
    "https://user@example.org:8443/", "http://127.0.0.1/", "https://sub.example.co.uk/path_(x)",
    "HTTPS://EXAMPLE.COM/", "Http://x", "FTP://a.b?c@d", "http://[::1]:80/", "http://a-b.example.org./", "http://" + "a" * 63 + ".org/" + "b" * 99,
]  # fmt: skip
NO_URLS = ["", "example.org", "http://", "https:/example.org", "mailto:a@b.org", "javascript:alert(1)", "//example.org", "http://exa mple.org", " http://example.org", "gopher://x.org", "http", "://x", "HTTPS:/example.com/", "http://-a.b/", "http://a-.b", "http://a..b", "http://a@b@c", "http://x:123456", "http://" + "a" * 64 + ".org/", "ftp://" + "a" * 64]  # fmt: skip
MAILS = st.sampled_from([
    "a@b.org", "first.last+tag@sub.example.co.uk", "o'brien@example.org", "a@b", "a@@b.org", "@b.org", "a@", "a b@c.org", "a@-b.org", "a@b-.org", "a@b..org",
    "a@b.org ", "ä@b.org", "a@b.org\n", "x" * 64 + "@b.org", "a@" + "b" * 63 + ".org", "a@" + "b" * 64 + ".org", "a@b.o_rg", "%@b.org", "{{x}}@b.org",
])  # fmt: skip
DIGITS = st.integers(0, 300).map(str)
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
DAYS = st.one_of(
    st.dates().map(str),
    st.tuples(st.integers(0, 2100), st.integers(0, 13), st.integers(0, 32)).map(lambda part: f"{part[0]:04}-{part[1]:02}-{part[2]:02}"),
    st.sampled_from(["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2026-1-1", "20260101", "2026-01-01 ", "01/02/2026", "", "0000-01-01", "10000-01-01", "today", "2026-04-31", "٢٠٢٦-٠١-٠١"]),
)  # fmt: skip
MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(draw_sep(moment))),
    st.tuples(DAYS, st.sampled_from(["T", " ", "t", "", "  "]), st.sampled_from(["10:00", "23:59:59", "25:00", "10:60", "10:00:00.123456789", "10", "10:00:00.", "1:00"]), st.sampled_from(["", "Z", "+02", "-05:30", "+2", "+14:00", "+02:60", " UTC"])).map("".join),
    st.sampled_from(["", "now", "2026-01-01", "infinity", "2026-01-01T10:00:00ZZ", "2024-01-01t10:00:00z", "2024-01-01T10:00:61Z", "2024-02-29 10:00z", "0000-01-01T10:00Z"]),
    st.sampled_from(["2016-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00", "2017-01-01T05:29:60.5+0530", "2016-12-31T23:59:60", "2016-12-31T22:59:60-01", "2016-12-31T23:58:60Z", "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:60-0060"]),
)  # fmt: skip
JSONS = st.one_of(
    st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from([0.5, -1.5e30]), st.text("ab\"\\é\n", max_size=3)), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)), max_leaves=5).map(json.dumps),
    st.sampled_from(["", " ", "{", "[1,]", "{'a': 1}", '{"a": 1,}', "NaN", "Infinity", "nul", "01", "1.", ".5", "-", "+1", '"a', '"\t"', '{"a" 1}', "[1 2]", " [1] ", '\n{"a":\t1}\r', "tru", '{"a":1}{"b":2}', "\u00a01", "1e5", "-0", '"\\x"', '"\\u12"']),
)  # fmt: skip
PHONES = st.one_of(st.integers(0, 10**16).map(lambda n: f"+{n}"), st.sampled_from(["+1", "+", "+0123", "49301234", "+49 30", "+4930123456789012", "++1", "+12a", "+491\n", "٤٩"]))  # fmt: skip
CANDIDATES: dict[str, st.SearchStrategy[str]] = {
    "email": MAILS,
    "uuid": st.one_of(st.uuids().map(str), st.uuids().map(lambda found: str(found).upper()), st.uuids().map(lambda found: found.hex), st.sampled_from(["", "abc", "{00000000-0000-0000-0000-000000000000}", "00000000-0000-0000-0000-00000000000g", " 00000000-0000-0000-0000-000000000000"])),
    "url": st.sampled_from(URLS + NO_URLS),
    "ipv4": IPV4,
    "ipv6": IPV6,
    "date": DAYS,
    "timestamp": MOMENTS,
    "json": JSONS,
    "e164": PHONES,
    "country_alpha2": st.sampled_from(COUNTRIES + NO_COUNTRIES * 4),
    "currency": st.sampled_from(CURRENCIES + NO_CURRENCIES * 4),
}  # fmt: skip


def draw_sep(moment: datetime) -> str:
    return "T" if moment.microsecond % 2 else " "


@rule_type("format")
def format_(draft: Draft, wish: str) -> Tested:
    form = draft.choose(*FORMATS)
    met = FORMATS[form]
    kind = draft.choose(TEXT, TEXT, VARCHAR) if form not in ("email", "json") else TEXT
    texts = CANDIDATES[form] if kind is TEXT else CANDIDATES[form].filter(lambda text: len(text) <= 60)
    return text_rule("format", draw_texts(draft, wish, kind, texts, met), kind, {"format": form}, met)


SPACE = " \t\n\r\f\v"


def _is_integer(text: str) -> bool:
    """PostgreSQL 16: white space around, a sign, digits with single underscores between, or 0x, 0o, 0b."""
    match = re.fullmatch(
        r"([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[0-9](?:_?[0-9])*)", text.strip(SPACE)
    )
    if match is None:
        return False
    digits = match.group(2).replace("_", "").lower()
    number = int(digits, {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)) * (-1 if match.group(1) == "-" else 1)
    return -(2**31) <= number < 2**31


def _is_numeric(text: str) -> bool:
    stripped = text.strip(SPACE)
    if re.fullmatch(r"nan|[+-]?inf(inity)?", stripped, re.IGNORECASE | re.ASCII):
        return True
    digits = r"[0-9](?:_?[0-9])*"
    if re.fullmatch(r"[+-]?0[xX](?:_?[0-9a-fA-F])+|[+-]?0[oO](?:_?[0-7])+|[+-]?0[bB](?:_?[01])+", stripped):
        return True
    if not re.fullmatch(rf"[+-]?(?:{digits}\.?(?:{digits})?|\.{digits})(?:[eE][+-]?{digits})?", stripped):
        return False
    number = Decimal(stripped.replace("_", ""))
    return not number or number.adjusted() < 131072


def _is_boolean(text: str) -> bool:
    word = text.strip(SPACE).lower()
    whole = ("true", "false", "yes", "no", "on", "off")
    return word in ("1", "0") or (word != "" and word != "o" and any(name.startswith(word) for name in whole))


def _is_uuid(text: str) -> bool:
    """32 hexadecimal digits, a hyphen after any group of four, braces around."""
    inner = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    if not re.fullmatch(r"(?:[0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}", inner):
        return False
    uuid.UUID(inner.replace("-", ""))
    return True


NUMBERS = st.one_of(
    st.integers(-(2**33), 2**33).map(str),
    st.sampled_from(["1", "12", "-7", " 5 ", "\t5\n", "+3", "2147483647", "2147483648", "-2147483648", "-2147483649"]),
    st.sampled_from(["", " ", "1.0", "1e3", "1_000", "1__0", "_1", "1_", "0x1F", "0xg", "0b101", "0o17", "twelve", "1 2", "--1", "+", "1,5", "٣", "12a", "1.5e-3", ".5", "5.", ".", "NaN", "Infinity", "-inf", "1e131071", "1e200000", "1e", "99999999999999999999"]),
)  # fmt: skip
# PostgreSQL reads dates in many ways: here are those that nobody doubts.
CLEAR_DAYS = ["2026-01-31", "0001-01-01", "9999-12-31", "20260131", "2024-02-29", "January 8, 1999", "infinity", "epoch", "today"]
NO_DAYS = ["", "2026-02-30", "2023-02-29", "2026-13-01", "2026-00-10", "tomorrowish", "2026-01-32", "x", "31", "0000-01-01"]
CLEAR_MOMENTS = [
    "2026-01-31 10:00",
    "2026-01-31T10:00:00.5",
    "2026-01-31",
    "infinity",
    "2026-01-31 24:00:00",
    "now",
    "epoch",
    "2026-06-30 23:59:60",
]
NO_MOMENTS = ["", "2026-01-31 25:00", "2026-02-30 10:00", "10 o'clock", "2026-01-31 10:61", "soon"]
CASTS: dict[str, tuple[st.SearchStrategy[str], Test]] = {
    "integer": (NUMBERS, _is_integer),
    "numeric": (NUMBERS, _is_numeric),
    "date": (st.one_of(st.sampled_from(CLEAR_DAYS + NO_DAYS), st.dates().map(str)), lambda text: text not in NO_DAYS),
    "timestamp": (st.one_of(st.sampled_from(CLEAR_MOMENTS + NO_MOMENTS), st.datetimes().map(str)), lambda text: text not in NO_MOMENTS),
    "boolean": (st.sampled_from(["true", "T", "tru", "yes", "y", "on", "1", "f", "no", "of", "off", " true ", "0", "FALSE", "", "o", "2", "maybe", "truex", "01", "tr ue"]), _is_boolean),
    "uuid": (st.one_of(CANDIDATES["uuid"], st.sampled_from(["{12345678123456781234567812345678}", "1234-5678-1234-5678-1234-5678-1234-5678", "123456781234567812345678123456789", "12345678-1234567812345678-12345678", "123-45678123456781234567812345678"])), _is_uuid),
    "json": (JSONS, is_json),
}  # fmt: skip


@rule_type("castable")
def castable(draft: Draft, wish: str) -> Tested:
    to = draft.choose(*CASTS)
    texts, met = CASTS[to]
    return text_rule("castable", draw_texts(draft, wish, TEXT, texts, met), TEXT, {"to": to}, met)
