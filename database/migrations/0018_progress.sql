-- How far a check is, for people who wait for it.

-- When a worker saw the session of the check's last attempt on the target; older than `started_at`: that of an earlier attempt.
alter table dataops.checks add column reached_at timestamptz;

-- What the Backend may read of a check; its columns are a contract between the two services. A check that shares another's run is as far as
-- that one. `position` is the place among what waits for the same target, 1 the next, and at most 1001; null once a worker has claimed it.
create view dataops.progress as
select c.request_id,
       case when c.status not in ('queued', 'running') then 'delivering'
            when r.status = 'queued' then 'queued'
            when r.reached_at >= r.started_at then 'reading'
            else 'starting' end as phase,
       case when c.status = 'queued' and r.status = 'queued' then (
           select 1 + count(*) from (
               select from dataops.checks b
               where b.target = r.target and b.status = 'queued' and b.joined is null and (b.due_at, b.check_id) < (r.due_at, r.check_id)
               limit 1000) before) end as position,
       case when r.status <> 'queued' then r.started_at end as started_at
from dataops.checks c join dataops.checks r on r.check_id = coalesce(c.joined, c.check_id);

-- How far a request is that has not ended. One that is not in DataOps' view waits: it is not sent yet, or DataOps has another database.
-- `expected_s` is the median duration of the last ten full checks. A function, because its statement is planned once per connection.
create function stringx.progress_of(unfinished text)
returns table (phase text, place bigint, elapsed_s double precision, expected_s double precision)
language plpgsql stable as $$
begin
    return query
    select coalesce(p.phase, 'queued'), p.position, extract(epoch from clock_timestamp() - coalesce(p.started_at, r.created_at))::double precision,
           (select percentile_cont(0.5) within group (order by (last.summary ->> 'duration_ms')::double precision) / 1000
            from ((select s.summary from stringx.results s
                   where s.target = r.target and s.table_name = r.table_name and s.is_full and s.status <> 'canceled'
                   order by coalesce(s.snapshot_at, s.finished_at) desc limit 10)
                  union all
                  (select s.summary from stringx.results s
                   where s.dataset = r.dataset and s.target = r.target and s.is_full and s.status <> 'canceled'
                   order by coalesce(s.snapshot_at, s.finished_at) desc limit 10)) last)
    from stringx.requests r left join dataops.progress p on p.request_id = r.request_id
    where r.request_id = unfinished and r.finished_at is null;
end $$;
