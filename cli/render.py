"""Answers in words."""

from typing import Any

_MARKS = {"fail": "fail ", "error": "error", "warn": "warn "}


def request(view: dict[str, Any]) -> str:
    """A request and, for each of its checks, the rules that did not pass."""
    lines = [f"{view['table']}: {view['verdict'] or view['status']} (request {view['request_id']})"]
    if view.get("reason"):
        lines.append(f"  {view['reason']}")
    for check in view["checks"]:
        if check["rules"]:
            counts = check["counts"]
            lines[0] += f", {counts['pass']} of {len(check['rules'])} rules pass, {check['duration_ms']} ms"
        lines += [
            f"  {mark}  {rule['id']}: {rule['message']}"
            for status, mark in _MARKS.items()
            for rule in check["rules"]
            if rule["status"] == status
        ]
    return "\n".join(lines)


def gate(view: dict[str, Any]) -> str:
    """The gate and its reasons; an open one says of which snapshot."""
    line = f"{view['table']}: gate {view['gate']}"
    if view["verdict"] is not None:
        line += f", verdict {view['verdict']}"
    if view["snapshot_at"] is not None:
        line += f", snapshot {view['snapshot_at']} ({view['age_s']:.0f} s ago)"
    return "\n".join([line, *(f"  {reason}" for reason in view["reasons"])])


def changes(answer: dict[str, Any]) -> str:
    prefix = "would be " if answer["dry_run"] else ""
    return "\n".join(f"{item['kind']} {item['name']}: {prefix}{item['change']}" for item in answer["changes"])
