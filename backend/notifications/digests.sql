-- name: forget
-- A channel that gets no digest any more, and later gets one again, begins anew.
delete from stringx.digests where channel <> all(%(channels)s::text[])

-- name: begin
insert into stringx.digests (channel, due_at) values (%(channel)s, %(due_at)s) on conflict do nothing

-- name: last
-- Of a channel that no other process is at.
select due_at from stringx.digests where channel = %(channel)s for update skip locked

-- name: planned
update stringx.digests set due_at = %(due_at)s where channel = %(channel)s and due_at < %(due_at)s

-- name: recent
-- Messages that the channel has got within a minute, or has still to get.
select count(*) as number from stringx.notifications
where channel = %(channel)s and withdrawn_at is null
  and (planned_at > %(now)s::timestamptz - interval '1 minute' or delivered_at is null and given_up_at is null)

-- name: subjects
select kind, target, name, owner, tags, state, gate from stringx.states order by kind desc, target, name

-- name: incidents
-- Those that were open at some time of a span, the oldest first; of a great many, the newest.
select * from (
    select incident_id, subject_kind as kind, target, name, owner, tags, kind as opened_as, opened_at, closed_at, closed_because,
           acknowledged_by, acknowledged_at, acknowledged_until, assignee
    from stringx.incidents
    where opened_at < %(end)s and (closed_at is null or closed_at >= %(start)s)
    order by opened_at desc, incident_id desc
    limit %(most)s) newest
order by opened_at, incident_id

-- name: waivers
select target, table_name as name, rule_id, until from stringx.waivers
where ended_at is null and until > %(now)s and until < %(until)s
order by until, target, table_name, rule_id
