"""The first page of a target's portal: its last verdicts, in place of dbt's welcome."""

from collections.abc import Mapping
from datetime import UTC, datetime

from portal.escaping import cell
from portal.state import PortalTable, PortalTarget
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.verdicts import WORST_FIRST, gate_of

_MOST_NAMED = 5
_ORDER = (*(verdict for verdict in WORST_FIRST if verdict != "pass"), None, "pass")  # None: not checked yet


def first_page(target: PortalTarget, sources: Mapping[TableName, str], to_front_page: str) -> str:
    """Markdown with a row per table, failed ones first. `sources`: dbt's unique id of each table's source. `to_front_page` is the
    relative address of the list of all targets.

    It shows verdicts and no open gate: a gate also depends on the age of the check, on the rules and on newer requests, and this
    page is written only now and then."""
    tables = sorted(target.tables, key=lambda table: (_ORDER.index(table.verdict), table.document.table))
    lines = [
        "{% docs __overview__ %}",
        f"# {cell(target.document.name)}",
        "",
        f"The configured tables and the verdict of their last full check, as of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        "Whether the next step may use a table now, `dataops gate TARGET TABLE` says: it also looks at the age of that check,",
        f"changed rules and newer requests. [The board of all targets]({to_front_page}) is renewed every few seconds.",
        "",
        "| table | last verdict | checked | rules that did not pass |",
        "| --- | --- | --- | --- |",
        *(_row(table, sources[TableName.parse(table.document.table)]) for table in tables),
        "{% enddocs %}",
    ]
    return "\n".join(lines) + "\n"


def _row(table: PortalTable, source: str) -> str:
    at = "" if table.finished_at is None else f"{table.finished_at:%Y-%m-%d %H:%M} UTC"
    named = cell(", ".join(rule["id"] for rule in table.findings[:_MOST_NAMED]))
    more = f" and {table.not_passed - _MOST_NAMED} more" if table.not_passed > _MOST_NAMED else ""
    cells = [
        f"[{cell(table.document.table)}](#!/source/{source})",
        _verdict(table),
        at,
        named + more,
    ]
    return f"| {' | '.join(cells)} |"


def _verdict(table: PortalTable) -> str:
    """The verdict of the last full check, and that it closes the gate if it does; of gates that windows decide, too, no word."""
    settings, verdict = table.document.gate, table.verdict
    if settings.by_window:
        return verdict or "no full check"
    if verdict is None:
        return "not checked: the gate is **closed**"
    is_closed = gate_of(verdict, settings.on_warn, settings.on_error) == "closed"
    return f"{verdict}: the gate is **closed**" if is_closed else verdict
