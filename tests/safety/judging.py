"""What the contract says of rules that hold a hostile text, and what the engine makes of those that it accepts."""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from api.checks import specification
from api.checks.lookup import Configured, InScope
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.names import MAX_IDENTIFIER_BYTES
from stringx_dataops.contract.documents.reading import read_json
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.gate_test.specification import RuleSpecification, Specification
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import Invalid, Malformed
from stringx_dataops.contract.settings import ROOT
from tests.safety.conftest import Gate
from tests.safety.payloads import Payload, corpus, representative
from tests.support.documents import plain_judge
from tests.support.fields import REQUEST, TABLE, TARGET, Field

CATALOGUE = Catalogue.load(ROOT / "stringx")
EVERYTHING = os.environ.get("SAFETY_ALL") == "1"
AT_ONCE = 250
JUDGED_AT_ONCE = 300  # of a document: a thousand faults are listed
RUN_AGAIN = 5
JUDGED_AGAIN = 4  # one text in so many
FORMS = {"/column": "/columns/0", "/per": "/per/0"}  # one text, or a list of it: the contract makes the same of both
STATUSES = {"pass", "warn", "fail", "error"}


def is_name(text: str) -> bool:
    """Whether PostgreSQL can have something of this name."""
    return bool(text) and "\0" not in text and len(text.encode(errors="surrogatepass")) <= MAX_IDENTIFIER_BYTES


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def refusal(judge: Callable[..., object], *arguments: Any) -> Invalid | Malformed | None:
    """What the contract says against a value: a sentence, and for each fault of a field where it is."""
    try:
        judge(*arguments)
    except (Invalid, Malformed) as error:
        return error
    return None


def at_the_door(value: object) -> Invalid | Malformed | None:
    """The refusal of what neither JSON nor PostgreSQL can hold."""
    return refusal(read_json, json.dumps(value).encode())


CORPUS = [payload for payload in corpus() if at_the_door(payload.text) is None]
SOME = [payload for payload in representative(4) if at_the_door(payload.text) is None]
FEW = [payload for payload in representative(1) if at_the_door(payload.text) is None]
NAMES = [payload.text for payload in CORPUS if is_name(payload.text)]


def parse(value: Any) -> TableDocument:
    return parse_table(value, CATALOGUE, plain_judge)


@dataclass
class Tally:
    """What became of the texts."""

    fields: set[str] = field(default_factory=set)
    refused: int = 0
    accepted: int = 0
    run: int = 0

    def count(self, name: str, tried: int, accepted: int, run: int) -> None:
        self.fields.add(name)
        self.refused += tried - accepted
        self.accepted += accepted
        self.run += run

    def __str__(self) -> str:
        return f"{len(self.fields)} fields: {self.refused} refused, {self.accepted} taken literally, {self.run} of them run"


def document(rules: Sequence[dict[str, Any]], name: str, **more: Any) -> dict[str, Any]:
    return TABLE | {"table": f"public.{name}", "rules": list(rules)} | more


def outcome_of(gate: Gate, documents: Sequence[dict[str, Any]], window: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The outcome of each table, of documents that the contract accepts."""
    return outcome_of_tables(gate, [(parse(one), window) for one in documents])


def _with_the_past(rules: Sequence[RuleSpecification]) -> None:
    """Adds what earlier checks would have left, so that rules about it are decided as well."""
    now = datetime.now(UTC).isoformat()
    states: dict[str, Any] = {"activity": {"at": now, "since": now, "relations": {}}}
    for rule in rules:
        entry = CATALOGUE.get(rule["type"])
        if entry is not None and entry.baseline is not None:
            rule["baseline"] = {
                "low": "-1e9", "high": "1e9", "warn_low": None, "warn_high": None, "center": "0", "points": 20, "season": "none", "learning": None,
            }  # fmt: skip
        elif rule["type"] in states:
            rule["before"] = {"at": now, "check_id": "01890000-0000-7000-8000-000000000000", "state": states[rule["type"]]}


def _specification(parsed: TableDocument, window: dict[str, Any] | None = None) -> Specification:
    """What dbt gets for a table."""
    target = parse_target(TARGET)
    asked = parse_model(CheckOrder, REQUEST | ({"window": window} if window else {}))
    configured = InScope(Configured(parsed, target, 1, "x"), list(parsed.rules))
    return specification.build(asked, target, [configured], CATALOGUE, 60)


def reaches_dbt(item: Field, rules: Sequence[tuple[Payload, dict[str, Any]]], table: str) -> bool:
    """Whether a field is a part of what dbt gets: rules that differ in it alone make different specifications."""
    made = [rule if item.path == ("id",) else rule | {"id": "rule"} for _, rule in rules[:5]]
    found = [json.dumps(_specification(parse(document([rule], table)))) for rule in made]
    return len(found) < 2 or len(set(found)) > 1


def outcome_of_tables(gate: Gate, tables: Sequence[tuple[TableDocument, dict[str, Any] | None]]) -> list[dict[str, Any]]:
    spec = None
    for parsed, window in tables:
        one = _specification(parsed, window)
        _with_the_past(one["tables"][0]["rules"])
        spec = one if spec is None else spec | {"tables": spec["tables"] + one["tables"]}
    answer = gate.run(json.loads(json.dumps(spec)))
    assert answer.outcome is not None, answer.message
    found: list[dict[str, Any]] = json.loads(answer.outcome)["tables"]
    return found


def to_run(item: Field, rules: list[tuple[Payload, dict[str, Any]]], seen: Counter[str]) -> list[tuple[Payload, dict[str, Any]]]:
    """All of them in the first field of each form; of the others some, from another place each time."""
    form = form_of(item)
    seen[form] += 1
    if EVERYTHING or seen[form] == 1:
        return rules
    step = max(1, len(rules) // RUN_AGAIN)
    return rules[seen[form] % step :: step][:RUN_AGAIN]


def form_of(item: Field) -> str:
    """What fields have in common that the contract and the macros treat alike."""
    pointer = _pointer_of(item)
    return item.format or ("own text" if item.path[0] == "arguments" else FORMS.get(pointer, pointer))


def to_judge(item: Field, seen: Counter[str]) -> list[Payload]:
    """The whole corpus in the first field of a form; in each later one some of every family, and a part from another place."""
    times = seen[form_of(item)]
    return CORPUS if EVERYTHING or times == 0 else list(dict.fromkeys([*SOME, *CORPUS[times % JUDGED_AGAIN :: JUDGED_AGAIN]]))


def _pointer_of(item: Field) -> str:
    return item.name.split(":", 1)[1].split(" of ")[0]


def accepted_rules(item: Field, payloads: Sequence[Payload], table: str) -> list[tuple[Payload, dict[str, Any]]]:
    """The rules that hold a text in this field and are accepted; each of the others has a fault with a pointer into itself."""
    rules = [(payload, item.holding(payload.text)) for payload in payloads]
    if item.path != ("id",):
        rules = [(payload, rule | {"id": f"rule_{number}"}) for number, (payload, rule) in enumerate(rules)]
    return [
        found
        for start in range(0, len(rules), JUDGED_AT_ONCE)
        for found in _accepted(rules[start : start + JUDGED_AT_ONCE], table)
    ]


def _accepted(rules: list[tuple[Payload, dict[str, Any]]], table: str) -> list[tuple[Payload, dict[str, Any]]]:
    error = refusal(parse, document([rule for _, rule in rules], table))
    if error is None:
        return rules
    if any(fault.pointer == "/rules" for fault in error.errors):  # more SQL than a document may hold
        half = len(rules) // 2
        return [*_accepted(rules[:half], table), *_accepted(rules[half:], table)] if half else []
    assert all(fault.pointer.startswith("/rules/") and fault.message for fault in error.errors), error
    faulty = {int(fault.pointer.split("/")[2]) for fault in error.errors}
    return [found for number, found in enumerate(rules) if number not in faulty]


def run_rules(gate: Gate, rules: Sequence[tuple[Field, Payload, dict[str, Any]]], table: str) -> None:
    """Each, which holds the text in the field, is decided or an error by itself, and never hides the rule beside it. As many as may be
    run at once, under names of their own but where the field is the name."""
    named = [one for one in rules if one[0].path == ("id",)]
    others = [
        (item, payload, rule | {"id": f"rule_{n}"}) for n, (item, payload, rule) in enumerate(rules) if item.path != ("id",)
    ]
    parts = [some[start : start + AT_ONCE] for some in (named, others) for start in range(0, len(some), AT_ONCE)]
    while parts:
        part = parts.pop()
        beside = {"id": "beside", "type": "row_count", "arguments": {"min": 3, "max": 3}}
        together = document([*(rule for _, _, rule in part), beside], table)
        if len(part) > 1 and refusal(parse, together) is not None:  # more SQL than a document may hold
            parts += [part[: len(part) // 2], part[len(part) // 2 :]]
            continue
        (found,) = outcome_of(gate, [together])
        assert len(found["rules"]) == len(part) + 1
        assert (found["rules"][-1]["status"], found["row_count"]) == ("pass", 3), {item.name for item, _, _ in part}
        for (item, payload, rule), outcome in zip(part, found["rules"], strict=False):
            assert outcome["status"] in STATUSES, (item.name, payload)
            assert outcome["id"] == rule["id"]
            if item.format == "column" or item.path in (("column",), ("columns", 0)):
                assert outcome["status"] != "error", (item.name, payload, outcome["reason"])


def print_past_capture(request: pytest.FixtureRequest, line: str) -> None:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{line}")
