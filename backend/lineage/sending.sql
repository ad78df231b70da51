-- name: begin
insert into stringx.lineage_sending default values on conflict do nothing

-- name: end
delete from stringx.lineage_sending

-- name: drop_late
-- Of a receiver that is configured no more: an event waits for three days, whether somebody sends it or not.
delete from stringx.lineage where queued_at < clock_timestamp() - interval '3 days'

-- name: park
-- Of those that have been due for longest, so many, each that has an earlier one of its table is due when that one has gone (`next`): who looks
-- for what is due does not go through it again.
update stringx.lineage set next_attempt_at = 'infinity'
where event_id in (
    select l.event_id from stringx.lineage l
    where l.event_id in (select event_id from stringx.lineage where next_attempt_at <= (select clock_timestamp())
                         order by next_attempt_at limit %(some)s)
      and exists (select from stringx.lineage e where e.target = l.target and e.subject = l.subject and e.event_id < l.event_id)
    for update skip locked)

-- name: next
-- Before an event goes: the next one of its table is due.
update stringx.lineage set next_attempt_at = clock_timestamp()
where event_id = (
    select min(n.event_id) from stringx.lineage e join stringx.lineage n using (target, subject)
    where e.event_id = %(event_id)s and n.event_id > e.event_id)

-- name: unpark
-- The first of its table that is parked: those before it were dropped, or the last of them went at the moment when it was parked.
update stringx.lineage set next_attempt_at = clock_timestamp()
where next_attempt_at = 'infinity'
  and event_id in (select distinct on (target, subject) event_id from stringx.lineage order by target, subject, event_id)

-- name: claim
-- The event that has been due for longest and is its table's (or dataset's) first: the later ones wait for it. The moment is read
-- once, so that the index ends where nothing is due.
update stringx.lineage set
    attempts = attempts + 1, worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where event_id = (
    select l.event_id from stringx.lineage l
    where l.next_attempt_at <= (select clock_timestamp()) and (l.lease_expires_at is null or l.lease_expires_at < clock_timestamp())
      and not exists (select from stringx.lineage e
                      where e.target = l.target and e.subject = l.subject and e.event_id < l.event_id)
    order by l.next_attempt_at, l.event_id
    for update skip locked
    limit 1)
returning event_id, check_id, attempts, clock_timestamp() as now, clock_timestamp() - queued_at > interval '3 days' as expired

-- name: leased
-- The result, its target as it is configured now, and the gate that this check has decided, if no later one has.
select r.result, (select t.document from stringx.targets t where t.name = r.target) as target, s.gate
from stringx.results r
left join stringx.states s on s.check_id = r.check_id and s.target = r.target and s.name = coalesce(r.table_name, r.dataset)
     and s.kind = case when r.dataset is null then 'table' else 'dataset' end
where r.check_id = %(check_id)s

-- name: done
delete from stringx.lineage where event_id = %(event_id)s and worker = %(worker)s

-- name: postpone
update stringx.lineage set
    next_attempt_at = clock_timestamp() + make_interval(secs => %(delay_s)s), lease_expires_at = null, worker = null,
    last_error = left(%(error)s, 500)
where event_id = %(event_id)s and worker = %(worker)s

-- name: due_now
-- A receiver that was away answers again: what waits for it is due within some seconds, not all at one moment.
update stringx.lineage set next_attempt_at = clock_timestamp() + random() * interval '5 seconds'
where event_id in (
    select event_id from stringx.lineage
    where lease_expires_at is null and next_attempt_at > clock_timestamp() + interval '5 seconds' and next_attempt_at < 'infinity'
    for update skip locked
    limit 1000)

-- name: drop_oldest
-- So many wait at most, whatever becomes of the receiver.
delete from stringx.lineage where event_id <= (select event_id from stringx.lineage order by event_id desc offset %(most)s limit 1)

-- name: waiting
-- Nothing waits for a receiver that is configured no more.
select count(*) as events, coalesce(extract(epoch from clock_timestamp() - min(queued_at)), 0)::float8 as oldest_age_s
from stringx.lineage where exists (select from stringx.lineage_sending)
