-- name: lock
-- Keys are made one after the other, whatever number of Backends there is.
select pg_advisory_xact_lock(hashtextextended('verdict keys', 0))

-- name: usable
-- Keys that sign now or will, those that sign now first, and of these the newest first.
select kid, public_key, sealed, signs_from, signs_until, clock_timestamp() as now, signs_from <= clock_timestamp() as is_begun
from stringx.verdict_keys
where signs_until > clock_timestamp() and withdrawn_at is null
order by signs_from <= clock_timestamp() desc, signs_from desc, kid
limit 100

-- name: create
-- One that signs from now on, or from a later moment.
insert into stringx.verdict_keys (kid, public_key, sealed, created_by, signs_from, signs_until)
select %(kid)s, %(public_key)s, %(sealed)s, %(by)s, m.moment, m.moment + make_interval(days => %(days)s)
from (select greatest(clock_timestamp(), %(signs_from)s::timestamptz) as moment) m
returning *

-- name: end
-- All others; what they have signed stays valid, unless they are withdrawn.
update stringx.verdict_keys
set signs_from = least(signs_from, clock_timestamp()), signs_until = least(signs_until, clock_timestamp()),
    withdrawn_at = case when %(withdraw)s then coalesce(withdrawn_at, clock_timestamp()) else withdrawn_at end
where kid <> %(kid)s and (signs_until > clock_timestamp() or %(withdraw)s and withdrawn_at is null)

-- name: published
-- Also those that will sign, so that who fetches the keys now and then has them in time.
select kid, public_key from stringx.verdict_keys
where withdrawn_at is null and signs_until > clock_timestamp() - make_interval(secs => %(kept_s)s)
order by signs_from desc, kid
limit 100

-- name: list
select kid, created_at, created_by, signs_from, signs_until, withdrawn_at,
       case when withdrawn_at is not null then 'withdrawn'
            when signs_from > clock_timestamp() then 'next'
            when signs_until > clock_timestamp() then 'signing'
            when signs_until > clock_timestamp() - make_interval(secs => %(kept_s)s) then 'verifying'
            else 'ended' end as state
from stringx.verdict_keys order by signs_from desc, kid limit 100

-- name: forget
delete from stringx.verdict_keys where signs_until < clock_timestamp() - make_interval(days => %(days)s)
