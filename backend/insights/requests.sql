-- name: find
select r.*, r.trial and r.body ? 'profile' as is_profile, coalesce(s.result, t.result) as result
from stringx.requests r
left join stringx.results s on s.request_id = r.request_id
left join stringx.trials t on t.request_id = r.request_id
where r.request_id = %(request_id)s

-- name: tried_rules
-- The ids of the rules in a trial's document, active or not. No row for what has no document.
select array(select rule ->> 'id' from jsonb_array_elements(coalesce(body -> 'document' -> 'rules', '[]')) rule) as ids
from stringx.requests where request_id = %(request_id)s and body ? 'document'

-- name: list
-- Newest first, those behind a position: the last request of the page before, which may be gone. The parameters are constants to the planner, so that each
-- filter is read from its index (requests_newest…), and the page from where the cursor is. `bytes` of the whole result, where it is wanted.
select r.request_id, r.source, r.target, r.table_name, r.dataset, r.trial, r.trial and r.body ? 'profile' as is_profile, r.mode, r.status, r.verdict, left(r.reason, 1000) as reason, r.created_at,
       r.finished_at, r.requested_by, r.is_from_dashboard, r.schedule, r.canceled_by,
       case when %(rules)s then coalesce(s.result, t.result) end as result,
       case when %(rules)s then octet_length(coalesce(s.result, t.result)::text) end as bytes,
       case when not %(rules)s and (s.check_id is not null or t.request_id is not null) then coalesce(s.summary, t.summary, (
           select json_build_object('check_id', o.check_id, 'request_id', o.request_id, 'target', o.target, 'table', o."table", 'dataset', o.dataset,
                                    'status', o.status, 'verdict', o.verdict, 'snapshot_at', o.snapshot_at, 'row_count', o.row_count,
                                    'queued_at', o.queued_at, 'started_at', o.started_at, 'finished_at', o.finished_at,
                                    'duration_ms', o.duration_ms, 'reason', left(o.reason, 1000), 'counts', o.counts, 'scores', o.scores)
           from json_to_record(coalesce(s.result, t.result)) as o (
               check_id json, request_id json, target json, "table" json, dataset json, status json, verdict json, snapshot_at json, row_count json,
               queued_at json, started_at json, finished_at json, duration_ms json, reason text, counts json, scores json))) end as summary
from stringx.requests r
left join stringx.results s on s.request_id = r.request_id
left join lateral (select * from stringx.trials where r.trial and request_id = r.request_id limit 1) t on true
where (%(target)s::text is null or r.target = %(target)s)
  and (%(seen)s::text[] is null or r.target = any(%(seen)s::text[]))
  and (%(table)s::text is null or r.table_name = %(table)s)
  and (%(tables)s::text[] is null or r.table_name = any(%(tables)s::text[]))
  and (%(dataset)s::text is null or r.dataset = %(dataset)s)
  and (%(rule)s::text is null or s.rule_ids @> array[%(rule)s::text])
  and (%(requested_by)s::text is null or r.requested_by = %(requested_by)s)
  and (%(source)s::text is null or (case when r.schedule is not null then 'schedule' when r.is_from_dashboard then 'dashboard' else r.source end) = %(source)s)
  and (%(from)s::timestamptz is null or r.created_at >= %(from)s::timestamptz)
  and (%(to)s::timestamptz is null or r.created_at < %(to)s::timestamptz)
  and (%(verdict)s::text is null or r.verdict = %(verdict)s)
  and (%(status)s::text is null or r.status = %(status)s)
  and (%(trial)s::boolean is null or r.trial = %(trial)s::boolean)
  and (%(created_at)s::timestamptz is null
       or (r.created_at, r.request_id) < (%(created_at)s::timestamptz, %(request_id)s::text))
order by r.created_at desc, r.request_id desc
limit %(limit)s

-- name: tables_with
-- Names that hold a text, of what is configured and what was checked.
select name from (
    select table_name as name from stringx.tables
    where (%(target)s::text is null or target = %(target)s) and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
    union
    select name from stringx.subjects
    where kind = 'table' and (%(target)s::text is null or target = %(target)s)
      and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))) known
where position(lower(%(part)s) in lower(name)) > 0
order by name limit %(limit)s

-- name: progress
-- No row for a request that has ended.
select phase, place, elapsed_s, expected_s from stringx.progress_of(%(request_id)s)
