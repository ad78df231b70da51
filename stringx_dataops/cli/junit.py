"""Results as JUnit XML: a suite per table, a case per rule."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from stringx_dataops.client import Refused

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
_PROPERTIES = ("measured", "failures", "total", "owner", "runbook", "dimension", "kind")


def require_folder(file: str) -> None:
    """Raises Refused if the file cannot be made, before anything is checked."""
    if not Path(file).absolute().parent.is_dir():
        raise Refused([f"--junit {file}: there is no folder {Path(file).absolute().parent}"])


def write(file: str, views: Sequence[Mapping[str, Any]]) -> None:
    """The requests as a file. Raises Refused if it cannot be written."""
    root = Xml.Element("testsuites", name="dataops")
    for view in views:
        for suite in _suites(view):
            root.append(suite)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    Xml.indent(root)
    try:
        Path(file).write_bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    except OSError as error:
        raise Refused([f"--junit {file}: cannot be written ({error.strerror})"]) from error


def _suites(view: Mapping[str, Any]) -> Iterator[Xml.Element]:
    check: Mapping[str, Any] = view["checks"][-1] if view["checks"] else {}
    if "dataset" in view and check.get("tables"):
        for table in check["tables"]:
            yield _suite(view, check, f"{view['target']}.{table['table']}", table)
    else:
        yield _suite(view, check, f"{view['target']}.{view.get('table') or view.get('dataset')}", check)


def _suite(view: Mapping[str, Any], check: Mapping[str, Any], name: str, part: Mapping[str, Any]) -> Xml.Element:
    rules = part.get("rules") or []
    cases = [_case(name, rule) for rule in rules]
    verdict = part.get("verdict") or view.get("verdict")
    if not rules or (verdict not in ("pass", "warn") and not any(rule["status"] in ("fail", "error") for rule in rules)):
        cases.append(_whole(name, str(verdict or view["status"]), str(part.get("reason") or view.get("reason") or "")))
    suite = Xml.Element("testsuite", name=_safe(name))
    outcomes = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.set("tests", str(len(cases)))
    for attribute, element in outcomes.items():
        suite.set(attribute, str(sum(case.find(element) is not None for case in cases)))
    suite.set("time", f"{(check.get('duration_ms') or 0) / 1000:.3f}")
    suite.set("timestamp", str(check.get("snapshot_at") or view.get("created_at", "")).partition(".")[0].removesuffix("Z"))
    told = {"request_id": view["request_id"], "check_id": check.get("check_id"), "verdict": verdict}
    _add_properties(suite, told)
    suite.extend(cases)
    return suite


def _case(suite: str, rule: Mapping[str, Any]) -> Xml.Element:
    """fail is a failure, error an error; waived and shadow rules are skipped; warn passes with a property."""
    case = Xml.Element("testcase", classname=_safe(suite), name=_safe(rule["id"]), time="0.000")
    status, message, waived = rule["status"], str(rule["message"]), rule.get("waived")
    told = {"status": status} | {name: rule.get(name) for name in _PROPERTIES}
    if status == "warn" and not waived:
        told["warning"] = message
    _add_properties(case, told)
    if rule.get("shadow"):
        Xml.SubElement(case, "skipped", message=_safe(f"shadow rule, which counts in nothing: {status}: {message}"))
    elif waived:
        why = f"waived by {waived['by']} until {waived['until']}: {waived['reason']}; {message}"
        Xml.SubElement(case, "skipped", message=_safe(why))
    elif status in ("fail", "error"):
        tag = "failure" if status == "fail" else "error"
        found = Xml.SubElement(case, tag, message=_safe(message), type=_safe(rule.get("type") or status))
        found.text = _safe("\n".join(str(each) for each in (message, rule.get("finding"), rule.get("runbook")) if each))
    return case


def _whole(suite: str, verdict: str, reason: str) -> Xml.Element:
    """A case for a check that says nothing of its rules, or whose verdict none of them explains."""
    case = Xml.Element("testcase", classname=_safe(suite), name="check", time="0.000")
    if verdict == "fail":
        Xml.SubElement(case, "failure", message=_safe(reason or verdict), type="fail")
    elif verdict not in ("pass", "warn"):
        Xml.SubElement(case, "error", message=_safe(reason or verdict), type=_safe(verdict))
    return case


def _add_properties(element: Xml.Element, values: Mapping[str, object]) -> None:
    properties = Xml.SubElement(element, "properties")
    for name, value in values.items():
        if value not in (None, ""):
            Xml.SubElement(properties, "property", name=name, value=_safe(value))


def _safe(value: object) -> str:
    """The text with an escape in place of each character that XML cannot hold."""
    return _FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), str(value))
