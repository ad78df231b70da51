-- name: place
-- The number of an event, for whoever sees its target.
select event_id from stringx.events
where id = %(id)s and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))

-- name: list
-- Gates that changed, before or after a place in the line. An event is listed once nothing that was written before it is left to be
-- committed; after a minute in any case, because transactions of others on the same server may take long (0033_events_out.sql).
select e.* from stringx.told_events e
where stringx.is_gate_change(e.kinds, e.gate_before, e.gate)
  and (e.xid < pg_snapshot_xmin(pg_current_snapshot()) or e.recorded_at < clock_timestamp() - interval '1 minute')
  and (%(seen)s::text[] is null or e.target = any(%(seen)s::text[]))
  and (%(target)s::text is null or e.target = %(target)s)
  and (%(table)s::text is null or e.subject_kind = 'table' and e.name = %(table)s)
  and (%(dataset)s::text is null or e.subject_kind = 'dataset' and e.name = %(dataset)s)
  and (%(owner)s::text is null or e.owner = %(owner)s)
  and (%(gate)s::text is null or e.gate = %(gate)s)
  and (%(incident)s::uuid is null or e.incident_id = %(incident)s::uuid)
  and (%(from)s::timestamptz is null or e.at >= %(from)s::timestamptz)
  and (%(to)s::timestamptz is null or e.at < %(to)s::timestamptz)
  and (%(before)s::bigint is null or e.event_id < %(before)s::bigint)
  and (%(behind)s::bigint is null or e.event_id > %(behind)s::bigint)
order by case when %(behind)s::bigint is null then e.event_id end desc, case when %(behind)s::bigint is not null then e.event_id end
limit %(limit)s
