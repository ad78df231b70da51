-- name: store
insert into dataops.workers (worker, children, warm, fault, seen_at)
values (%(worker)s, %(children)s, %(warm)s, %(fault)s, clock_timestamp())
on conflict (worker) do update
set children = excluded.children, warm = excluded.warm, fault = excluded.fault, seen_at = excluded.seen_at

-- name: forget
-- The worker itself, and every worker that has been unseen for ten times `seen_s`.
delete from dataops.workers
where worker = %(worker)s or seen_at < clock_timestamp() - make_interval(secs => 10 * %(seen_s)s)

-- name: warm_children
select coalesce(sum(warm), 0) as warm from dataops.workers
where seen_at > clock_timestamp() - make_interval(secs => %(seen_s)s)

-- name: faults
select distinct fault from dataops.workers
where fault is not null and seen_at > clock_timestamp() - make_interval(secs => %(seen_s)s) order by fault limit 3
