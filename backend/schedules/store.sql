-- name: standing
select s.*, r.run_id from stringx.schedule_states s
left join lateral (select r.run_id from stringx.schedule_runs r where r.name = s.name and r.skipped_because is null
                   order by r.due_at desc limit 1) r on true
where s.name = any(%(names)s)

-- name: runs_of
-- The counts of a run that has not ended are those of now.
select r.*, coalesce(r.counts, stringx.schedule_counts(r.run_id)) as counts,
       array(select jsonb_build_object('name', i.name, 'reason', i.refused_because) from stringx.schedule_items i
             where i.run_id = r.run_id and i.refused_because is not null order by i.name limit %(refused)s) as refused
from stringx.schedule_runs r where r.run_id = any(%(ids)s::uuid[])

-- name: runs
select run_id, due_at from stringx.schedule_runs
where name = %(name)s and target = %(target)s
  and (%(due_at)s::timestamptz is null or (due_at, run_id) < (%(due_at)s::timestamptz, %(run_id)s::uuid))
order by due_at desc, run_id desc limit %(limit)s

-- name: pause
update stringx.schedule_states set paused_at = %(now)s, paused_by = %(by)s, paused_until = %(until)s where name = %(name)s

-- name: resume
update stringx.schedule_states set
    paused_at = null, paused_by = null, paused_until = null, counted_from = greatest(counted_from, %(now)s), next_due_at = %(next_due_at)s
where name = %(name)s

-- name: upcoming
-- When each schedule runs next that is not paused without an end. `next_due_at` knows of no pause.
select s.name, s.next_due_at, s.counted_from, s.last_due_at, s.paused_at, s.paused_until, clock_timestamp() as now
from stringx.schedule_states s
where s.is_active and s.next_due_at is not null and (s.paused_at is null or s.paused_until is not null)

-- name: totals
select count(*) filter (where is_active and not is_paused) as active, count(*) filter (where is_paused) as paused,
       count(*) filter (where not is_active and not is_paused) as inactive,
       coalesce(extract(epoch from clock_timestamp() - min(greatest(next_due_at, paused_until)) filter (
                    where is_active and not is_paused and next_due_at < clock_timestamp())), 0)::float8 as late_s,
       (select count(*) from stringx.schedule_items where started_at is null and ended_at is null) as waiting,
       (select count(*) from stringx.expectations e
        left join stringx.states t on t.kind = e.subject_kind and t.target = e.target and t.name = e.name
        where e.missed_at is not null and coalesce(coalesce(t.checked_at, t.decided_at) <= e.missed_at, true)) as missed
from (select *, paused_at is not null and (paused_until is null or paused_until > clock_timestamp()) as is_paused from stringx.schedule_states) s
