"""Answers of the Backend as text for people."""

from collections.abc import Sequence

from stringx_dataops.cli import findings
from stringx_dataops.cli.answers import (
    ChangeAnswer,
    ChangesAnswer,
    CheckAnswer,
    GateAnswer,
    IncidentAnswer,
    ProgressAnswer,
    RequestAnswer,
    TableAnswer,
)
from stringx_dataops.cli.terminal import Column, columns, folded, plain, state
from stringx_dataops.contract.messages.verdicts import WORST_FIRST

_REQUEST_COLUMNS = (
    Column("asked at", is_time=True),
    Column("result", is_state=True),
    Column("target", drops=1),
    Column("table", keeps_end=True, least=8),
    Column("rules", drops=2),
    Column("request"),
)


def request(view: RequestAnswer) -> str:
    """A request and the rules of its checks that did not pass, with values and failing rows; for a dataset, by table. Of a trial,
    all rules; a profile has no verdict."""
    is_profile = any((check.get("asked") or {}).get("profile") is not None for check in view["checks"])
    kind = "profile" if is_profile else "trial" if view.get("trial") else "request"
    result = view["status"] if is_profile else view["verdict"] or view["status"]
    lines = [f"{_subject(view)}: {state(result)} ({kind} {view['request_id']})"]
    if view.get("reason"):
        lines.append(f"  {plain(view['reason'])}")
    if progress := view.get("progress"):
        lines.append(f"  {_progress(progress)}")
    for check in view["checks"]:
        if check["counts"]:
            lines[0] += f", {_counts(check)}, {check['duration_ms']} ms"
        lines += findings.lines(check, passed=kind == "trial")
        for table in check.get("tables", ()):
            if table["rules"]:
                lines.append(f"  {table['table']}: {state(table['verdict'])}, {_counts(table)}")
                lines += [f"    {plain(table['reason'])}"] if table["reason"] else []
                lines += findings.lines(table, passed=False, begin="    ")
        if check.get("skipped"):
            lines.append(f"  skipped, none of their rules is in scope: {', '.join(check['skipped'])}")
        if any(map(findings.hides_samples, (check, *check.get("tables", ())))):
            lines.append(f"  {findings.NO_SAMPLES}")
    return "\n".join([folded(lines[0], 2), *lines[1:]])


def requests(views: Sequence[RequestAnswer]) -> list[str]:
    """A line per request, with its time, verdict or status, and id. A profile has no verdict."""
    rows = [
        (
            view["created_at"],
            view["status"] if view.get("profile") else view["verdict"] or view["status"],
            view["target"],
            _subject(view),
            next((_few_counts(check["counts"]) for check in view.get("checks", [])[-1:] if check["counts"]), ""),
            f"{view['request_id']}{'  (profile)' if view.get('profile') else '  (trial)' if view.get('trial') else ''}",
        )
        for view in views
    ]
    return columns(_REQUEST_COLUMNS, rows)


def _few_counts(counts: dict[str, int]) -> str:
    """Those that are not zero, such as `6 pass, 2 fail`."""
    return ", ".join(f"{counts[status]} {status}" for status in (*reversed(WORST_FIRST), "shadow") if counts.get(status))


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


def gate(view: GateAnswer) -> str:
    """The gate with the verdict and snapshot that decide it, its reasons, and the failures that waivers overlook, and
    its open incident."""
    line = f"{_subject(view)}: gate {state(view['gate'])}"
    if view["verdict"] is not None:
        line += f", verdict {state(view['verdict'])}"
    if view["snapshot_at"] is not None:
        line += f", snapshot {view['snapshot_at']} ({view['age_s']:.0f} s ago)"
    waived = [
        f"  waived until {each['until']}: {each['table'] + ': ' if 'dataset' in view else ''}{each['rule']}"
        f" by {plain(each['by'])}: {plain(each['reason'])}"
        for each in view.get("waivers", ())
    ]
    told = [f"  {plain(words)}" for words in (*view["reasons"], *view.get("notes", ()))]
    incident = [_incident(found)] if (found := view.get("incident")) else []
    return "\n".join(folded(each, 4) for each in (line, *told, *waived, *incident))


def _incident(found: IncidentAnswer) -> str:
    by = f", acknowledged by {plain(found['acknowledged_by'])}" if found["acknowledged_by"] else ""
    whose = f", assigned to {plain(found['assignee'])}" if found["assignee"] else ""
    return f"  incident {found['id']} since {found['opened_at']}{by}{whose}"


def changes(answer: ChangesAnswer) -> str:
    """One line per applied document with its change, also for a dry run."""
    prefix = "would be " if answer["dry_run"] else ""
    return "\n".join(f"{item['kind']} {item['name']}: {prefix}{item['change']}{_taken(item)}" for item in answer["changes"])


def _taken(item: ChangeAnswer) -> str:
    return f" (from {item['taken_from']} before)" if "taken_from" in item else ""
