-- name: put
insert into dataops.outbox (message_id, check_id, url, body) values (%(message_id)s, %(check_id)s, %(url)s, %(body)s)

-- name: claim
update dataops.outbox set
    attempts = attempts + 1, worker = %(worker)s, lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
where message_id = (
    select message_id from dataops.outbox
    where delivered_at is null and given_up_at is null and next_attempt_at <= clock_timestamp()
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by next_attempt_at
    for update skip locked
    limit 1)
returning message_id, url, body, attempts, created_at, clock_timestamp() - created_at > interval '3 days' as expired

-- name: delivered
update dataops.outbox set delivered_at = clock_timestamp(), lease_expires_at = null, worker = null, last_error = null
where message_id = %(message_id)s and worker = %(worker)s

-- name: postpone
update dataops.outbox set
    next_attempt_at = clock_timestamp() + make_interval(secs => %(delay_s)s),
    lease_expires_at = null, worker = null, last_error = %(error)s,
    given_up_at = case when %(give_up)s then clock_timestamp() end
where message_id = %(message_id)s and worker = %(worker)s
