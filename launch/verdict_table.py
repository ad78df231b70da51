"""The verdicts of the first start as a table for the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stringx_dataops.contract.messages.verdicts import WORST_FIRST

HEAD = ("table", "gate", "verdict", "rules", "time")


@dataclass(frozen=True)
class VerdictRow:
    """The part of a table's check that is shown on a terminal."""

    table: str
    gate: str
    verdict: str
    counts: Mapping[str, int]
    findings: Sequence[tuple[str, str]]  # status and message of each rule that did not pass
    seconds: float

    @classmethod
    def of(cls, table: str, request: Mapping[str, Any], check: Mapping[str, Any], gate: str, seconds: float) -> "VerdictRow":
        """From a request and its check's result, both as JSON; a check without rules shows its reason instead.

        `seconds` counts only if the result has no duration.
        """
        rules = check.get("rules") or []
        worst_first = sorted(rules, key=lambda rule: WORST_FIRST.index(rule["status"]))
        findings = [
            (rule["status"], f"{rule['id']}: {rule.get('message') or 'no message'}")
            for rule in worst_first
            if rule["status"] != "pass"
        ]
        if not rules:
            findings = [("error", str(check.get("reason") or request.get("reason") or request.get("status") or "no result"))]
        duration = check.get("duration_ms")
        return cls(
            table=table,
            gate=gate,
            verdict=str(request.get("verdict") or check.get("verdict") or "error"),
            counts=check.get("counts") or {},
            findings=findings,
            seconds=seconds if duration is None else duration / 1000,
        )


def table(verdicts: Sequence[VerdictRow]) -> str:
    """Text with aligned columns; below each table, one line per rule that did not pass."""
    rows = [(v.table, v.gate, v.verdict, _counts(v.counts), f"{v.seconds:.2f} s") for v in verdicts]
    widths = [max(len(row[i]) for row in (HEAD, *rows)) for i in range(len(HEAD))]
    lines = ["", _line(HEAD, widths), _line(tuple("-" * width for width in widths), widths)]
    for verdict, row in zip(verdicts, rows, strict=True):
        lines.append(_line(row, widths))
        lines += [f"  {status:<5} {message}" for status, message in verdict.findings]
    return "\n".join([*lines, ""])


def _counts(counts: Mapping[str, int]) -> str:
    labels = (("pass", "passed"), ("warn", "warned"), ("fail", "failed"), ("error", "undecided"))
    return ", ".join(f"{counts[key]} {label}" for key, label in labels if counts.get(key)) or "none"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
