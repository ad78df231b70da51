-- name: write
insert into public.stringx_loops (process, service, loops, reported_at)
values (%(process)s, %(service)s, %(loops)s, clock_timestamp())
on conflict (process) do update set loops = excluded.loops, reported_at = excluded.reported_at

-- name: write_release
insert into public.stringx_loops (process, service, loops, reported_at, release)
values (%(process)s, %(service)s, '[]', clock_timestamp(), %(release)s)
on conflict (process) do update set reported_at = excluded.reported_at

-- name: releases
select process, release
from public.stringx_loops
where service = %(service)s and release is not null and reported_at > clock_timestamp() - make_interval(secs => %(seen_s)s)
order by reported_at desc limit 100

-- name: forget
delete from public.stringx_loops
where process = %(process)s or reported_at < clock_timestamp() - make_interval(secs => 10 * %(seen_s)s)

-- name: read
select process, loops, extract(epoch from clock_timestamp() - reported_at)::float8 as age_s
from public.stringx_loops
where service = %(service)s and reported_at > clock_timestamp() - make_interval(secs => %(seen_s)s)
order by process limit 100
