"""An internal database with many tables and points, written in bulk: a year of checks, each with a point per rule."""

import secrets
from datetime import UTC, date, datetime, timedelta

from database.migrate import migrate
from database.pool import Database
from tests.support.databases import Admin

RULES = 20
_MONTHS = 14  # with partitions: the year, this month and the next
_CONFIGURE = """
insert into stringx.targets (name, document, version) values
    ('shop', '{"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}', 1);
insert into stringx.tables (target, table_name, document, rules_hash, version)
select 'shop', name,
       jsonb_build_object('apiVersion', 'stringx/v1', 'target', 'shop', 'table', name, 'owner', owner, 'rules', rules), 'hash', 1
from (select 'public.t' || n as name, 'team-' || n %% 40 as owner from generate_series(1, %(tables)s) n) named,
     (select jsonb_agg(jsonb_build_object('id', 'r' || i, 'type', 'not_null', 'column', 'c' || i)) as rules
      from generate_series(1, %(rules)s) i) r;
insert into stringx.table_versions (target, table_name, version, document, changed_by)
select target, table_name, version, document, 'benchmark' from stringx.tables;
insert into stringx.subject_rules (subject_id, rule_id)
select subject_id, 'r' || i from stringx.subjects, generate_series(1, %(rules)s) i where kind = 'table' order by 1, 2;
update stringx.states set
    state = (array['closed', 'stale', 'open', 'open', 'open'])[1 + subject_id %% 5],
    rank = (array[0, 1, 3, 3, 3])[1 + subject_id %% 5],
    gate = 'open', verdict = 'pass', recent = array_fill('pass'::text, array[30]), refresh_at = null, checked_at = now(),
    since = now() - interval '3 days', score = 1, row_count = 1000, duration_ms = 50,
    reasons = case subject_id %% 5 when 0 then array['r1: 3 of 10 rows (30.00%%) have no c1; fails above 0'] else '{}' end
"""
# A year of checks of each table, in no order of the tables; those that are of this month.
_CHECKS = """
insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, counts, row_count, score,
                                  duration_ms, config_version)
select subject_id, at, gen_random_uuid(), 'past', 'succeeded', 'pass', 'open', true,
       '{"pass": 20, "warn": 0, "fail": 0, "error": 0}', 1000, 1, 50, 1
from (select subject_id,
             now() - interval '365 days' / %(each)s * (n - (hashint8(subject_id * 1000003 + n) & 65535) / 65536.0) as at
      from stringx.subjects cross join generate_series(1, %(each)s) n where kind = 'table') times
where at >= %(start)s and at < %(end)s
order by at
"""
_POINTS = """
insert into stringx.{part} (rule_key, at, check_id, status, failures, total, config_version)
select r.rule_key, c.at, c.check_id, 'pass', (r.rule_key + extract(epoch from c.at)::bigint) %% 16, 1000, 1
from (select * from stringx.check_points where at >= %(start)s and at < %(end)s order by at) c
join stringx.subject_rules r on r.subject_id = c.subject_id
"""


def prepare(admin: Admin, tables: int, points: int) -> tuple[str, Database]:
    """A filled internal database of its own: its address, and it. Points are loaded without their indexes, which are made
    afterwards: that is several times as fast."""
    name = f"history_{secrets.token_hex(4)}"
    admin.run(f"create database {name}")
    database = Database(admin.url(name), size=4)
    migrate(database)
    with database.transaction() as cursor:
        cursor.run(_CONFIGURE, {"tables": tables, "rules": RULES})
    each = max(1, points // (tables * RULES))
    for month in _months():
        _fill(database, month, each)
    admin.run("vacuum (analyze)", name)
    return admin.url(name), database


def _months() -> list[date]:
    """Those of the past year and the next one, the oldest first."""
    month = (datetime.now(UTC).date() + timedelta(days=31)).replace(day=1)
    found = [month]
    while len(found) < _MONTHS:
        month = (month - timedelta(days=1)).replace(day=1)
        found.append(month)
    return found[::-1]


def _fill(database: Database, month: date, each: int) -> None:
    part = f"rule_points_{month:%Y_%m}"
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    end = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    span = {"start": start, "end": end}
    with database.transaction() as cursor:
        cursor.run(
            "set local statement_timeout = '30min'; set local maintenance_work_mem = '512MB'; set local work_mem = '256MB'"
        )
        cursor.run("select stringx.make_partitions(%(start)s::date)", span)
        cursor.run(_CHECKS, span | {"each": each})
        cursor.run(f"analyze stringx.check_points; alter table stringx.rule_points detach partition stringx.{part}")
        cursor.run(f"alter table stringx.{part} drop constraint {part}_pkey; drop index stringx.{part}_at_idx")
        cursor.run(_POINTS.format(part=part), span)
        cursor.run(f"alter table stringx.{part} add primary key (rule_key, at, check_id)")
        cursor.run(f"create index on stringx.{part} using brin (at) with (autosummarize = on)")
        attach = f"alter table stringx.rule_points attach partition stringx.{part}"
        cursor.run(f"{attach} for values from (%(start)s) to (%(end)s)", span)
