-- name: look
-- Whether there is anything to do, in one round trip.
select exists (select from stringx.events where not is_routed) as has_events,
       exists (select from stringx.notices where ready_at <= t.now) as has_notices,
       exists (select from stringx.told where over_at is null and repeat_at <= t.now) as has_repeats,
       exists (select from stringx.notifications where delivered_at is null and given_up_at is null and withdrawn_at is null) as has_unsent,
       (select string_agg(c.token::text, ' ' order by c.kind) from stringx.watch_changes c where c.kind in ('Channel', 'Route')) <> w.routes as has_routes
from (select coalesce(%(now)s::timestamptz, clock_timestamp()) as now) t cross join stringx.planned_with w

-- name: alone
-- Messages are planned by one process at a time, so that of an incident's events none overtakes another.
select pg_try_advisory_xact_lock(%(lock)s) as is_mine, coalesce(%(now)s::timestamptz, clock_timestamp()) as now

-- name: unrouted
-- With the channels that know of their incidents, or are about to be told.
select e.event_id, e.kinds, e.target, e.name, e.owner, e.tags, e.incident_id, it.request_id as held_for,
       array(select t.channel from stringx.told t where t.incident_id = e.incident_id and t.over_at is null
             union select n.channel from stringx.notices n where n.incident_id = e.incident_id) as knowing
from stringx.events e
left join lateral (select i.request_id from stringx.schedule_items i join stringx.schedule_runs r on r.run_id = i.run_id
                   where i.request_id = e.request_id and r.ended_at is null and e.kinds && array['closed', 'opened', 'warn', 'error'] limit 1) it on true
where not e.is_routed
order by e.event_id
limit %(most)s

-- name: notice
insert into stringx.notices (event_id, channel, routes, words, incident_id, planned_at, ready_at, held_for)
select n.event_id, n.channel, n.routes, n.words, n.incident_id, %(now)s, n.ready_at, n.held_for
from jsonb_to_recordset(%(notices)s::jsonb)
     as n (event_id bigint, channel text, routes text[], words text[], incident_id uuid, ready_at timestamptz, held_for text)
on conflict (channel, event_id) do nothing

-- name: routed
update stringx.events set is_routed = true where event_id = any(%(event_ids)s::bigint[])

-- name: ready
-- Channels with something to say, when the first and the last of it became ready, and how many messages they have of late. What a schedule's run
-- found waits for the run's end.
select n.channel, n.oldest, n.newest, p.planned
from (select n.channel, min(n.ready_at) as oldest, max(n.ready_at) as newest
      from stringx.notices n
      where n.ready_at <= %(now)s::timestamptz
        and (n.held_for is null or n.planned_at <= %(now)s::timestamptz - %(schedule_settles)s::interval
             or not exists (select from stringx.schedule_items i join stringx.schedule_runs r on r.run_id = i.run_id
                            where i.request_id = n.held_for and r.ended_at is null))
      group by n.channel) n
cross join lateral (select count(*) as planned from (
    select m.notification_id from stringx.notifications m
    where m.channel = n.channel and m.delivered_at is null and m.given_up_at is null and m.withdrawn_at is null
    union
    select m.notification_id from stringx.notifications m where m.channel = n.channel and m.planned_at > %(now)s::timestamptz - %(minute)s::interval
    union
    select m.notification_id from stringx.notifications m where m.channel = n.channel and m.delivered_at > %(now)s::timestamptz - %(minute)s::interval) m) p
order by n.oldest

-- name: planned
-- The same number for some channels.
select c.channel, count(distinct m.notification_id) as planned
from unnest(%(channels)s::text[]) c (channel)
left join stringx.notifications m on m.channel = c.channel
    and (m.delivered_at is null and m.given_up_at is null and m.withdrawn_at is null
         or m.planned_at > %(now)s::timestamptz - %(minute)s::interval or m.delivered_at > %(now)s::timestamptz - %(minute)s::interval)
group by c.channel

-- name: waiting
-- What a channel can be told now, with how things stand. An incident is over once the event that says so is routed, too.
select n.event_id, n.routes, n.words, n.incident_id, n.planned_at, n.ready_at, e.kinds, e.subject_kind, e.target, e.name, e.check_id, r.schedule as asked_by, s.verdict, s.gate,
       coalesce(s.state = 'stale', false) as is_stale,
       n.incident_id is not null and (i.incident_id is null or i.closed_at is not null)
           and not exists (select from stringx.events u where u.incident_id = n.incident_id and not u.is_routed) as is_over
from (select * from stringx.notices where channel = %(channel)s and ready_at <= %(now)s order by event_id limit %(most)s) n
join stringx.events e on e.event_id = n.event_id
left join stringx.incidents i on i.incident_id = n.incident_id
left join stringx.states s on s.kind = e.subject_kind and s.target = e.target and s.name = e.name
left join stringx.requests r on r.request_id = e.request_id  -- a check did it, not a change of settings
    and (n.incident_id is null and e.kinds && array['warn', 'error'] or e.request_id in (i.opened_by_request, i.closed_by_request))
order by n.event_id

-- name: noted
-- Notices that are told, or of which nothing is left to say, or whose event is forgotten.
delete from stringx.notices where channel = %(channel)s and event_id = any(%(event_ids)s::bigint[])

-- name: forgotten
delete from stringx.notices n where n.channel = %(channel)s and not exists (select from stringx.events e where e.event_id = n.event_id)

-- name: notified
insert into stringx.notified (event_id, incident_id, channel, route, notification_id, kind, at)
select n.event_id, n.incident_id, %(channel)s, route, %(notification_id)s::uuid, n.kind, %(now)s
from jsonb_to_recordset(%(said)s::jsonb) as n (event_id bigint, incident_id uuid, kind text, routes text[]), unnest(n.routes) as route
on conflict (event_id, channel, route) where event_id is not null do nothing

-- name: told
-- When to repeat it is worked out once the message has arrived.
insert into stringx.told as t (incident_id, channel, words, told_at, notification_id, over_at, repeat_at)
select n.incident_id, %(channel)s, n.words, %(now)s, %(notification_id)s::uuid, case when n.is_over then %(now)s::timestamptz end,
       %(now)s
from jsonb_to_recordset(%(told)s::jsonb) as n (incident_id uuid, words text[], is_over boolean)
join stringx.incidents i on i.incident_id = n.incident_id
on conflict (incident_id, channel) do update set
    words = array(select unnest(t.words) union select unnest(excluded.words)), told_at = excluded.told_at,
    notification_id = excluded.notification_id, over_at = excluded.over_at, repeat_at = excluded.repeat_at

-- name: routes_changed
-- Repeats of all open incidents are worked out again. Here and below, `skip locked`: an acknowledgement locks what channels know of its incident, in
-- an order of its own, and has it looked at again itself.
with changed as (
    update stringx.planned_with set routes = (select string_agg(c.token::text, ' ' order by c.kind) from stringx.watch_changes c
                                              where c.kind in ('Channel', 'Route')) returning 1),
free as (
    select t.incident_id, t.channel from stringx.told t join stringx.incidents i on i.incident_id = t.incident_id
    where i.closed_at is null and t.over_at is null and exists (select from changed)
    for update of t skip locked)
update stringx.told t set repeat_at = t.told_at from free f where f.incident_id = t.incident_id and f.channel = t.channel

-- name: held
-- By quiet hours.
select channel, event_id, routes from stringx.notices where ready_at > %(now)s order by ready_at limit %(most)s

-- name: hold
update stringx.notices n set ready_at = h.ready_at
from jsonb_to_recordset(%(notices)s::jsonb) as h (channel text, event_id bigint, ready_at timestamptz)
where n.channel = h.channel and n.event_id = h.event_id

-- name: put_off
-- Repeats of incidents that are over, whether or not that was told, or acknowledged (a trigger looks at them again when that changes); and of those
-- whose last message is on its way.
with off as (
    select t.incident_id, t.channel,
           case when i.closed_at is not null then 'infinity'
                when i.acknowledged_at is not null and (i.acknowledged_until is null or i.acknowledged_until > %(now)s)
                then coalesce(i.acknowledged_until, 'infinity')
                else %(now)s::timestamptz + %(minute)s::interval end as at
    from stringx.told t
    join stringx.incidents i on i.incident_id = t.incident_id
    left join stringx.notifications m on m.notification_id = t.notification_id
    where t.over_at is null and t.repeat_at <= %(now)s
      and (i.closed_at is not null or i.acknowledged_at is not null and (i.acknowledged_until is null or i.acknowledged_until > %(now)s)
           or m.delivered_at is null and m.given_up_at is null and m.withdrawn_at is null and m.notification_id is not null)
    for update of t skip locked)
update stringx.told t set repeat_at = o.at from off o where o.incident_id = t.incident_id and o.channel = t.channel

-- name: lasting
-- Incidents that nobody has acknowledged, or no longer, and that may have to be told again. `told_at`: when the last message
-- arrived; null if somebody had acknowledged the incident before, as then the last that arrived is older.
with due as materialized (  -- and looked up one by one: of a storm, statistics do not know yet
    select t.* from stringx.told t where t.over_at is null and t.repeat_at <= %(now)s order by t.repeat_at, t.incident_id limit %(most)s)
select t.incident_id, t.channel, t.words, i.target, i.name, i.owner, i.tags,
       case when m.delivered_at is not null or m.withdrawn_because is distinct from 'acknowledged' then coalesce(m.delivered_at, t.told_at) end as told_at,
       i.acknowledged_until
from due t
cross join lateral (select * from stringx.incidents i where i.incident_id = t.incident_id limit 1) i
left join lateral (select * from stringx.notifications m where m.notification_id = t.notification_id limit 1) m on true
where i.closed_at is null and (i.acknowledged_at is null or i.acknowledged_until <= %(now)s)
order by t.repeat_at, t.incident_id

-- name: still_lasting
-- Those of a channel, looked at again in the transaction that tells.
select t.incident_id
from stringx.told t join stringx.incidents i on i.incident_id = t.incident_id
where t.channel = %(channel)s and t.over_at is null and t.repeat_at <= %(now)s and i.closed_at is null
  and (i.acknowledged_at is null or i.acknowledged_until <= %(now)s)

-- name: repeat_later
with free as (
    select t.incident_id, t.channel, n.at
    from jsonb_to_recordset(%(later)s::jsonb) as n (incident_id uuid, channel text, at timestamptz)
    join stringx.told t on t.incident_id = n.incident_id and t.channel = n.channel
    for update of t skip locked)
update stringx.told t set repeat_at = coalesce(f.at, 'infinity') from free f where f.incident_id = t.incident_id and f.channel = t.channel

-- name: repeated
update stringx.told t set told_at = %(now)s, notification_id = %(notification_id)s::uuid, repeats = t.repeats + 1, repeat_at = %(now)s
from jsonb_to_recordset(%(told)s::jsonb) as n (incident_id uuid)
where t.incident_id = n.incident_id and t.channel = %(channel)s

-- name: outdated
-- Repeats that wait to be sent, and speak of incidents that are over or acknowledged by now.
select m.notification_id, m.channel,
       array_agg(o.incident_id::text order by o.notified_id) filter (where i.closed_at is null and (i.acknowledged_at is null or i.acknowledged_until <= %(now)s)) as left,
       coalesce(bool_or(i.closed_at is null), false) as has_open
from stringx.notifications m
join (select distinct on (notification_id, incident_id) * from stringx.notified order by notification_id, incident_id, notified_id) o
     on o.notification_id = m.notification_id
left join stringx.incidents i on i.incident_id = o.incident_id
where m.kind = 'repeat' and m.delivered_at is null and m.given_up_at is null and m.withdrawn_at is null
  and m.resent_at is null  -- nobody has asked for it
  and (m.lease_expires_at is null or m.lease_expires_at <= clock_timestamp())  -- not under way
group by m.notification_id
having count(*) filter (where i.closed_at is null and (i.acknowledged_at is null or i.acknowledged_until <= %(now)s)) < count(*)
limit %(most)s

-- name: dead_tests
-- Whoever asked for the test sends it, and has ended meanwhile.
update stringx.notifications set given_up_at = %(now)s, worker = null, lease_expires_at = null, last_error = 'the Backend that sent it has ended'
where kind = 'test' and delivered_at is null and given_up_at is null and withdrawn_at is null and lease_expires_at < clock_timestamp()

-- name: without_channel
-- Messages to channels that were deleted or are not active.
update stringx.notifications set withdrawn_at = %(now)s, withdrawn_because = 'channel'
where notification_id in (
    select notification_id from stringx.notifications
    where delivered_at is null and given_up_at is null and withdrawn_at is null and kind <> 'test' and resent_at is null
      and channel <> all(%(channels)s::text[])
    for update skip locked)
