"""A past of thirty days for the demo, always the same: what its checks would have found, written by the Backend's own recording."""

import math
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from backend.history import recording
from database.pool import Cursor, Database
from stringx_dataops.contract.messages.checks import CheckResult, RuleResult
from stringx_dataops.contract.messages.verdicts import worst

DAYS = 30
_BAD_LOAD = 6  # days ago: since then flights lack times and airports
_UNDECIDED = 17  # days ago: a rule ran out of time
_CHANGED = 12  # days ago: the documents that hold now were applied
_RISING, _NEW, _SLOW = "dep_time_not_null", "dest_in_airports", "tailnum_in_planes"


def write(database: Database) -> None:
    """Write a check per day and table of the demo, then have the present states look at them."""
    with database.transaction() as cursor:
        rows = cursor.all("""select distinct on (target, table_name) result from stringx.results
            where is_full and table_name is not null order by target, table_name, finished_at desc""")
        results = [CheckResult.model_validate(row["result"]) for row in rows]
        _age_documents(cursor)
        for result in results:
            for day in range(DAYS, 0, -1):
                past = _past(result, day)
                recording.record(cursor, past, past.as_json(), is_new=False)
            recording.look_again(cursor, result)


def age_incidents(database: Database) -> None:
    """As if incidents had been noticed when their gates closed in this past, and somebody had acknowledged them the day after. The
    present states have looked at the past already."""
    with database.transaction() as cursor:
        cursor.run("""update stringx.incidents i set opened_at = s.since, assignee = 'ann', acknowledged_by = 'ann',
                acknowledged_at = s.since + interval '1 day', first_acknowledged_at = s.since + interval '1 day'
            from stringx.states s where s.incident_id = i.incident_id and s.since < i.opened_at;
            update stringx.events e set at = i.opened_at from stringx.incidents i
            where e.incident_id = i.incident_id and 'closed' = any(e.kinds);
            insert into stringx.incident_entries (incident_id, at, actor, action, details)
            select incident_id, acknowledged_at, 'ann', 'acknowledged',
                '{"assignee": "ann", "note": "The loader drops departure times since the vendor''s new format. Fixed in 4.3."}'
            from stringx.incidents where acknowledged_by = 'ann'""")


def _age_documents(cursor: Cursor) -> None:
    """As if they had been configured before this past, and a threshold had been tightened within it."""
    cursor.run(f"""insert into stringx.table_versions (target, table_name, version, document, changed_at, changed_by)
        select target, table_name, 2, document, clock_timestamp() - interval '{_CHANGED} days', 'ann' from stringx.table_versions
        where version = 1 on conflict do nothing;
        update stringx.table_versions set changed_at = clock_timestamp() - interval '{DAYS + 10} days',
            document = replace(document::text, '"fail_above": "2%"', '"fail_above": "3%"')::jsonb where version = 1;
        update stringx.tables set version = 2 where version = 1;
        update stringx.check_points set config_version = 2 where config_version = 1;
        update stringx.rule_points set config_version = 2 where config_version = 1""")


def _past(result: CheckResult, day: int) -> CheckResult:
    """The result as it would have been so many days ago."""
    rules = [_rule(rule, day) for rule in result.rules]
    rows = result.row_count - 137 * day if result.row_count is not None and result.table == "public.flights" else result.row_count
    back = timedelta(days=day, minutes=(day * 37) % 23)
    moments = {
        name: moment - back
        for name in ("snapshot_at", "queued_at", "started_at", "finished_at")
        if (moment := getattr(result, name))
    }
    verdict = worst(rule.status for rule in rules)
    counts = {status: sum(rule.status == status for rule in rules) for status in ("pass", "warn", "fail", "error")}
    score = (
        None if verdict == "error" else sum(1 - (rule.failures or 0) / (rule.total or 1) for rule in rules) / max(1, len(rules))
    )
    changes = {
        "check_id": str(uuid5(NAMESPACE_URL, f"{result.table}/{day}")),
        "config_version": 1 if day > _CHANGED else 2,
        "verdict": verdict,
        "counts": counts,
        "scores": {"overall": score},
        "rules": rules,
        "row_count": rows,
        "duration_ms": (result.duration_ms or 1000) * (90 + (day * 53) % 40) // 100,
    }
    return result.model_copy(update=changes | moments)


def _rule(rule: RuleResult, day: int) -> RuleResult:
    """Slowly more flights without a time of departure, and a bad load; airports that are new since; a rule without a verdict once."""
    if rule.id == _SLOW and day == _UNDECIDED:
        return rule.model_copy(update={"status": "error", "failures": None, "total": None, "message": "ran out of time"})
    if rule.id == _NEW and day > _BAD_LOAD:
        return rule.model_copy(update={"status": "pass", "failures": 0})
    if rule.id == _RISING and rule.failures is not None and rule.total:
        wave = 1 + 0.05 * math.sin(day * 1.3)
        failures = int(rule.failures * (0.98 * wave if day <= _BAD_LOAD else (0.72 - 0.012 * day) * wave))
        share = failures / rule.total
        return rule.model_copy(
            update={"failures": failures, "status": "fail" if share > 0.02 else "warn" if share > 0.01 else "pass"}
        )
    if rule.status == "warn" and rule.id != _SLOW and (day * 7 + len(rule.id)) % 5 < 3:
        return rule.model_copy(update={"status": "pass", "failures": 0})
    if rule.status == "warn" and rule.failures:
        return rule.model_copy(update={"failures": int(rule.failures * (0.9 + 0.02 * ((day * 7) % 11)))})
    return rule
