-- name: track
-- In the order of their ids, so that two consumers do not wait for each other.
insert into stringx.requests (request_id, source, target, table_name, dataset, mode, body, body_hash, is_full, status,
                              requested_by, traceparent, tracestate)
select e.request_id, 'kafka', e.target, e."table", e.dataset, e.mode, e.body, decode(e.body_hash, 'hex'), e.is_full, 'queued', 'kafka',
       e.traceparent, e.tracestate
from jsonb_to_recordset(%(events)s) as e (request_id text, target text, "table" text, dataset text, mode text, body jsonb,
                                          body_hash text, is_full boolean, traceparent text, tracestate text)
order by e.request_id
on conflict (request_id) do nothing
returning request_id

-- name: known
select request_id, body_hash, finished_at is not null as finished from stringx.requests where request_id = any(%(ids)s)

-- name: publish_again
-- Waits for a publication that is just under way, so that the answer comes after the question.
insert into stringx.publications (request_id) select unnest(%(ids)s::text[]) order by 1
on conflict (request_id) do update set queued_at = excluded.queued_at

-- name: notify
select pg_notify('stringx', %(payload)s)

-- name: waiting
-- Requests that DataOps has not accepted yet, counted up to a limit.
select count(*) as waiting
from (select from stringx.requests where sent_at is null and finished_at is null limit %(limit)s) as unsent
