-- name: lease
-- All events that wait, if any is due and nobody else has them.
update stringx.gate_publisher
set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where (worker is null or worker = %(worker)s or lease_expires_at < clock_timestamp())
  and exists (select from stringx.gate_publications p where p.postponed_until is null or p.postponed_until < clock_timestamp())

-- name: due
-- In their order; of a gate with a postponed event, none that came after it.
with postponed as materialized (
    select e.target, e.name, min(p.event_id) as event_id
    from stringx.gate_publications p join stringx.events e on e.event_id = p.event_id
    where p.postponed_until > clock_timestamp()
    group by e.target, e.name)
select e.*
from stringx.gate_publications p join stringx.told_events e on e.event_id = p.event_id
where not exists (select from postponed b where b.target = e.target and b.name = e.name and b.event_id <= p.event_id)
order by p.event_id
limit %(limit)s

-- name: published
delete from stringx.gate_publications where event_id = any(%(ids)s)

-- name: postpone
update stringx.gate_publications set postponed_until = clock_timestamp() + make_interval(secs => %(delay_s)s) where event_id = any(%(ids)s)

-- name: give_back
update stringx.gate_publisher set worker = null, lease_expires_at = null where worker = %(worker)s
