-- name: page
-- Messages, the newest first. In a list, of what they say only what their titles need: a storm's message is long.
select n.notification_id, n.channel, n.kind, n.planned_at, n.due_at, n.attempts, n.delivered_at, n.given_up_at, n.withdrawn_at, n.withdrawn_because,
       n.last_error, n.last_status, q.due_at as channel_due_at,
       case when %(id)s::uuid is not null then n.content
            else n.content - 'also' || jsonb_build_object('items', jsonb_path_query_array(n.content, '$.items[0]'))
                 || case when jsonb_typeof(n.content -> 'digest') = 'object'
                         then jsonb_build_object('digest', n.content -> 'digest' || '{"sections": []}') else '{}' end end as content,
       array(select distinct o.incident_id::text from stringx.notified o
             where o.notification_id = n.notification_id and o.incident_id is not null order by 1 limit %(most)s) as incidents,
       array(select distinct o.route from stringx.notified o where o.notification_id = n.notification_id order by 1 limit %(most)s) as routes
from stringx.notifications n left join stringx.channel_queues q on q.channel = n.channel
where (%(id)s::uuid is null or n.notification_id = %(id)s::uuid)
  and (%(channel)s::text is null or n.channel = %(channel)s)
  and (%(kind)s::text is null or n.kind = %(kind)s)
  and (%(state)s::text is null or %(state)s = case when n.delivered_at is not null then 'delivered' when n.given_up_at is not null then 'failed'
                                                   when n.withdrawn_at is not null then 'withdrawn' else 'waiting' end)
  and (%(incident)s::uuid is null or n.notification_id in (select o.notification_id from stringx.notified o where o.incident_id = %(incident)s::uuid))
  and (%(from)s::timestamptz is null or n.planned_at >= %(from)s::timestamptz)
  and (%(to)s::timestamptz is null or n.planned_at < %(to)s::timestamptz)
  and (%(at)s::timestamptz is null or (n.planned_at, n.notification_id) < (%(at)s::timestamptz, %(after)s::uuid))
order by n.planned_at desc, n.notification_id desc
limit %(limit)s

-- name: send_again
-- Whatever became of it; not while it is being sent.
update stringx.notifications set delivered_at = null, given_up_at = null, withdrawn_at = null, withdrawn_because = null, attempts = 0,
       resent_at = clock_timestamp(), due_at = clock_timestamp(), last_error = null, last_status = null
where notification_id = %(id)s and (lease_expires_at is null or lease_expires_at < clock_timestamp())
returning channel

-- name: try_channel
-- Its channel is tried at once, though it may have failed of late.
update stringx.channel_queues set due_at = clock_timestamp() where channel = %(channel)s

-- name: channel
select document from stringx.watch_documents where kind = 'Channel' and name = %(channel)s

-- name: channels
select name from stringx.watch_documents where kind = 'Channel' order by name

-- name: unsent
-- Of each channel: how many messages wait, and for how long the oldest; what its queue has counted. One that was deleted or switched off fails no more.
select q.channel, q.delivered, q.given_up, q.failures, coalesce(n.waiting, 0) as waiting,
       coalesce(extract(epoch from clock_timestamp() - n.oldest), 0)::float8 as oldest_age_s,
       case when w.document -> 'active' is distinct from 'false'::jsonb and w.name is not null
            then coalesce(extract(epoch from clock_timestamp() - q.failing_since), 0)::float8 else 0 end as failing_s
from stringx.channel_queues q
left join stringx.watch_documents w on w.kind = 'Channel' and w.name = q.channel
left join (select channel, count(*) as waiting, min(planned_at) as oldest from stringx.notifications
           where delivered_at is null and given_up_at is null and withdrawn_at is null group by channel) n on n.channel = q.channel
order by q.channel
limit %(most)s
