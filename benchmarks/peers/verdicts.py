"""What a way says of each rule, held against plain SQL."""

from collections.abc import Mapping
from dataclasses import dataclass

# Of each rule: the violating rows, their distinct values, and the rows that share a value (for `unique`).
Truth = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Verdict:
    """`count`: in the way's own measure, None where it gives none."""

    passed: bool
    count: int | None = None


Verdicts = Mapping[str, Verdict]


def differences(found: Verdicts, truth: Truth, measures: Mapping[str, str]) -> list[str]:
    """A sentence for each rule that is missing, not asked for, decided otherwise or counted otherwise.

    `measures`: which of the counts a way gives, by the end of a rule's id, where it is not the violating rows.
    """
    found_ids, asked = set(found), set(truth)
    told = [f"{rule} was not answered" for rule in sorted(asked - found_ids)]
    told += [f"{rule} was not asked for" for rule in sorted(found_ids - asked)]
    for rule in sorted(asked & found_ids):
        counts, verdict = truth[rule], found[rule]
        measure = next((name for ending, name in measures.items() if rule.endswith(ending)), "rows")
        if verdict.passed != (counts["rows"] == 0):
            told.append(f"{rule} {'passes' if verdict.passed else 'fails'}, with {counts['rows']} violating rows by plain SQL")
        elif verdict.count is not None and verdict.count != counts[measure]:
            told.append(f"{rule} counts {verdict.count} {measure}, plain SQL {counts[measure]}")
    return told
