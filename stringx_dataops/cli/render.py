"""Answers in words."""

from typing import Any

_MARKS = {"fail": "fail ", "error": "error", "warn": "warn "}


def request(view: dict[str, Any]) -> str:
    """A request and, for each of its checks, the rules that did not pass, by table where there are several."""
    lines = [f"{_subject(view)}: {view['verdict'] or view['status']} (request {view['request_id']})"]
    if view.get("reason"):
        lines.append(f"  {view['reason']}")
    for check in view["checks"]:
        if check["counts"]:
            lines[0] += f", {_counts(check)}, {check['duration_ms']} ms"
        lines += _findings(check)
        for table in check.get("tables", ()):
            if table["rules"]:
                lines.append(f"  {table['table']}: {table['verdict']}, {_counts(table)}")
                lines += [f"    {table['reason']}"] if table["reason"] else []
                lines += [f"  {line}" for line in _findings(table)]
        if check.get("skipped"):
            lines.append(f"  skipped, none of their rules is in scope: {', '.join(check['skipped'])}")
    return "\n".join(lines)


def request_line(view: dict[str, Any]) -> str:
    """A request in one line."""
    return f"{view['created_at']}  {view['verdict'] or view['status']:9}  {view['target']} {_subject(view)}  {view['request_id']}"


def _subject(view: dict[str, Any]) -> str:
    return str(view["table"]) if "table" in view else f"dataset {view['dataset']}"


def _counts(part: dict[str, Any]) -> str:
    return f"{part['counts']['pass']} of {sum(part['counts'].values())} rules pass"


def _findings(part: dict[str, Any]) -> list[str]:
    return [
        f"  {mark}  {rule['id']}: {rule['message']}"
        for status, mark in _MARKS.items()
        for rule in part.get("rules", ())
        if rule["status"] == status
    ]


def gate(view: dict[str, Any]) -> str:
    """The gate and its reasons; an open one says of which snapshot."""
    line = f"{_subject(view)}: gate {view['gate']}"
    if view["verdict"] is not None:
        line += f", verdict {view['verdict']}"
    if view["snapshot_at"] is not None:
        line += f", snapshot {view['snapshot_at']} ({view['age_s']:.0f} s ago)"
    return "\n".join([line, *(f"  {reason}" for reason in view["reasons"])])


def changes(answer: dict[str, Any]) -> str:
    prefix = "would be " if answer["dry_run"] else ""
    return "\n".join(f"{item['kind']} {item['name']}: {prefix}{item['change']}" for item in answer["changes"])
