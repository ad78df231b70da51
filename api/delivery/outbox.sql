-- name: put
insert into dataops.outbox (message_id, check_id, url, origin, body)
values (%(message_id)s, %(check_id)s, %(url)s, %(origin)s, %(body)s)

-- name: claim
-- The moment is read once, so that the index ends where nothing is due. `expired`: it has been tried for three days, or for
-- three days since somebody had it sent again.
update dataops.outbox set
    attempts = attempts + 1, worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where message_id = (
    select message_id from dataops.outbox
    where delivered_at is null and given_up_at is null and next_attempt_at <= (select clock_timestamp())
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by next_attempt_at
    for update skip locked
    limit 1)
returning message_id, check_id, url, coalesce(origin, url) as origin, body, attempts, clock_timestamp() as now,
          clock_timestamp() - greatest(created_at, resent_at) > interval '3 days' as expired

-- name: claim_several
-- The same, and with it others for the same receiver that are due, if it is one of those that take several in one post (`batching`): `most` in
-- number, together at most `bytes` long. Every second attempt of a message is made alone, so that it does not depend on others.
with due as materialized (
    select message_id, coalesce(origin, url) as origin, octet_length(body) as bytes, mod(attempts, 2) = 0 as is_sociable, next_attempt_at
    from dataops.outbox
    where delivered_at is null and given_up_at is null and next_attempt_at <= (select clock_timestamp())
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by next_attempt_at
    for update skip locked
    limit %(most)s
), first as (
    select * from due order by next_attempt_at, message_id limit 1
), chosen as (
    select message_id from first
    union
    select o.message_id from (
        select d.message_id, sum(d.bytes) over (order by d.message_id <> f.message_id, d.next_attempt_at, d.message_id) as bytes
        from due d join first f on d.origin = f.origin
        where d.is_sociable and f.is_sociable and f.origin = any(%(batching)s::text[])) o
    where o.bytes <= %(bytes)s
)
update dataops.outbox set
    attempts = attempts + 1, worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where message_id in (select message_id from chosen)
returning message_id, check_id, url, coalesce(origin, url) as origin, body, attempts, clock_timestamp() as now,
          clock_timestamp() - greatest(created_at, resent_at) > interval '3 days' as expired

-- name: delivered_several
select dataops.mark_delivered(%(message_ids)s::uuid[], %(worker)s)

-- name: release
-- They were not tried: the receiver did not take the batch that they were in, or no thread had time. Each is fenced by its attempt: another
-- thread of the worker may have claimed it meanwhile.
update dataops.outbox o set attempts = o.attempts - 1, next_attempt_at = clock_timestamp(), lease_expires_at = null, worker = null
from unnest(%(message_ids)s::uuid[], %(attempts)s::integer[]) as r (message_id, attempts)
where o.message_id = r.message_id and o.attempts = r.attempts and o.worker = %(worker)s

-- name: delivered
update dataops.outbox set delivered_at = clock_timestamp(), lease_expires_at = null, worker = null, last_error = null
where message_id = %(message_id)s and worker = %(worker)s

-- name: postpone
update dataops.outbox set
    next_attempt_at = clock_timestamp() + make_interval(secs => %(delay_s)s),
    lease_expires_at = null, worker = null, last_error = %(error)s,
    given_up_at = case when %(give_up)s then clock_timestamp() end
where message_id = %(message_id)s and worker = %(worker)s

-- name: due_now
-- A receiver that was away answers again: what waits for it is due within some seconds, not all at one moment.
update dataops.outbox set next_attempt_at = clock_timestamp() + random() * interval '5 seconds'
where message_id in (
    select message_id from dataops.outbox
    where origin = %(origin)s and delivered_at is null and given_up_at is null and lease_expires_at is null
      and next_attempt_at > clock_timestamp() + interval '5 seconds'
    for update skip locked
    limit 1000)

-- name: list
-- The driver writes the state into the text. So only one of the three conditions is left when the query is planned, and it uses the
-- index of that state.
select message_id, check_id, url, created_at, attempts, next_attempt_at, last_error, delivered_at, given_up_at
from dataops.outbox
where ((%(state)s = 'waiting' and delivered_at is null and given_up_at is null)
       or (%(state)s = 'failed' and delivered_at is null and given_up_at is not null)
       or (%(state)s = 'delivered' and delivered_at is not null))
  and (%(after)s::uuid is null or message_id > %(after)s::uuid)
  and (%(seen)s::text[] is null or exists (
      select from dataops.checks c where c.check_id = outbox.check_id and c.target = any(%(seen)s::text[])))
order by message_id limit %(limit)s

-- name: redeliver
update dataops.outbox set delivered_at = null, given_up_at = null, next_attempt_at = clock_timestamp(), resent_at = clock_timestamp()
where message_id = %(message_id)s and (lease_expires_at is null or lease_expires_at < clock_timestamp())
  and (%(seen)s::text[] is null or exists (
      select from dataops.checks c where c.check_id = outbox.check_id and c.target = any(%(seen)s::text[])))

-- name: redeliver_failed
update dataops.outbox set given_up_at = null, next_attempt_at = clock_timestamp(), resent_at = clock_timestamp()
where given_up_at is not null and delivered_at is null
  and (%(seen)s::text[] is null or exists (
      select from dataops.checks c where c.check_id = outbox.check_id and c.target = any(%(seen)s::text[])))
