-- name: due
-- The states are locked, in the order of all others, before the expectations: so are they where documents change.
select s.subject_id, s.kind, s.target, s.name
from stringx.expectations e join stringx.states s on s.kind = e.subject_kind and s.target = e.target and s.name = e.name
where e.next_deadline_at is null or e.next_deadline_at <= %(until)s
order by s.kind desc, s.subject_id
limit %(limit)s
for update of s skip locked

-- name: lock
select e.*, s.subject_id, s.gate, s.verdict, s.check_id, s.request_id, s.owner, s.tags, s.incident_id, coalesce(s.checked_at, s.decided_at) as checked_at
from stringx.states s join stringx.expectations e on e.subject_kind = s.kind and e.target = s.target and e.name = s.name
where s.subject_id = any(%(subjects)s) and (e.next_deadline_at is null or e.next_deadline_at <= %(until)s)
order by e.target, e.name, e.subject_kind
for update of e

-- name: on_its_way
-- Whether a check of it, or of a dataset that holds it, has ended since then, and its result waits at DataOps to be delivered. Each by its index.
select exists (
    select from (
        select q.request_id from stringx.requests q
        where %(subject_kind)s = 'table' and q.target = %(target)s and q.table_name = %(name)s and q.finished_at is null
        union all
        select q.request_id from stringx.datasets d join stringx.requests q on q.dataset = d.name
        where d.target = %(target)s and q.target = %(target)s and q.finished_at is null
          and (%(subject_kind)s = 'dataset' and d.name = %(name)s or %(subject_kind)s = 'table' and d.tables @> array[%(name)s])
    ) r join dataops.followed_checks f on f.request_id = r.request_id
    where f.finished_at > %(since)s and f.delivery_attempts is not null and f.delivered_at is null and f.given_up_at is null) as is_on_its_way

-- name: judged
update stringx.expectations set next_deadline_at = %(next_deadline_at)s, missed_at = %(missed_at)s
where subject_kind = %(kind)s and target = %(target)s and name = %(name)s

-- name: open_incident
-- Unless one is open.
insert into stringx.incidents (subject_kind, target, name, kind, owner, tags, opened_at, verdict, reasons)
select %(kind)s, %(target)s, %(name)s, 'missed', %(owner)s, %(tags)s,
       greatest(%(at)s::timestamptz, (select max(i.closed_at) from stringx.incidents i
                                      where i.target = %(target)s and i.name = %(name)s and i.subject_kind = %(kind)s)),
       %(verdict)s, array[%(reason)s::text]
on conflict (target, name, subject_kind) where closed_at is null do nothing

-- name: of_incident
update stringx.states s set incident_id = i.incident_id
from stringx.incidents i
where s.subject_id = %(subject_id)s and i.target = s.target and i.name = s.name and i.subject_kind = s.kind and i.closed_at is null
returning i.incident_id

-- name: event
insert into stringx.events (kinds, subject_kind, target, name, owner, tags, incident_id, at, gate, gate_before, verdict, check_id, request_id, reasons)
values (array[%(word)s::text], %(kind)s, %(target)s, %(name)s, %(owner)s, %(tags)s, %(incident_id)s, %(at)s, %(gate)s, %(gate)s, %(verdict)s, %(check_id)s,
        %(request_id)s, array[%(reason)s::text])

-- name: close_incident
-- One that a missed check opened, if the gate did not close meanwhile.
update stringx.incidents set closed_at = greatest(%(now)s, opened_at), closed_because = 'changed'
where incident_id = %(incident_id)s and closed_at is null and kind = 'missed' and %(gate)s is distinct from 'closed'

-- name: no_incident
update stringx.states set incident_id = null where subject_id = %(subject_id)s

-- name: gone
delete from stringx.expectations where subject_kind = %(kind)s and target = %(target)s and name = %(name)s
