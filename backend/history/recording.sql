-- name: record
select stringx.record_history(
    %(parts)s, %(points)s, %(at)s, %(check_id)s, %(request_id)s, %(status)s, %(is_full)s, %(narrowed_to)s, %(duration_ms)s, %(snapshot_at)s,
    %(checked_at)s, %(decides)s, %(recent)s)

-- name: late
-- A point of a day that is summed already: it is summed again.
select pg_advisory_xact_lock_shared(7418205342);
delete from stringx.summed_days where day = (%(at)s::timestamptz at time zone 'UTC')::date

-- name: look_again
-- At the state, by the loop that does so.
update stringx.states set refresh_at = clock_timestamp() where kind = %(kind)s and target = %(target)s and name = %(name)s
