-- name: facts
-- What both services have written down about a request. The result itself is not read again.
select r.created_at, r.requested_by, r.sent_at, r.send_attempts, r.send_error, r.next_send_at, r.asked_at_dataops, r.canceled_by, r.canceled_at, r.body,
       r.finished_at, s.received_at, f.status as check_status, f.attempt, f.queued_at, f.started_at, f.finished_at as check_finished_at,
       f.canceled_by as check_canceled_by, f.earlier_attempts, f.delivery_attempts::integer, f.delivered_at, f.given_up_at, f.next_attempt_at,
       f.delivery_error
from stringx.requests r
left join stringx.results s on s.request_id = r.request_id
left join dataops.followed_checks f on f.request_id = r.request_id
where r.request_id = %(request_id)s
limit 1

-- name: request_of_check
select request_id from stringx.results where check_id = %(check_id)s

-- name: rules
-- Rules as a version of their table's document had them.
select e.rule from stringx.table_versions v cross join lateral jsonb_array_elements(coalesce(v.effective, v.document) -> 'rules') as e (rule)
where v.target = %(target)s and v.table_name = %(table)s and v.version = %(version)s and e.rule ->> 'id' = any(%(ids)s)

-- name: samples
-- What a check shows of rows that its rules found, of a table or of one table of a dataset: rules that fail first.
select s.request_id, s.table_name is null as is_of_dataset, e.rule ->> 'id' as rule_id, e.rule ->> 'message' as message, e.rule -> 'sample' as sample
from stringx.results s
cross join lateral json_array_elements(case when s.table_name is not null then s.result -> 'rules' else (
    select t.part -> 'rules' from json_array_elements(s.result -> 'tables') as t (part) where t.part ->> 'table' = %(table)s limit 1) end)
    with ordinality as e (rule, place)
where s.check_id = %(check_id)s and e.rule ->> 'status' in ('fail', 'warn') and json_typeof(e.rule -> 'sample') = 'object'
order by e.rule ->> 'status' <> 'fail', e.place
limit %(limit)s
