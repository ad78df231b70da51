-- name: events
-- The newest event of each table and dataset among these.
select distinct on (e.target, e.name, e.subject_kind) e.event_id::text as key, e.kinds, e.subject_kind, e.target, e.name, e.incident_id, e.at, e.gate
from stringx.events e where e.event_id = any(%(event_ids)s::bigint[])
order by e.target, e.name, e.subject_kind, e.event_id desc

-- name: incidents
-- Those that are open.
select i.incident_id::text as key, '{}'::text[] as kinds, i.subject_kind, i.target, i.name, i.incident_id, i.opened_at as at, s.gate
from stringx.incidents i left join stringx.states s on s.kind = i.subject_kind and s.target = i.target and s.name = i.name
where i.incident_id = any(%(incident_ids)s::uuid[]) and i.closed_at is null

-- name: of_events
-- Events with everything.
select e.event_id::text as key, e.id, e.kinds, e.gate, e.gate_before, e.verdict, e.check_id, e.request_id, e.owner, e.tags, e.reasons, e.rules, e.rules_more,
       e.at as decided_at, i.opened_at, i.closed_because, i.acknowledged_by, i.assignee, r.snapshot_at
from stringx.events e
left join stringx.incidents i on i.incident_id = e.incident_id
left join stringx.results r on r.check_id = e.check_id
where e.event_id = any(%(keys)s::bigint[])

-- name: of_incidents
-- Incidents with everything, as they stand: what the last deciding check found.
select i.incident_id::text as key, null::uuid as id, '{}'::text[] as kinds, s.gate, s.gate as gate_before, s.verdict, s.check_id, s.request_id,
       coalesce(s.owner, i.owner) as owner, coalesce(s.tags, i.tags) as tags, coalesce(s.reasons, i.reasons) as reasons,
       coalesce(r.rules, i.rules) as rules, coalesce(r.more, i.rules_more) as rules_more, coalesce(s.decided_at, i.opened_at) as decided_at,
       i.opened_at, i.closed_because, i.acknowledged_by, i.assignee, s.snapshot_at
from stringx.incidents i
left join stringx.states s on s.kind = i.subject_kind and s.target = i.target and s.name = i.name
left join lateral stringx.rules_against(s.kind, s.target, s.name, s.check_id, s.decided_at) r on s.gate = 'closed'
where i.incident_id = any(%(keys)s::uuid[])

-- name: runbooks
select n.place, coalesce(t.document ->> 'runbook', d.document ->> 'runbook') as runbook
from jsonb_to_recordset(%(subjects)s::jsonb) as n (place integer, kind text, target text, name text)
left join stringx.configured_tables t on n.kind = 'table' and t.target = n.target and t.table_name = n.name
left join stringx.configured_datasets d on n.kind = 'dataset' and d.name = n.name

-- name: rules
-- What documents say of rules that are told: their owners, runbooks and messages. Of each table, its rules are unfolded once.
select n.target, n.name, r.rule ->> 'id' as id, r.rule ->> 'message' as message, r.rule ->> 'owner' as owner, r.rule ->> 'runbook' as runbook
from jsonb_to_recordset(%(tables)s::jsonb) as n (target text, name text, ids jsonb)
join stringx.configured_tables t on t.target = n.target and t.table_name = n.name
cross join lateral jsonb_array_elements(case when jsonb_typeof(t.document -> 'rules') = 'array' then t.document -> 'rules' else '[]' end) as r (rule)
where n.ids ? (r.rule ->> 'id') and (r.rule ? 'message' or r.rule ? 'owner' or r.rule ? 'runbook')

-- name: before
-- Of rules with the time of their check: the point that is closest to 24 hours before it. It is the last one until then, or the first one after.
select n.place, p.at, p.status, p.failures, p.total, p.measured
from jsonb_to_recordset(%(rules)s::jsonb) as n (place integer, target text, name text, id text, at timestamptz)
join stringx.subjects s on s.kind = 'table' and s.target = n.target and s.name = n.name
join stringx.subject_rules r on r.subject_id = s.subject_id and r.rule_id = n.id
cross join lateral (
    select c.* from (
        (select * from stringx.rule_points p where p.rule_key = r.rule_key and p.at > n.at - interval '8 days' and p.at <= n.at - interval '24 hours'
         order by p.at desc limit 1)
        union all
        (select * from stringx.rule_points p where p.rule_key = r.rule_key and p.at > n.at - interval '24 hours' and p.at <= n.at - interval '12 hours'
         order by p.at limit 1)) c
    order by abs(extract(epoch from c.at - (n.at - interval '24 hours'))) limit 1) p
