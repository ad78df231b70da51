"""Formats on thousands of texts that are nearly, or just, of the format, against Python's answer for each."""

import random
import uuid
from collections.abc import Callable

import psycopg2
import pytest
from psycopg2.extras import execute_values

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule
from tests.truth.codes import COUNTRIES, CURRENCIES, NO_COUNTRIES, NO_CURRENCIES
from tests.truth.formats import FORMATS, NO_URLS, URLS

TEXTS = 4000


def label(dice: random.Random) -> str:
    made = "".join(dice.choice("ab-Z9") for _ in range(dice.choice([1, 2, 3, 62, 63, 64])))
    return dice.choice([made, "a", "b-c", "example", "xn--p1ai", "a" * 63, "a" * 64])


def domain(dice: random.Random) -> str:
    return ".".join(label(dice) for _ in range(dice.randint(1, 4)))


def email(dice: random.Random) -> str:
    return dice.choice(["a", "a.b", "x-", "..a+", "%", "a@b", "o'b{}"]) + "@" + domain(dice)


def url(dice: random.Random) -> str:
    scheme = dice.choice(["https", "http", "HTTP", "ftp", "Ftp", "gopher", "httpss"]) + dice.choice(["://"] * 5 + [":/"])
    user = dice.choice(["", "", "u@", "u:p@", "a" * 70 + "@", "x/@"])
    host = dice.choice([domain(dice), domain(dice), "[::1]", "[1.2]", "1.2.3.4", ""]) + dice.choice(["", "", "."])
    port = dice.choice(["", "", "", ":80", ":123456", ":"])
    rest = dice.choice(["", "/", "/a b", "?x=1@2", "#f", "/" + "a" * 70, "/a@b-.c", "/é"])
    return dice.choice([scheme + user + host + port + rest, *URLS[:2], *NO_URLS[:2]])


def ipv4(dice: random.Random) -> str:
    octets = [0, 1, 9, 10, 99, 100, 199, 200, 249, 250, 255, 256, 300, "01", "00", ""]
    return ".".join(str(dice.choice(octets)) for _ in range(dice.choice([3, 4, 4, 4, 4, 5])))


def ipv6(dice: random.Random) -> str:
    groups = ["".join(dice.choice("09abcdefABCDEF") for _ in range(dice.choice([1, 2, 3, 4, 4, 4, 5]))) for _ in range(dice.choice([1, 2, 5, 6, 7, 8, 8, 9]))]  # fmt: skip
    text = ":".join(group if dice.random() < 0.95 else "" for group in groups)
    if dice.random() < 0.5:
        at = dice.randrange(len(text) + 1)
        text = text[:at].rstrip(":") + "::" + text[at:].lstrip(":")
    return text + (dice.choice([":", "::", ""]) + ipv4(dice) if dice.random() < 0.2 else "")


def day(dice: random.Random) -> str:
    year = dice.choice([0, 1, 1600, 1899, 1900, 1999, 2000, 2023, 2024, 2100, 2101, 9999])
    return f"{year:04}-{dice.randint(0, 13):02}-{dice.choice([0, 1, 15, 28, 29, 30, 31, 32]):02}"


def moment(dice: random.Random) -> str:
    minute = f"{dice.choice([0, 9, 10, 15, 19, 20, 23, 23, 24]):02}:{dice.choice([0, 9, 29, 59, 59, 60]):02}"
    second = dice.choice(["", ":00", ":59", ":60", ":60", ":61", ":60.5", ":09.123456789", ".5", ":5", ":00."])
    zone = dice.choice(["", "Z", "z", "+01:00", "-0530", "-08:00", "+23", "+24", "-10:60", "ZZ", "+1", " "])
    return dice.choice([day(dice), "2016-12-31"]) + dice.choice("TTtt  x") + minute + second + zone


def identifier(dice: random.Random) -> str:
    made = str(uuid.UUID(int=dice.getrandbits(128)))
    return dice.choice([made, made.upper(), made.replace("-", "", 1), made[:9] + "-" + made[9:-1]])


def phone(dice: random.Random) -> str:
    return f"+{dice.randint(0, 10 ** dice.choice([1, 5, 14, 15, 16]))}"


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": email,
    "url": url,
    "uuid": identifier,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "date": day,
    "timestamp": moment,
    "e164": phone,
    "country_alpha2": lambda dice: dice.choice([*COUNTRIES, *NO_COUNTRIES]),
    "currency": lambda dice: dice.choice([*CURRENCIES, *NO_CURRENCIES]),
}


def disturbed(text: str, dice: random.Random) -> str:
    """With one character too many, too few or another one, often."""
    at, other = dice.randrange(len(text) + 1), dice.choice("-.:@/ \n0a[]#?é+T%_")
    return dice.choice(
        [text, text, text[:at] + other + text[at:], text[:at] + text[at + 1 :], text[:at] + other + text[at + 1 :]]
    )


@pytest.mark.parametrize("form", MAKERS)
def test_a_text_is_of_the_format_where_python_says_so(engine: Engine, target: Target, form: str) -> None:
    dice = random.Random(form)
    texts = {disturbed(MAKERS[form](dice), dice) for _ in range(TEXTS)} | {"", " ", "::", ":", "\n"}
    truth = [(text, FORMATS[form](text)) for text in sorted(texts)]
    target.execute(
        'create table t (text text, is_right boolean, collated varchar collate "C"); insert into t values (null, true), (null, false)'
    )
    connection = psycopg2.connect(target.loader_url)
    with connection, connection.cursor() as cursor:
        execute_values(cursor, "insert into t values %s", [(text, right, text) for text, right in truth], page_size=5000)
    connection.close()
    right = [rule(f"{column}_right", "format", column, format=form, where="is_right") for column in ("text", "collated")]
    wrong = [rule(f"{column}_wrong", "format", column, format=form, where="not is_right") for column in ("text", "collated")]
    found = engine.rules(target, gate("t", *right, *wrong))
    failures = {name: one["failures"] for name, one in found.items()}
    number = sum(not is_right for _, is_right in truth)
    assert 0 < number < len(truth)
    assert failures == {"text_right": 0, "collated_right": 0, "text_wrong": number, "collated_wrong": number}
