-- name: look
-- What there is to do, in one round trip. `token` changes with the documents.
select clock_timestamp() as now,
       (select token::text from stringx.watch_changes where kind = 'Schedule') as token,
       exists (select from stringx.schedule_states
               where is_active and next_due_at <= (select clock_timestamp()) and (paused_at is null or paused_until <= clock_timestamp())) as has_due,
       exists (select from stringx.schedule_items where started_at is null and ended_at is null and start_at <= clock_timestamp()) as has_items,
       exists (select from stringx.schedule_runs where ended_at is null) as has_runs

-- name: states
select name, version, document_at from stringx.schedule_states

-- name: lock
select * from stringx.schedule_states where name = %(name)s for update

-- name: lock_due
-- Of several processes, one fires it.
select * from stringx.schedule_states
where name = %(name)s and version = %(version)s and is_active and next_due_at <= %(now)s
  and (paused_at is null or paused_until <= %(now)s)
for update skip locked

-- name: due
select name from stringx.schedule_states
where is_active and next_due_at <= %(now)s and (paused_at is null or paused_until <= %(now)s)
order by next_due_at, name limit %(limit)s

-- name: add
insert into stringx.schedule_states (name, version, document_at, timing, is_active, counted_from, next_due_at)
values (%(name)s, %(version)s, %(document_at)s, %(timing)s, %(is_active)s, %(counted_from)s, %(next_due_at)s)
on conflict (name) do nothing

-- name: change
update stringx.schedule_states set
    version = %(version)s, document_at = %(document_at)s, timing = %(timing)s, is_active = %(is_active)s, counted_from = %(counted_from)s,
    next_due_at = %(next_due_at)s
where name = %(name)s

-- name: gone
delete from stringx.schedule_states s
where not exists (select from stringx.watch_documents d where d.kind = 'Schedule' and d.name = s.name)
returning name

-- name: give_up
-- What a run has not started yet, it starts no more.
update stringx.schedule_items i set ended_at = %(now)s, refused_because = %(reason)s
from stringx.schedule_runs r
where r.name = %(name)s and r.ended_at is null and i.run_id = r.run_id and i.started_at is null and i.ended_at is null

-- name: fired
update stringx.schedule_states set
    last_due_at = %(due_at)s, next_due_at = %(next_due_at)s, counted_from = greatest(counted_from, %(since)s),
    paused_at = case when %(is_over)s then null else paused_at end, paused_by = case when %(is_over)s then null else paused_by end,
    paused_until = case when %(is_over)s then null else paused_until end
where name = %(name)s

-- name: unended
select run_id, due_at from stringx.schedule_runs where name = %(name)s and ended_at is null order by due_at limit 1

-- name: tables
select table_name from stringx.tables where target = %(target)s order by table_name

-- name: run
insert into stringx.schedule_runs (name, target, due_at, kind, asked_by, window_column, window_from, window_to, started_at, ended_at, skipped_because)
values (%(name)s, %(target)s, %(due_at)s, %(kind)s, %(asked_by)s, %(column)s, %(from)s, %(to)s, %(now)s,
        case when %(skipped_because)s::text is not null then %(now)s::timestamptz end, %(skipped_because)s)
on conflict (name, due_at) do nothing
returning run_id

-- name: items
insert into stringx.schedule_items (run_id, subject_kind, target, name, start_at, request_id)
select %(run_id)s, i.kind, %(target)s, i.name, i.start_at, stringx.uuid_v7()::text
from jsonb_to_recordset(%(items)s) as i (kind text, name text, start_at timestamptz)
on conflict do nothing

-- name: claim
-- Held until the transaction ends: then their requests stand, too.
select i.run_id, i.subject_kind, i.target, i.name, i.request_id, r.name as schedule, r.window_column, r.window_from, r.window_to
from stringx.schedule_items i join stringx.schedule_runs r on r.run_id = i.run_id
where i.started_at is null and i.ended_at is null and i.start_at <= %(now)s
order by i.start_at, i.run_id, i.subject_kind, i.name
limit %(limit)s
for update of i skip locked

-- name: track
insert into stringx.requests (request_id, source, target, table_name, dataset, mode, body, body_hash, is_full, status, requested_by, schedule)
select e.request_id, 'http', e.target, e."table", e.dataset, e.mode, e.body, decode(e.body_hash, 'hex'), e.is_full, 'queued', e.requested_by, e.schedule
from jsonb_to_recordset(%(requests)s) as e (request_id text, target text, "table" text, dataset text, mode text, body jsonb, body_hash text,
                                            is_full boolean, requested_by text, schedule text)
order by e.request_id
on conflict (request_id) do nothing

-- name: started
update stringx.schedule_items i set
    started_at = case when s.refused_because is null then %(now)s::timestamptz end, refused_because = s.refused_because,
    ended_at = case when s.refused_because is not null then %(now)s::timestamptz end
from jsonb_to_recordset(%(items)s) as s (run_id uuid, kind text, name text, refused_because text)
where i.run_id = s.run_id and i.subject_kind = s.kind and i.name = s.name

-- name: notify
select pg_notify('stringx', %(payload)s)

-- name: unsent
-- Requests that DataOps has not accepted yet, counted up to a limit.
select count(*) as number from (select from stringx.requests where sent_at is null and finished_at is null limit %(limit)s) as unsent

-- name: end_items
-- A request that is gone was deleted after its end. Others look, too; each takes what no other is at.
with ended as (
    select i.run_id, i.subject_kind, i.name, coalesce(q.finished_at, %(now)s) as at
    from stringx.schedule_items i left join stringx.requests q on q.request_id = i.request_id
    where i.ended_at is null and i.started_at is not null and (q.request_id is null or q.finished_at is not null)
    order by i.run_id, i.subject_kind, i.name
    limit %(limit)s for update of i skip locked)
update stringx.schedule_items i set ended_at = e.at
from ended e where i.run_id = e.run_id and i.subject_kind = e.subject_kind and i.name = e.name

-- name: end_items_of
-- All of a run, after whoever is at them.
with ended as (
    select i.subject_kind, i.name, coalesce(q.finished_at, %(now)s) as at
    from stringx.schedule_items i left join stringx.requests q on q.request_id = i.request_id
    where i.run_id = %(run_id)s and i.ended_at is null and i.started_at is not null and (q.request_id is null or q.finished_at is not null)
    order by i.run_id, i.subject_kind, i.name
    for update of i)
update stringx.schedule_items i set ended_at = coalesce(i.ended_at, e.at)
from ended e where i.run_id = %(run_id)s and i.subject_kind = e.subject_kind and i.name = e.name

-- name: end_runs
update stringx.schedule_runs r set
    counts = stringx.schedule_counts(r.run_id),
    ended_at = greatest(r.started_at, coalesce((select max(i.ended_at) from stringx.schedule_items i where i.run_id = r.run_id), %(now)s))
where r.ended_at is null
  and r.run_id = any(array(
      select u.run_id from stringx.schedule_runs u
      where u.ended_at is null and not exists (select from stringx.schedule_items i where i.run_id = u.run_id and i.ended_at is null)
      order by u.run_id for update of u skip locked))

-- name: end_run
update stringx.schedule_runs r set
    counts = stringx.schedule_counts(r.run_id),
    ended_at = greatest(r.started_at, coalesce((select max(i.ended_at) from stringx.schedule_items i where i.run_id = r.run_id), %(now)s))
where r.run_id = %(run_id)s and r.ended_at is null
  and not exists (select from stringx.schedule_items i where i.run_id = r.run_id and i.ended_at is null)
