"""Imported checks of Soda beside Soda's own scan of the same tables: the same outcome, unless a loss was reported."""

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stringx_dataops.exchange.model import Taken
from stringx_dataops.exchange.soda.formats import FORMATS
from stringx_dataops.exchange.soda.reading import read
from tests.exchange.data import EMAILS, FORMATTED, TABLES, fill
from tests.exchange.judging import outcomes
from tests.exchange.soda_cases import contract_text, sodacl_check, sodacl_text
from tests.exchange.tools import connection_of, tool_of, tools_folder
from tests.support.databases import Admin, Target, make_target
from tests.support.engine import CATALOGUE, Engine

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
CASES = 420


@pytest.fixture(scope="module")
def data(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Target:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    fill(made)
    return made


def imported(texts: Sequence[str], folder: Path) -> list[Taken]:
    """Each text by an import of its own."""
    found = []
    for number, text in enumerate(texts):
        file = folder / f"case_{number}.yml"
        file.write_text(text, encoding="utf-8")
        found.append(read([file], "shop", CATALOGUE))
    return found


def _same_number(text: str, taken: Taken, answer: dict[str, Any], rule: dict[str, Any], counts: Counter[str]) -> bool:
    """Whether failures are what Soda counts, where both count: not for keys that repeat, shares, and queries that decide themselves."""
    made = taken.documents[0]["rules"][0]
    value = answer["checks"][0][1]
    whole = isinstance(value, (int, float)) and not re.search(
        r"percent|_length|avg|my_|metric|max|min|sum|row_count|freshness|schema|dev|var", text
    )
    if (
        not whole
        or rule.get("failures") is None
        or made["type"] == "unique"
        or ("having" in json.dumps(made) and "repeat" not in text)
    ):
        return True
    if "as measured" in json.dumps(made):
        return True
    counts["numbers"] += 1
    return bool(rule["failures"] == value)


def compare(
    texts: Sequence[str],
    taken: Sequence[Taken],
    native: Sequence[dict[str, Any]],
    ours: Sequence[tuple[str | None, dict[str, Any]]],
    known: Any,
) -> Counter[str]:
    """How many agree. Fails with the cases that differ without a loss."""
    counts: Counter[str] = Counter()
    different = []
    for text, each, answer, (status, rule) in zip(texts, taken, native, ours, strict=True):
        said = known(answer)
        if each.losses:
            counts["lost"] += 1
        if status is None:
            assert each.losses, text
        elif said is None:
            counts["not evaluated"] += 1
        elif said == status and _same_number(text, each, answer, rule, counts):
            counts["agree"] += 1
        elif not each.losses:
            different.append(f"{text}\n  theirs {answer}\n  ours {status} {rule}\n  {json.dumps(each.documents)}")
    assert not different, f"{len(different)} of {len(texts)} differ:\n" + "\n".join(different[:12])
    return counts


def test_soda_3_and_the_imported_rules_agree(
    data: Target, engine: Engine, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance = random.Random(3)
    texts = []
    for _ in range(CASES):
        table = chance.choice([*TABLES, "full", "small", "full"])
        texts.append(sodacl_text(table, sodacl_check(chance), chance))
    taken = imported(texts, tmp_path)
    connection = connection_of(data)
    configuration = json.dumps(
        {
            "data_source pg": {
                "type": "postgres",
                "host": connection["host"],
                "port": connection["port"],
                "username": connection["user"],
                "password": connection["password"],
                "database": connection["dbname"],
                "schema": "public",
            }
        }
    )
    native = tool_of("soda3", tools_folder(request)).run("soda3", {"configuration": configuration, "cases": texts})

    def known(answer: dict[str, Any]) -> str | None:
        return answer["checks"][0][0] if answer["checks"] and not answer["errors"] else None

    counts = compare(texts, taken, native, outcomes(engine, data, taken), known)
    assert counts["agree"] > CASES * 0.75, counts


def test_soda_4_and_the_imported_rules_agree(
    data: Target, engine: Engine, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance = random.Random(4)
    texts = []
    for _ in range(CASES):
        table = chance.choice([*TABLES, "full", "small", "full"])
        texts.append(contract_text(table, data.dbname, chance).replace("{dbname}", data.dbname))
    taken = imported(texts, tmp_path)
    connection = connection_of(data)
    properties = {
        "host": connection["host"],
        "port": int(connection["port"]),
        "user": connection["user"],
        "password": connection["password"],
    }
    configuration = json.dumps({"type": "postgres", "name": "pg", "connection": properties | {"database": connection["dbname"]}})
    native = tool_of("soda4", tools_folder(request)).run("soda4", {"configuration": configuration, "cases": texts})
    words = {"PASSED": "pass", "FAILED": "fail", "WARN": "warn"}

    def known(answer: dict[str, Any]) -> str | None:
        return words.get(answer["checks"][0][0]) if answer["checks"] else None

    counts = compare(texts, taken, native, outcomes(engine, data, taken), known)
    assert counts["agree"] > CASES * 0.7, counts


def test_formats_match_the_same_texts_as_soda_3(data: Target, request: pytest.FixtureRequest) -> None:
    theirs = tool_of("soda3", tools_folder(request)).run("soda3_formats", None)
    chance = random.Random(5)
    seeds = [
        *FORMATTED,
        *EMAILS,
        "+1 (555) 123-4567",
        "555-123-4567",
        "1.234,5",
        "-0.0",
        "+12,5 %",
        "9:05:59.5",
        "13:00",
        "1/2/99",
        "12.31.2020",
        "127.0.0.1",
    ]
    texts = set(seeds)
    for _ in range(6000):
        text = list(chance.choice(seeds))
        for _ in range(chance.randint(0, 3)):
            place = chance.randrange(len(text) + 1)
            text[place : place + chance.randint(0, 1)] = chance.choice("0123456789+-.,:/% @aFzé()")
        texts.add("".join(text))
    arrays = {
        "texts": sorted(texts),
        "names": list(FORMATS),
        "own": list(FORMATS.values()),
        "theirs": [theirs[name] for name in FORMATS],
    }
    found = data.query(
        """
        select name, text, text ~ own as matches, text ~ theirs as matches_theirs
        from unnest({texts}) as text, unnest({names}, {own}, {theirs}) as formats (name, own, theirs)
        where (text ~ own) <> (text ~ theirs)
        """.format(**{name: _array(values) for name, values in arrays.items()})
    )
    assert not found, found[:20]


def _array(values: Sequence[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"array[{quoted}]::text[]"
