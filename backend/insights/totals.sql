-- name: ended
select source, target, status, verdict, requests from stringx.totals order by source, target, status, verdict

-- name: states
select target, state, count(*) as subjects from stringx.board group by target, state order by target, state

-- name: unfinished
select count(*) as requests, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as oldest_age_s
from stringx.requests where finished_at is null

-- name: unpublished
select count(*) as requests, coalesce(extract(epoch from clock_timestamp() - min(queued_at)), 0)::float8 as oldest_age_s
from stringx.publications

-- name: unsent
select count(*) as requests, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as oldest_age_s
from stringx.requests where sent_at is null and finished_at is null

-- name: gates_unpublished
select count(*) as requests, coalesce(extract(epoch from clock_timestamp() - min(e.recorded_at)), 0)::float8 as oldest_age_s
from stringx.gate_publications p join stringx.events e on e.event_id = p.event_id

-- name: unrouted
select count(*) as requests, coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)::float8 as oldest_age_s
from stringx.events where not is_routed

-- name: held
select count(*) as requests, coalesce(extract(epoch from clock_timestamp() - min(planned_at)), 0)::float8 as oldest_age_s
from stringx.notices
