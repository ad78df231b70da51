"""`dataops rules explain`: what holds for a table, and where each field and rule comes from."""

import json
from collections.abc import Iterator
from typing import Any

import click

from stringx_dataops.cli import completing
from stringx_dataops.cli.options import TargetName, example
from stringx_dataops.cli.output import show
from stringx_dataops.client import Client, path_of, require

_SOURCES = {"table": "the table", "defaults": "defaults of the target", "built_in": "built in"}
_WIDEST = 60  # of a column


@click.command(epilog=example("dataops rules explain nyc public.flights"))
@click.argument("target", type=TargetName())
@click.argument("table", shell_complete=completing.tables)
@click.option("--json", "as_json", is_flag=True, help="print the API's answer: the effective document with its `origins`")
@click.pass_obj
def explain(server: str | None, target: str, table: str, as_json: bool) -> int:
    """Say what holds for TABLE (schema.table) of TARGET, and where it comes from: its own document, the target's defaults, or a
    rule set."""
    client = Client.from_environment(server)
    found = require(client, client.get(path_of("tables", target, table), {"effective": "true"}), "rules", "origins")
    show(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(found)))
    return 0


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['table']} of target {found['target']}"
    fields = found["origins"]["fields"]
    yield from _columns([(name, _value(found, name), _SOURCES.get(source, source)) for name, source in fields.items()])
    yield ""
    rules = [(rule["id"], _rule(rule), _source(found["origins"]["rules"][rule["id"]])) for rule in found["rules"]]
    yield "rules" if rules else "no rules"
    yield from _columns(rules)


def _columns(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    widths = [min(_WIDEST, max((len(row[column]) for row in rows), default=0)) for column in (0, 1)]
    for name, value, source in rows:
        yield f"  {name:{widths[0]}}  {value:{widths[1]}}  {source}"


def _value(found: dict[str, Any], name: str) -> str:
    value: Any = found
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    shown = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else " ".join(str(value).split())
    return (shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…") or "–"


def _rule(rule: dict[str, Any]) -> str:
    columns = rule.get("columns") or ([rule["column"]] if rule.get("column") else [])
    parts = [rule["type"], ", ".join(columns), "" if rule.get("active", True) is True else f"(active: {rule['active']})".lower()]
    shown = " ".join(part for part in parts if part)
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"


def _source(origin: dict[str, Any]) -> str:
    if origin["from"] == "table":
        return _SOURCES["table"]
    changed = f", the table overrides {', '.join(origin['overridden'])}" if origin["overridden"] else ""
    return f"rule set {origin['rule_set']}{changed}"
