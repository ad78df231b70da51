"""For each data set: profile one sample, accept what is suggested, run it on a clean later sample and on copies with faults."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.suggestions.checking import Checker
from benchmarks.suggestions.data import DataSet
from benchmarks.suggestions.faults import faults
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.suggestions import suggest
from tests.support.documents import CATALOGUE

CUT = 0.0  # suggestions below this value are not accepted: all are
LEARNING = ("unusual",)  # types that one check alone cannot judge: they pass until they have a history
STOPS = ("fail", "error")  # statuses that close a gate


@dataclass
class Found:
    """`accepted`: rules; `failing`, `warning`: of these, on the clean sample; `injected`: the rules that stop each fault."""

    data_set: DataSet
    rows: int
    shown: bool
    accepted: list[JsonObject] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # on the very data it was made of
    failing: list[str] = field(default_factory=list)
    warning: list[str] = field(default_factory=list)
    injected: dict[str, list[str]] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)  # of faults

    @property
    def caught(self) -> int:
        return sum(bool(rules) for rules in self.injected.values())


def measure(checker: Checker, data_set: DataSet, shown: Sequence[bool] = (True, False)) -> list[Found]:
    """With all values shown, and with none."""
    first, later = data_set.samples()
    checker.load("profiled", first)
    results = []
    for show in shown:
        profile = checker.profile("profiled", first.names if show else ())
        suggestions = [each for each in suggest(profile, CATALOGUE) if each.value >= CUT]
        rules = [each.rule for each in suggestions if each.rule["type"] not in LEARNING]
        found = Found(data_set, len(first.rows), show, rules)
        found.wrong = [rule for rule, status in checker.statuses("profiled", rules).items() if status != "pass"]
        results.append(found)
    checker.load("later", later)
    for found in results:
        clean = checker.statuses("later", found.accepted)
        found.failing = [rule for rule, status in clean.items() if status in STOPS]
        found.warning = [rule for rule, status in clean.items() if status == "warn"]
    for fault in faults(data_set, later):
        checker.load("faulty", fault.table)
        for found in results:
            found.kinds.add(fault.kind)
            told = checker.statuses("faulty", found.accepted)
            found.injected[fault.name] = [rule for rule, status in told.items() if status in STOPS and rule not in found.failing]
    return results
