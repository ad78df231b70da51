-- name: page
-- Open ones first, then the newest first; each with its last notes. With an id, only that one.
select i.*, coalesce(%(now)s::timestamptz, clock_timestamp()) as now,
       coalesce((select jsonb_agg(jsonb_build_object('at', n.at, 'by', n.actor, 'text', n.text) order by n.entry_id)
                 from (select e.entry_id, e.at, e.actor, coalesce(e.details ->> 'text', e.details ->> 'note') as text
                       from stringx.incident_entries e
                       where e.incident_id = i.incident_id and (e.details ->> 'text' is not null or e.details ->> 'note' is not null)
                       order by e.entry_id desc limit %(most_notes)s) n), '[]') as notes
from stringx.incidents i
where (%(id)s::uuid is null or i.incident_id = %(id)s::uuid)
  and (%(target)s::text is null or i.target = %(target)s)
  and (%(seen)s::text[] is null or i.target = any(%(seen)s::text[]))
  and (%(table)s::text is null or i.subject_kind = 'table' and i.name = %(table)s)
  and (%(dataset)s::text is null or i.subject_kind = 'dataset' and i.name = %(dataset)s)
  and (%(owner)s::text is null or i.owner = %(owner)s)
  and (%(assignee)s::text is null or i.assignee = %(assignee)s)
  and (%(me)s::text[] is null or i.owner = any(%(me)s::text[]) or i.assignee = any(%(me)s::text[]))
  and (%(kind)s::text is null or i.kind = %(kind)s)
  and (%(state)s::text is null or (i.closed_at is null) = (%(state)s = 'open'))
  and (%(acknowledged)s::boolean is null or %(acknowledged)s::boolean = coalesce(
         i.acknowledged_at is not null and (i.acknowledged_until is null
                                            or i.acknowledged_until > coalesce(%(now)s::timestamptz, clock_timestamp())), false))
  and i.opened_at >= coalesce(%(from)s, '-infinity'::timestamptz) and i.opened_at < coalesce(%(to)s, 'infinity'::timestamptz)
  and (%(at)s::timestamptz is null or (i.closed_at is not null) > %(is_closed)s::boolean
       or (i.closed_at is not null) = %(is_closed)s::boolean and (i.opened_at, i.incident_id) < (%(at)s::timestamptz, %(after)s::uuid))
order by (i.closed_at is not null), i.opened_at desc, i.incident_id desc
limit %(limit)s

-- name: lock
-- Whoever writes that a channel was told of it need not wait.
select i.incident_id, i.target, i.name, i.subject_kind, i.closed_at, i.acknowledged_at, i.assignee,
       (select count(*) from stringx.incident_entries e where e.incident_id = i.incident_id and e.action = 'noted') as notes
from stringx.incidents i where i.incident_id = %(id)s for no key update of i

-- name: acknowledge
update stringx.incidents set
    acknowledged_at = %(now)s, acknowledged_by = %(by)s, acknowledged_until = %(until)s,
    first_acknowledged_at = coalesce(first_acknowledged_at, %(now)s), assignee = coalesce(%(assignee)s, assignee)
where incident_id = %(id)s and closed_at is null

-- name: unacknowledge
update stringx.incidents set acknowledged_at = null, acknowledged_by = null, acknowledged_until = null
where incident_id = %(id)s and closed_at is null and acknowledged_at is not null

-- name: assign
update stringx.incidents set assignee = %(assignee)s where incident_id = %(id)s

-- name: add_entry
insert into stringx.incident_entries (incident_id, at, actor, action, details) values (%(id)s, %(now)s, %(by)s, %(action)s, %(details)s)

-- name: forget_entries
-- The oldest of those that are no notes; the audit log has them all.
delete from stringx.incident_entries where incident_id = %(id)s and action <> 'noted' and entry_id <= (
    select e.entry_id from stringx.incident_entries e where e.incident_id = %(id)s and e.action <> 'noted'
    order by e.entry_id desc offset %(most)s limit 1)

-- name: counts
-- Of open ones, by target: how many there are, and how many that nobody has acknowledged.
select target, count(*) as number,
       count(*) filter (where acknowledged_at is null or acknowledged_until <= clock_timestamp()) as unacknowledged
from stringx.incidents
where closed_at is null and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
group by target order by target

-- name: summary
-- Of those that opened in a span, by target or owner; the row without a name is of all.
select g.name, count(*) as opened, count(g.closed_at) as closed, count(*) - count(g.closed_at) as still_open,
       count(g.first_acknowledged_at) as acknowledged,
       avg(extract(epoch from greatest(g.first_acknowledged_at - g.opened_at, interval '0')))
           filter (where g.first_acknowledged_at is not null)::float8 as mean_to_acknowledge_s,
       avg(extract(epoch from g.closed_at - g.opened_at)) filter (where g.closed_because <> 'deleted')::float8 as mean_to_close_s,
       max(extract(epoch from greatest(coalesce(g.closed_at, %(now)s) - g.opened_at, interval '0')))::float8 as longest_s
from (select i.opened_at, i.closed_at, i.closed_because, i.first_acknowledged_at, case %(by)s when 'target' then i.target else i.owner end as name
      from stringx.incidents i
      where i.opened_at >= %(from)s and i.opened_at < %(to)s
        and (%(seen)s::text[] is null or i.target = any(%(seen)s::text[]))
        and (%(target)s::text is null or i.target = %(target)s)
        and (%(owner)s::text is null or i.owner = %(owner)s)) g
group by grouping sets ((g.name), ())
order by grouping(g.name) desc, opened desc, g.name
limit %(limit)s

-- name: groups
select count(distinct case %(by)s when 'target' then i.target else i.owner end) as number from stringx.incidents i
where i.opened_at >= %(from)s and i.opened_at < %(to)s
  and (%(seen)s::text[] is null or i.target = any(%(seen)s::text[]))
  and (%(target)s::text is null or i.target = %(target)s)
  and (%(owner)s::text is null or i.owner = %(owner)s)
