-- name: subject
-- `by_window`: whether windows decide, too. `begins`: the check before, so that what happened between is told.
select s.subject_id, coalesce(t.by_window, false) as by_window,
       coalesce(e.document ->> 'runbook', d.document ->> 'runbook') as runbook,
       case when i.subject_kind = 'table' then array[i.name] else coalesce(d.tables, '{}') end as tables
from stringx.incidents i
left join stringx.subjects s on s.kind = i.subject_kind and s.target = i.target and s.name = i.name
left join stringx.states t on t.subject_id = s.subject_id
left join stringx.configured_tables e on i.subject_kind = 'table' and e.target = i.target and e.table_name = i.name
left join stringx.datasets d on i.subject_kind = 'dataset' and d.name = i.name and d.target = i.target
where i.incident_id = %(id)s

-- name: checks
-- Those that decided: the last before it, and the newest in its time up to the one that closed it; oldest first.
with deciding as (
    select at, check_id, request_id, verdict, gate, counts, row_count, score, is_full, config_version, requested_by
    from stringx.check_points
    where subject_id = %(subject_id)s and status <> 'canceled' and (is_full or %(by_window)s and stringx.has_all_rules(narrowed_to)))
select *, false as is_before from (select * from deciding where at >= %(opened_at)s and at <= coalesce(%(closed_at)s, 'infinity'::timestamptz)
                                   order by at desc, check_id desc limit %(most)s) within
union all
select *, true from (select * from deciding where at < %(opened_at)s order by at desc, check_id desc limit %(before)s) before
order by at, check_id

-- name: findings
-- What the check that opened it said of rules that did not pass.
select messages from stringx.results where check_id = %(check_id)s

-- name: events
select id, at, kinds, gate, gate_before, verdict, check_id, request_id, reasons, rules, rules_more
from stringx.events where incident_id = %(id)s order by event_id limit %(most)s

-- name: entries
select at, actor, action, details from stringx.incident_entries where incident_id = %(id)s order by entry_id

-- name: changes
-- Documents that the gate depends on, as they were written from shortly before it on.
select * from (
    select 'Table' as kind, table_name as name, version, changed_at, changed_by, document is null as deleted from stringx.table_versions
    where target = %(target)s and table_name = any(%(tables)s) and changed_at >= %(start)s and changed_at <= %(end)s
    union all
    select 'Dataset', name, version, changed_at, changed_by, document is null from stringx.dataset_versions
    where name = %(dataset)s and changed_at >= %(start)s and changed_at <= %(end)s
    union all
    select kind, name, version, changed_at, changed_by, document is null from stringx.layer_versions
    where target = %(target)s and changed_at >= %(start)s and changed_at <= %(end)s
    union all
    select 'Target', name, version, changed_at, changed_by, document is null from stringx.target_versions
    where name = %(target)s and changed_at >= %(start)s and changed_at <= %(end)s) changes
order by changed_at, kind, name, version limit %(most)s

-- name: waivers
select waiver_id, table_name, rule_id, reason, created_by, created_at, until, ended_at, ended_because from stringx.waivers_now
where target = %(target)s and table_name = any(%(tables)s) and created_at <= %(end)s and coalesce(ended_at, 'infinity'::timestamptz) >= %(start)s
order by created_at, waiver_id limit %(most)s

-- name: messages
-- Those that told of it, each once; without a message there was nothing left to say.
select o.notification_id, o.channel, array_agg(distinct o.route order by o.route) as routes, min(o.kind) as said, min(o.at) as at,
       n.delivered_at, n.given_up_at, n.withdrawn_at, coalesce(n.attempts, 0) as attempts, n.last_error
from stringx.notified o left join stringx.notifications n on n.notification_id = o.notification_id
where o.incident_id = %(id)s
group by o.notification_id, coalesce(o.notification_id::text, o.event_id::text), o.channel, n.notification_id
order by min(o.at), o.channel limit %(most)s
