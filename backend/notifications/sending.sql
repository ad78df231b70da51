-- name: any_due
-- Whether a message is due, of whatever channel.
select 1 from stringx.notifications n
where n.delivered_at is null and n.given_up_at is null and n.withdrawn_at is null and n.kind <> 'test' and n.due_at <= (select clock_timestamp())
limit 1

-- name: next_channel
-- The channel that was served longest ago, of those that have a message to be sent and no sender. It stays locked until the message is leased. At most
-- so many are delivered in a minute. `healthy`: channels alone that took their last message.
select q.channel, q.attempts
from stringx.channel_queues q
where q.due_at <= (select clock_timestamp()) and (not %(healthy)s or q.attempts = 0) and (q.lease_expires_at is null or q.lease_expires_at < (select clock_timestamp()))
  and exists (select from stringx.notifications n
              where n.channel = q.channel and n.delivered_at is null and n.given_up_at is null and n.withdrawn_at is null
                and n.kind <> 'test' and n.due_at <= (select clock_timestamp()))
  and (select count(*) from stringx.notifications d
       where d.channel = q.channel and d.delivered_at > (select clock_timestamp()) - interval '1 minute') < %(per_minute)s
order by q.claimed_at nulls first, q.channel
limit 1
for update of q skip locked

-- name: lease
-- Its message that is next in order, leased with it. A message waits for the earlier ones, but not for those that failed often, unless they
-- speak of the same incident. A statement of its own: it sees what the sender before has done.
with next as (
    select n.notification_id
    from stringx.notifications n
    where n.channel = %(channel)s and n.delivered_at is null and n.given_up_at is null and n.withdrawn_at is null
      and n.kind <> 'test' and n.due_at <= (select clock_timestamp())
      and not exists (
          select from stringx.notifications e
          where e.channel = n.channel and e.delivered_at is null and e.given_up_at is null and e.withdrawn_at is null and e.kind <> 'test'
            and (e.planned_at, e.notification_id) < (n.planned_at, n.notification_id) and (e.attempts > 0 or e.due_at <= (select clock_timestamp()))
            and (e.attempts < %(refusals)s or exists (
                select from stringx.notified a join stringx.notified b on b.incident_id = a.incident_id
                where a.notification_id = e.notification_id and b.notification_id = n.notification_id)))
    order by n.attempts >= %(refusals)s, n.planned_at, n.notification_id
    limit 1
    for update),
queue as (
    update stringx.channel_queues q set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
                                        claimed_at = clock_timestamp()
    where q.channel = %(channel)s and exists (select from next))
update stringx.notifications n set worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
                                   attempts = n.attempts + 1
from next where n.notification_id = next.notification_id
returning n.notification_id, n.channel, n.content, n.attempts as tried,
          clock_timestamp() - greatest(n.planned_at, n.resent_at) > make_interval(days => %(days)s) as expired,
          (select w.document from stringx.watch_documents w where w.kind = 'Channel' and w.name = n.channel) as document

-- name: served
update stringx.channel_queues set claimed_at = clock_timestamp() where channel = %(channel)s

-- name: delivered
update stringx.notifications set delivered_at = clock_timestamp(), worker = null, lease_expires_at = null, last_error = null, last_status = %(status)s
where notification_id = %(notification_id)s and worker = %(worker)s and delivered_at is null

-- name: queue_delivered
update stringx.channel_queues set worker = null, lease_expires_at = null, due_at = clock_timestamp(), attempts = 0, failing_since = null,
       last_error = null, last_status = %(status)s, delivered_at = clock_timestamp(), delivered = delivered + 1
where channel = %(channel)s and worker = %(worker)s

-- name: due_now
-- The channel answers again: what it has refused is tried once more.
update stringx.notifications set due_at = clock_timestamp()
where notification_id in (
    select notification_id from stringx.notifications
    where channel = %(channel)s and attempts > 0 and delivered_at is null and given_up_at is null and withdrawn_at is null
      and due_at > clock_timestamp()
    for update skip locked)

-- name: postpone
-- Only what was refused often has a time of its own, so that others come before it; all else waits for its channel.
update stringx.notifications set worker = null, lease_expires_at = null, last_error = %(error)s, last_status = %(status)s,
       given_up_at = case when %(give_up)s then clock_timestamp() end,
       due_at = case when attempts >= %(refusals)s then clock_timestamp() + make_interval(secs => %(delay_s)s) else due_at end
where notification_id = %(notification_id)s and worker = %(worker)s and delivered_at is null

-- name: queue_postponed
update stringx.channel_queues set worker = null, lease_expires_at = null, due_at = clock_timestamp() + make_interval(secs => %(delay_s)s),
       attempts = attempts + 1, failing_since = coalesce(failing_since, clock_timestamp()), last_error = %(error)s, last_status = %(status)s,
       failures = failures + 1, given_up = given_up + case when %(give_up)s then 1 else 0 end
where channel = %(channel)s and worker = %(worker)s

-- name: withdraw
update stringx.notifications set withdrawn_at = clock_timestamp(), withdrawn_because = 'channel', worker = null, lease_expires_at = null
where notification_id = %(notification_id)s and worker = %(worker)s and delivered_at is null and withdrawn_at is null

-- name: release
update stringx.channel_queues set worker = null, lease_expires_at = null where channel = %(channel)s and worker = %(worker)s

-- name: put_test
-- Leased by whoever asks for it from its first moment on; no sender sends it again.
insert into stringx.notifications (notification_id, channel, kind, content, items, planned_at, due_at, worker, lease_expires_at, attempts)
values (%(notification_id)s, %(channel)s, 'test', %(content)s, 0, %(now)s, %(now)s, %(worker)s,
        clock_timestamp() + make_interval(secs => %(lease_s)s), 1)

-- name: answers_again
-- A channel that took a test is tried at once.
update stringx.channel_queues set due_at = clock_timestamp() where channel = %(channel)s and due_at > clock_timestamp()

-- name: end_test
update stringx.notifications set worker = null, lease_expires_at = null, last_error = %(error)s, last_status = %(status)s,
       delivered_at = case when %(is_sent)s then clock_timestamp() end, given_up_at = case when not %(is_sent)s then clock_timestamp() end
where notification_id = %(notification_id)s

-- name: traces
select result ->> 'traceparent' as traceparent, result ->> 'tracestate' as tracestate
from stringx.results where check_id = any(%(checks)s::uuid[]) order by finished_at
