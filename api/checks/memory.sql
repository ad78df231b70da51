-- name: points
-- Of each rule its newest points before the moment judged, as one JSON list per rule, newest first; and the present time. With a `zone` only
-- those of earlier days that were the same weekday there.
select w.number, clock_timestamp() as now, found.points
from jsonb_to_recordset(%(wanted)s) as w (
    number integer, table_name text, rule_id text, definition text, window_key text, before timestamptz, zone text, most integer)
cross join lateral (select coalesce(w.before, clock_timestamp()) at time zone coalesce(w.zone, 'UTC') as judged) local
cross join lateral (
    select json_agg(json_build_array((extract(epoch from p.at) * 1000000)::bigint, p.check_id, p.measured::text, p.status, p.waived, m.mark)
                    order by p.at desc) as points
    from (select * from dataops.rule_points p
          where p.target = %(target)s and p.table_name = w.table_name and p.rule_id = w.rule_id and p.definition = w.definition
            and p.window_key = w.window_key and p.at < coalesce(w.before, 'infinity')
            and (w.zone is null or (extract(isodow from p.at at time zone w.zone) = extract(isodow from local.judged)
                                    and (p.at at time zone w.zone)::date < local.judged::date))
          order by p.at desc limit w.most) p
    left join stringx.marked_points m
      on m.target = %(target)s and m.table_name = w.table_name and m.rule_id = w.rule_id and m.snapshot_at = p.snapshot_at
    where p.measured is not null) found

-- name: memories
-- The last state before the moment judged: for the window that was checked last, the one that it was compared with.
select w.number, before.at, before.check_id, before.state
from jsonb_to_recordset(%(wanted)s) as w (
    number integer, table_name text, rule_id text, definition text, window_key text, before timestamptz)
join dataops.rule_memories m
  on m.target = %(target)s and m.table_name = w.table_name and m.rule_id = w.rule_id and m.window_key = w.window_key
cross join lateral (
    select m.at, m.check_id, m.state
    union all select (m.earlier ->> 'at')::timestamptz, (m.earlier ->> 'check_id')::uuid, m.earlier -> 'state' where m.earlier is not null
    order by 1 desc) before
where m.definition = w.definition and before.at < coalesce(w.before, 'infinity')
  and (before.at = m.at or m.at >= w.before)

-- name: put_points
-- Of a window there is one point, that of the newest snapshot.
insert into dataops.rule_points as p (target, table_name, rule_id, definition, window_key, at, snapshot_at, check_id, status, waived, measured, low, high)
select %(target)s, n.table_name, n.rule_id, n.definition, n.window_key, coalesce(n.at, %(snapshot_at)s), %(snapshot_at)s, %(check_id)s,
       n.status, n.waived, n.measured, n.low, n.high
from jsonb_to_recordset(%(new)s) as n (
    table_name text, rule_id text, definition text, window_key text, at timestamptz, status text, waived boolean, measured numeric, low numeric, high numeric)
on conflict (target, table_name, rule_id, definition, window_key, at) do update set
    snapshot_at = excluded.snapshot_at, check_id = excluded.check_id, status = excluded.status, waived = excluded.waived,
    measured = excluded.measured, low = excluded.low, high = excluded.high
where p.snapshot_at <= excluded.snapshot_at

-- name: put_memories
-- An older snapshot, or an earlier window, replaces nothing; another definition begins anew.
insert into dataops.rule_memories as m (target, table_name, rule_id, window_key, definition, at, snapshot_at, check_id, state)
select %(target)s, n.table_name, n.rule_id, n.window_key, n.definition, coalesce(n.at, %(snapshot_at)s), %(snapshot_at)s, %(check_id)s, n.state
from jsonb_to_recordset(%(new)s) as n (table_name text, rule_id text, definition text, window_key text, at timestamptz, state jsonb)
on conflict (target, table_name, rule_id, window_key) do update set
    earlier = case when m.definition <> excluded.definition or m.window_key = '' then null
                   when m.at = excluded.at then m.earlier
                   else jsonb_build_object('at', m.at, 'check_id', m.check_id, 'state', m.state) end,
    definition = excluded.definition, at = excluded.at, snapshot_at = excluded.snapshot_at, check_id = excluded.check_id, state = excluded.state
where m.snapshot_at <= excluded.snapshot_at and (m.at <= excluded.at or m.definition <> excluded.definition)
