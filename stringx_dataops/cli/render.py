"""Answers of the Backend as text for people."""

from stringx_dataops.cli.answers import (
    ChangeAnswer,
    ChangesAnswer,
    CheckAnswer,
    GateAnswer,
    ProgressAnswer,
    RequestAnswer,
    TableAnswer,
)
from stringx_dataops.contract.messages.verdicts import WORST_FIRST

_MARKS = {"fail": "fail ", "error": "error", "warn": "warn ", "pass": "pass "}


def request(view: RequestAnswer) -> str:
    """A request and the rules of its checks that did not pass; for a dataset, by table. Of a trial, all rules."""
    kind = "trial" if view.get("trial") else "request"
    lines = [f"{_subject(view)}: {view['verdict'] or view['status']} ({kind} {view['request_id']})"]
    if view.get("reason"):
        lines.append(f"  {view['reason']}")
    if progress := view.get("progress"):
        lines.append(f"  {_progress(progress)}")
    for check in view["checks"]:
        if check["counts"]:
            lines[0] += f", {_counts(check)}, {check['duration_ms']} ms"
        lines += _findings(check, passed=kind == "trial")
        for table in check.get("tables", ()):
            if table["rules"]:
                lines.append(f"  {table['table']}: {table['verdict']}, {_counts(table)}")
                lines += [f"    {table['reason']}"] if table["reason"] else []
                lines += [f"  {line}" for line in _findings(table)]
        if check.get("skipped"):
            lines.append(f"  skipped, none of their rules is in scope: {', '.join(check['skipped'])}")
    return "\n".join(lines)


def request_line(view: RequestAnswer) -> str:
    """A request in one line, with its time, verdict or status, and id."""
    trial = "  (trial)" if view.get("trial") else ""
    about = f"{view['target']} {_subject(view)}"
    return f"{view['created_at']}  {view['verdict'] or view['status']:9}  {about}  {view['request_id']}{trial}"


def _progress(progress: ProgressAnswer) -> str:
    line = progress["phase"]
    if progress["position"] is not None:
        line += f", place {progress['position']} in the queue"
    line += f", for {progress['elapsed_s']:.1f} s"
    return line if progress["expected_s"] is None else f"{line}; a check takes about {progress['expected_s']:.1f} s"


def _subject(view: RequestAnswer | GateAnswer) -> str:
    return str(view["table"]) if "table" in view else f"dataset {view['dataset']}"


def _counts(result: CheckAnswer | TableAnswer) -> str:
    counts = result["counts"]
    shadows = f", {counts['shadow']} in shadow" if counts.get("shadow") else ""
    return f"{counts['pass']} of {sum(counts[status] for status in WORST_FIRST)} rules pass{shadows}"


def _findings(result: CheckAnswer | TableAnswer, passed: bool = False) -> list[str]:
    return [
        f"  {mark}  {rule['id']}{' (shadow)' if rule.get('shadow') else ''}: {rule['message']}"
        for status, mark in _MARKS.items()
        if status != "pass" or passed
        for rule in result.get("rules", ())
        if rule["status"] == status
    ]


def gate(view: GateAnswer) -> str:
    """The gate with the verdict and snapshot that decide it, and its reasons."""
    line = f"{_subject(view)}: gate {view['gate']}"
    if view["verdict"] is not None:
        line += f", verdict {view['verdict']}"
    if view["snapshot_at"] is not None:
        line += f", snapshot {view['snapshot_at']} ({view['age_s']:.0f} s ago)"
    waived = [
        f"  waived until {each['until']}: {each['table'] + ': ' if 'dataset' in view else ''}{each['rule']}"
        f" by {each['by']}: {' '.join(each['reason'].split())}"
        for each in view.get("waivers", ())
    ]
    return "\n".join([line, *(f"  {words}" for words in (*view["reasons"], *view.get("notes", ()))), *waived])


def changes(answer: ChangesAnswer) -> str:
    """One line per applied document with its change, also for a dry run."""
    prefix = "would be " if answer["dry_run"] else ""
    return "\n".join(f"{item['kind']} {item['name']}: {prefix}{item['change']}{_taken(item)}" for item in answer["changes"])


def _taken(item: ChangeAnswer) -> str:
    return f" (from {item['taken_from']} before)" if "taken_from" in item else ""
