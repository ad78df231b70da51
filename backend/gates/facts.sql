-- name: deciding_result
-- The result that decides the table's gate, alone or in a dataset: the full one with the newest snapshot; if windows decide, too, also
-- one of a window with all rules. A result without a snapshot has the time of its end.
select n.check_id, r.request_id, r.is_full, n.verdict, n.status, n.rules_hash, n.snapshot_at, n.decided_at, r.result, r.waivers,
       extract(epoch from clock_timestamp() - n.decided_at)::float8 as age_s
from (
    (select check_id, verdict, status, rules_hash, snapshot_at, coalesce(snapshot_at, finished_at) as decided_at
     from stringx.results
     where target = %(target)s and table_name = %(table)s and is_full and status <> 'canceled'
     order by coalesce(snapshot_at, finished_at) desc limit 1)
    union all
    (select check_id, verdict, status, rules_hash, snapshot_at, coalesce(snapshot_at, finished_at) as decided_at
     from stringx.dataset_results
     where target = %(target)s and table_name = %(table)s and is_full and status <> 'canceled'
     order by coalesce(snapshot_at, finished_at) desc limit 1)
    union all
    (select check_id, verdict, status, rules_hash, snapshot_at, coalesce(snapshot_at, finished_at) as decided_at
     from stringx.results
     where %(by_window)s and target = %(target)s and table_name = %(table)s and is_window and status <> 'canceled'
     order by coalesce(snapshot_at, finished_at) desc limit 1)
    union all
    (select check_id, verdict, status, rules_hash, snapshot_at, coalesce(snapshot_at, finished_at) as decided_at
     from stringx.dataset_results
     where %(by_window)s and target = %(target)s and table_name = %(table)s and is_window and status <> 'canceled'
     order by coalesce(snapshot_at, finished_at) desc limit 1)
) n join stringx.results r on r.check_id = n.check_id
order by n.decided_at desc
limit 1

-- name: deciding_result_of_dataset
select check_id, request_id, is_full, verdict, status, rules_hash, snapshot_at, decided_at, result, waivers,
       extract(epoch from clock_timestamp() - decided_at)::float8 as age_s
from (
    (select *, coalesce(snapshot_at, finished_at) as decided_at from stringx.results
     where dataset = %(dataset)s and target = %(target)s and is_full and status <> 'canceled'
     order by coalesce(snapshot_at, finished_at) desc limit 1)
    union all
    (select *, coalesce(snapshot_at, finished_at) as decided_at from stringx.results
     where %(by_window)s and dataset = %(dataset)s and target = %(target)s and is_window and status <> 'canceled'
     order by coalesce(snapshot_at, finished_at) desc limit 1)
) n
order by decided_at desc
limit 1

-- name: result_of_request
-- Of a table's gate and a dataset's request: what the result says of this table.
select r.check_id, r.request_id, coalesce(d.verdict, r.verdict) as verdict, r.status, coalesce(d.rules_hash, r.rules_hash) as rules_hash,
       r.snapshot_at, coalesce(r.snapshot_at, r.finished_at) as decided_at, r.result, r.waivers,
       extract(epoch from clock_timestamp() - coalesce(r.snapshot_at, r.finished_at))::float8 as age_s
from stringx.results r left join stringx.dataset_results d on d.check_id = r.check_id and d.table_name = %(table)s
where r.request_id = %(request_id)s

-- name: unfinished
-- A request whose check will decide, of the table or of a dataset that holds it, that has not ended. If a full check decided, one that was
-- made after that one (decided_by), because a full check has looked at all that older ones will. A window has not.
-- Each by its index: the target's other tables may have ten thousand.
select r.request_id from (
    (select request_id, created_at from stringx.requests
     where target = %(target)s and table_name = %(table)s and finished_at is null
       and (is_full or (%(by_window)s and stringx.has_all_rules(body)))
     order by created_at desc limit 1)
    union all
    select r.request_id, r.created_at from stringx.datasets d join stringx.requests r on r.dataset = d.name
    where d.target = %(target)s and d.tables @> array[%(table)s] and r.target = %(target)s and r.finished_at is null
      and (r.is_full or (%(by_window)s and stringx.has_all_rules(r.body)))
) r
where r.created_at > coalesce((select d.created_at from stringx.requests d where d.request_id = %(decided_by)s), '-infinity')
order by r.created_at desc limit 1

-- name: unfinished_of_dataset
select r.request_id from stringx.requests r
where r.dataset = %(dataset)s and r.target = %(target)s and r.finished_at is null
  and (r.is_full or (%(by_window)s and stringx.has_all_rules(r.body)))
  and r.created_at > coalesce((select d.created_at from stringx.requests d where d.request_id = %(decided_by)s), '-infinity')
order by r.created_at desc limit 1

-- name: request
-- `tables` are those of a dataset's request: as they were checked or skipped, or, before it has ended, as they stand.
select q.request_id, q.target, q.table_name, q.dataset, q.trial, q.status, q.finished_at,
       coalesce((select array_agg(named.name) from stringx.results r
                 cross join lateral (select t ->> 'table' from json_array_elements(r.result -> 'tables') t
                                     union all select json_array_elements_text(r.result -> 'skipped')) named(name)
                 where r.request_id = q.request_id and r.dataset is not null),
                (select d.tables from stringx.datasets d where d.name = q.dataset and d.target = q.target)) as tables
from stringx.requests q where q.request_id = %(request_id)s

-- name: kept_table
-- Whether the table's gate was kept through all changes of its rules since a check of this set of rules.
select t.kept ? %(rules_hash)s::text as is_kept from stringx.tables t where t.target = %(target)s and t.table_name = %(table)s

-- name: kept_dataset
-- Of the tables that a dataset has now: whether the gate of each was kept through all changes since it was checked (`checked`), and since
-- the dataset itself is kept. Tables that were not checked then must have no rules now.
select coalesce(bool_and(coalesce(e.rules_hash = c.rules_hash or (t.kept ->> c.rules_hash)::timestamptz >= d.keeps_since, false)), false) as is_kept
from stringx.datasets d
cross join lateral unnest(d.tables) as n (table_name)
left join stringx.tables t on t.target = d.target and t.table_name = n.table_name
left join stringx.configured_tables e on e.target = d.target and e.table_name = n.table_name
left join jsonb_to_recordset(%(checked)s) as c (table_name text, rules_hash text) on c.table_name = n.table_name
where d.name = %(dataset)s
  and not (c.table_name is null
           and not jsonb_path_exists(e.document, '$.rules[*] ? (!exists(@.active) || @.active == true)'))

-- name: incident
-- The open one of a table or dataset.
select incident_id, opened_at, acknowledged_by, assignee from stringx.incidents
where target = %(target)s and name = %(name)s and subject_kind = %(kind)s and closed_at is null

-- name: waivers
-- As they stand at this moment of the database's clock.
select waiver_id, target, table_name, rule_id, reason, at_most, until, created_by, ended_because, ended_by, ended_at
from stringx.waivers_now where waiver_id = any(%(ids)s::uuid[])
