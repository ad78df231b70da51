"""The rule type format: texts of each format, and what Python says of them."""

import ipaddress
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.truth.codes import COUNTRIES, CURRENCIES, NO_COUNTRIES, NO_CURRENCIES
from tests.truth.kinds import TEXT, VARCHAR
from tests.truth.tables import Draft
from tests.truth.texts import IPV4, IPV6, Test, draw_texts, text_rule
from tests.truth.truth import Tested, rule_type


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
