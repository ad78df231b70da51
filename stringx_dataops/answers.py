"""The Backend's answers as values with types. Each keeps the whole answer in `raw`, where another release may have more fields.

`of` raises LookupError, TypeError, ValueError or AttributeError for an answer of another shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stringx_dataops.contract.messages import verdicts
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus, RuleStatus, Verdict
from stringx_dataops.errors import CheckFailed, Undecided

Raw = Mapping[str, Any]
EXIT: dict[str | None, int] = {"pass": 0, "warn": 0, "fail": 1, "error": 3, "open": 0, "closed": 1}


@dataclass(frozen=True)
class Gate:
    """Whether the next step may use a table, or the tables of a dataset; it is true where the gate is open. `pending`: waiting
    may open it. `age_s`: of the snapshot that was checked. `waivers`: those that the answer leans on. `notes`: what to know of an
    answer besides its reasons. `token`: the signed verdict, where it was asked for."""

    gate: verdicts.Gate
    target: str
    table: str | None
    dataset: str | None
    verdict: Verdict | None
    snapshot_at: datetime | None
    age_s: float | None
    reasons: tuple[str, ...]
    pending: bool
    waivers: tuple[Raw, ...]
    notes: tuple[str, ...]
    raw: Raw = field(repr=False, compare=False)
    token: str | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.is_open

    @property
    def is_open(self) -> bool:
        """Whether the data may be used."""
        return self.gate == "open"

    @property
    def exit_code(self) -> int:
        """0 open, 1 closed."""
        return 0 if self.is_open else 1

    @property
    def name(self) -> str:
        """The table, or `dataset NAME`."""
        return self.table or f"dataset {self.dataset}"

    @classmethod
    def of(cls, answer: Raw) -> "Gate":
        """From the answer's JSON."""
        if answer["gate"] not in ("open", "closed"):
            raise ValueError(f"the gate is {answer['gate']!r}")
        closed, pending = answer["gate"] == "closed", answer.get("pending", True)  # releases before did not say; then it may
        return cls(
            gate=answer["gate"],
            target=str(answer.get("target", "")),
            table=answer.get("table"),
            dataset=answer.get("dataset"),
            verdict=answer["verdict"],
            snapshot_at=moment_of(answer["snapshot_at"]),
            age_s=answer["age_s"],
            reasons=tuple(map(str, answer["reasons"])),
            pending=closed and pending is not False,
            waivers=tuple(map(dict, answer.get("waivers") or ())),  # releases before had none
            notes=tuple(map(str, answer.get("notes") or ())),
            raw=answer,
            token=answer.get("token"),
        )


@dataclass(frozen=True)
class Rule:
    """The result of a rule. `sample`: failing rows, where the key may see them. `baseline`: of a rule that is judged by its own
    earlier points. `groups`: the worst of a rule that is decided for each group."""

    id: str
    status: RuleStatus
    message: str
    type: str
    columns: tuple[str, ...]
    failures: int | None
    total: int | None
    failure_ratio: float | None
    measured: int | float | str | None
    sample: Raw | None = field(repr=False)
    baseline: Raw | None = field(repr=False)
    groups: tuple[Raw, ...] = field(repr=False)
    raw: Raw = field(repr=False, compare=False)

    @classmethod
    def of(cls, answer: Raw) -> "Rule":
        """From the answer's JSON."""
        numbers: dict[str, Any] = {
            name: answer.get(name) for name in ("failures", "total", "failure_ratio", "measured", "sample", "baseline")
        }
        columns = tuple(map(str, answer.get("columns", ())))
        named: dict[str, Any] = {
            "id": answer["id"],
            "status": answer["status"],
            "message": answer["message"],
            "type": answer.get("type", ""),
        }
        return cls(**named, columns=columns, **numbers, groups=tuple(answer.get("groups") or ()), raw=answer)


@dataclass(frozen=True)
class Table:
    """The result of a table in the check of a dataset. `counts`: rules by status."""

    table: str
    verdict: Verdict
    reason: str | None
    counts: Mapping[str, int]
    rules: tuple[Rule, ...] = field(repr=False)
    raw: Raw = field(repr=False, compare=False)

    @classmethod
    def of(cls, answer: Raw) -> "Table":
        """From the answer's JSON."""
        rules = tuple(map(Rule.of, answer["rules"]))
        return cls(answer["table"], answer["verdict"], answer.get("reason"), dict(answer["counts"]), rules, answer)


@dataclass(frozen=True)
class Progress:
    """How far a request is: queued (at a place, 1 the next), starting, reading or delivering. `expected_s`: how long it takes."""

    phase: str
    position: int | None
    elapsed_s: float
    expected_s: float | None

    @classmethod
    def of(cls, answer: Raw) -> "Progress":
        """From the answer's JSON."""
        return cls(answer["phase"], answer["position"], answer["elapsed_s"], answer["expected_s"])


@dataclass(frozen=True)
class Request:
    """A request for a check, with its result once it has ended; it is true where the verdict is pass or warn. `rules` are those
    of a table; a dataset has `tables`. `counts`: rules by status."""

    request_id: str
    target: str
    table: str | None
    dataset: str | None
    status: CheckStatus
    verdict: Verdict | None
    reason: str | None
    counts: Mapping[str, int]
    row_count: int | None
    snapshot_at: datetime | None
    duration_ms: int | None
    rules: tuple[Rule, ...] = field(repr=False)
    tables: tuple[Table, ...] = field(repr=False)
    progress: Progress | None
    raw: Raw = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.exit_code == 0

    @property
    def has_ended(self) -> bool:
        """Whether it stays as it is from now on."""
        return self.status in TERMINAL

    @property
    def exit_code(self) -> int:
        """0 pass or warn, 1 fail, 3 error or not ended."""
        return EXIT.get(self.verdict, 3) if self.has_ended else 3

    @property
    def name(self) -> str:
        """The table, or `dataset NAME`."""
        return self.table or f"dataset {self.dataset}"

    def require_pass(self) -> "Request":
        """The request itself if its verdict is pass or warn. Raises CheckFailed, or Undecided for any other end, or none."""
        if self.exit_code == 0:
            return self
        text = f"{self.name}: {self.verdict if self.has_ended else self.status} (request {self.request_id})"
        found = [f"{rule.id}: {rule.message}" for rule in self._all_rules() if rule.status in ("fail", "error")]
        lines = [text, *([self.reason] if self.reason else []), *found[:_SHOWN], *(["…"] if found[_SHOWN:] else [])]
        if self.exit_code == 1:
            raise CheckFailed("\n".join(lines), self)
        raise Undecided("\n".join(lines), self)

    def _all_rules(self) -> list[Rule]:
        return [*self.rules, *(rule for table in self.tables for rule in table.rules)]

    @classmethod
    def of(cls, answer: Raw) -> "Request":
        """From the answer's JSON."""
        last = answer["checks"][-1] if answer["checks"] else {}
        progress = answer.get("progress")
        return cls(
            request_id=answer["request_id"],
            target=str(answer.get("target", "")),
            table=answer.get("table"),
            dataset=answer.get("dataset"),
            status=answer["status"],
            verdict=answer["verdict"],
            reason=answer.get("reason"),
            counts=dict(last.get("counts", {})),
            row_count=last.get("row_count"),
            snapshot_at=moment_of(last.get("snapshot_at")),
            duration_ms=last.get("duration_ms"),
            rules=tuple(map(Rule.of, last.get("rules", ()))),
            tables=tuple(map(Table.of, last.get("tables", ()))),
            progress=Progress.of(progress) if progress else None,
            raw=answer,
        )


@dataclass(frozen=True)
class State:
    """A table or dataset as it stands: `state` is closed, stale, never_checked or open. `gate` is as the last deciding check left
    it; while `checking`, the gate itself stays closed. It is true where the gate is open and no check is running."""

    target: str
    table: str | None
    dataset: str | None
    state: str
    gate: verdicts.Gate
    checking: bool
    verdict: Verdict | None
    since: datetime | None
    reasons: tuple[str, ...]
    checked_at: datetime | None
    snapshot_at: datetime | None
    row_count: int | None
    score: float | None
    owner: str
    tags: tuple[str, ...]
    raw: Raw = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.gate == "open" and not self.checking

    @property
    def name(self) -> str:
        """The table, or `dataset NAME`."""
        return self.table or f"dataset {self.dataset}"

    @classmethod
    def of(cls, answer: Raw) -> "State":
        """From the answer's JSON."""
        moments: dict[str, Any] = {name: moment_of(answer[name]) for name in ("since", "checked_at", "snapshot_at")}
        lists: dict[str, Any] = {name: tuple(map(str, answer[name])) for name in ("reasons", "tags")}
        plain = {name: answer[name] for name in ("target", "state", "gate", "checking", "verdict", "row_count", "score", "owner")}
        return cls(table=answer.get("table"), dataset=answer.get("dataset"), **plain, **lists, **moments, raw=answer)


@dataclass(frozen=True)
class Check:
    """A check in the history of a table or dataset. `gate`: as its verdict alone left it. `full`: all rules on all rows."""

    check_id: str
    request_id: str
    at: datetime
    status: str
    verdict: Verdict
    gate: verdicts.Gate
    counts: Mapping[str, int]
    row_count: int | None
    score: float | None
    full: bool
    raw: Raw = field(repr=False, compare=False)

    @classmethod
    def of(cls, answer: Raw) -> "Check":
        """From the answer's JSON."""
        names = ("check_id", "request_id", "status", "verdict", "gate", "row_count", "score", "full")
        return cls(
            at=parse_moment(answer["at"]), counts=dict(answer["counts"]), raw=answer, **{name: answer[name] for name in names}
        )


_SHOWN = 20  # rules in a text


def moment_of(text: str | None) -> datetime | None:
    return None if text is None else parse_moment(text)
