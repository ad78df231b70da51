"""The results, for people and for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.suggestions.measure import Found
from stringx_dataops.contract.settings import ROOT

RESULTS = ROOT / "benchmarks" / "results"
LEAST_CAUGHT, MOST_FAILING = 0.8, 0.05


def line(found: Found) -> str:
    values = "shown" if found.shown else "hidden"
    return (
        f"{found.data_set.name:14} values {values:6}: {len(found.accepted):3} suggestions,"
        f" {len(found.wrong)} not passing on its data,"
        f" {len(found.failing)} failing and {len(found.warning)} warning on the later sample;"
        f" {found.caught} of {len(found.injected)} faults caught"
    )


def details(found: Found) -> str:
    rules = {rule["id"]: rule for rule in found.accepted}
    lines = [f"    rule {json.dumps(rule, ensure_ascii=False)}" for rule in found.accepted]
    for word, ids in (("WRONG", found.wrong), ("fails", found.failing), ("warns", found.warning)):
        lines += [f"  {word}: {json.dumps(rules[name], ensure_ascii=False)}" for name in ids]
    lines += [f"  missed: {name}" for name, caught in found.injected.items() if not caught]
    return "\n".join(lines)


def shares(results: Sequence[Found]) -> tuple[float, float]:
    """Of faults that are caught, and of suggestions that fail on a clean later sample."""
    faults = sum(len(each.injected) for each in results)
    accepted = sum(len(each.accepted) for each in results)
    return sum(each.caught for each in results) / faults, sum(len(each.failing) for each in results) / accepted


def is_good(results: Sequence[Found]) -> bool:
    """With all values shown, of all data sets, and of those that are held out."""
    for some in (results, [each for each in results if each.data_set.held_out]):
        shown = [each for each in some if each.shown]
        if shown:
            caught, failing = shares(shown)
            if caught < LEAST_CAUGHT or failing > MOST_FAILING:
                return False
    return not any(each.wrong for each in results)


def write(results: Sequence[Found]) -> None:
    (RESULTS / "suggestions.json").write_text(
        json.dumps([_as_json(each) for each in results], indent=1, ensure_ascii=False) + "\n"
    )
    (RESULTS / "suggestions.md").write_text("\n".join(_page(results)) + "\n")


def _as_json(found: Found) -> dict[str, object]:
    return {
        "data_set": found.data_set.name,
        "source": found.data_set.source,
        "held_out": found.data_set.held_out,
        "later_by": found.data_set.by,
        "rows": found.rows,
        "values_shown": found.shown,
        "suggestions": found.accepted,
        "failing_on_clean": found.failing,
        "warning_on_clean": found.warning,
        "faults": found.injected,
    }


def _page(results: Sequence[Found]) -> Iterable[str]:
    yield "# How good suggestions are"
    yield ""
    yield "Written by `python -m benchmarks.suggestions`; [what it does](../../docs/benchmarks.md#suggestions)."
    yield ""
    yield "| data set | rows | the later sample | suggestions | fail on it | warn | faults caught | without values |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for held_out in (False, True):
        some = [each for each in results if each.data_set.held_out == held_out]
        for shown, hidden in zip([each for each in some if each.shown], [each for each in some if not each.shown], strict=True):
            data, blind = (
                shown.data_set,
                f"{len(hidden.accepted)}; {len(hidden.failing)}; {hidden.caught} of {len(hidden.injected)}",
            )
            later = f"later by `{data.by}`" if data.by else "a random half"
            yield (
                f"| `{data.name}` of {data.source} | {shown.rows:,} | {later}"
                f" | {len(shown.accepted)} | {len(shown.failing)} | {len(shown.warning)}"
                f" | {shown.caught} of {len(shown.injected)} | {blind} |"
            )
        yield _sum("held out" if held_out else "in all of these", some)
    yield ""
    yield "`without values`: suggestions, those that fail on the later sample, and faults caught, if no value may be shown."
    yield ""
    yield "## By fault"
    yield ""
    yield "| fault | injected | caught | without values |"
    yield "| --- | --- | --- | --- |"
    for kind, (injected, shown, hidden) in _by_kind(results).items():
        yield f"| {kind} | {injected} | {shown} | {hidden} |"


def _sum(words: str, results: Sequence[Found]) -> str:
    shown, hidden = [each for each in results if each.shown], [each for each in results if not each.shown]
    (caught, failing), (blind, blind_failing) = shares(shown), shares(hidden)
    accepted, warning = sum(len(each.accepted) for each in shown), sum(len(each.warning) for each in shown)
    unseen = f"{sum(len(each.accepted) for each in hidden)}; {blind_failing:.1%}; {blind:.0%}"
    return f"| **{words}** | | | {accepted} | **{failing:.1%}** | {warning} | **{caught:.0%}** | {unseen} |"


def _by_kind(results: Sequence[Found]) -> dict[str, tuple[int, int, int]]:
    counts: dict[str, Counter[str]] = {}
    for found in results:
        for name, rules in found.injected.items():
            counts.setdefault(_kind(found, name), Counter())[f"{found.shown}"] += bool(rules)
            counts[_kind(found, name)]["injected"] += found.shown
    return {kind: (each["injected"], each["True"], each["False"]) for kind, each in counts.items()}


def _kind(found: Found, name: str) -> str:
    """A fault without the columns that it is in."""
    ends = sorted(found.kinds, key=len, reverse=True)
    return next(kind for kind in ends if name == kind or name.startswith(f"{kind} "))
