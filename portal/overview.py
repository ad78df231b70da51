"""The first page of a target's portal: its gates and verdicts, instead of dbt's welcome page."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portal.state import PortalTable, PortalTarget
from portal.texts import cell
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.verdicts import opens

_MOST_NAMED = 5
_ORDER = ("fail", "error", "warn", None, "pass")  # of verdicts
_THEIRS = re.compile(r"{%-?\s*docs\s+__overview__\s")
_WHERE = {
    "docs-paths": ["docs"],
    "model-paths": ["models"],
    "macro-paths": ["macros"],
    "seed-paths": ["seeds"],
    "snapshot-paths": ["snapshots"],
}


def first_page(target: PortalTarget, sources: Mapping[TableName, str]) -> str:
    """Markdown with one row per table, failed ones first. `sources` maps tables to dbt's ids of their sources."""
    tables = sorted(target.tables, key=lambda table: (_ORDER.index(table.verdict), table.document.table))
    lines = [
        "{% docs __overview__ %}",
        f"# {cell(target.document.name)}",
        "",
        "The configured tables by their last full check. `dataops gate TARGET TABLE` also looks at the age of that check, and",
        "at changed rules.",
        "",
        "| table | gate | verdict | checked | rules that did not pass |",
        "| --- | --- | --- | --- | --- |",
        *(_row(table, sources[TableName.parse(table.document.table)]) for table in tables),
        "{% enddocs %}",
    ]
    return "\n".join(lines) + "\n"


def _row(table: PortalTable, source: str) -> str:
    gate = table.document.gate
    is_open = table.verdict is not None and opens(table.verdict, gate.on_warn, gate.on_error) == "open"
    at = "" if table.finished_at is None else f"{table.finished_at:%Y-%m-%d %H:%M} UTC"
    named = cell(", ".join(rule["id"] for rule in table.findings[:_MOST_NAMED]))
    more = f" and {table.number - _MOST_NAMED} more" if table.number > _MOST_NAMED else ""
    cells = [
        f"[{cell(table.document.table)}](#!/source/{source})",
        "open" if is_open else "**closed**",
        table.verdict or "not checked",
        at,
        named + more,
    ]
    return f"| {' | '.join(cells)} |"


def has_overview(users: Path, theirs: dict[str, Any]) -> bool:
    """Whether the user's dbt project has its own overview page; `theirs` is its dbt_project.yml."""
    folders = {users / path for kind, default in _WHERE.items() for path in theirs.get(kind) or default}
    pages = (page for folder in folders for page in folder.rglob("*.md"))
    return any(_THEIRS.search(page.read_text(encoding="utf-8", errors="replace")) for page in pages)
