"""The rule type castable: texts that PostgreSQL doubtlessly reads as a type, or doubtlessly not."""

import re
import uuid
from decimal import Decimal

from hypothesis import strategies as st

from tests.truth.formats import CANDIDATES, JSONS, is_json
from tests.truth.kinds import TEXT
from tests.truth.tables import Draft
from tests.truth.texts import Test, draw_texts, text_rule
from tests.truth.truth import Tested, rule_type

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
