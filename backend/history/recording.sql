-- name: record
select stringx.write_histories(%(parts)s, %(points)s, %(recent)s)

-- name: late
-- A point of a day of this month that is summed already: it is summed again. Of older days, other points may be gone.
select pg_advisory_xact_lock_shared(7418205342);
delete from stringx.summed_days
where day = (%(at)s::timestamptz at time zone 'UTC')::date
  and day > (clock_timestamp() at time zone 'UTC')::date - 28

-- name: look_again
-- At these states, by the loop that does so; since when the gate is as it is, their points say. Locked in the order of all others.
with locked as (
    select s.subject_id from stringx.states s
    join jsonb_to_recordset(%(subjects)s) as p (kind text, target text, name text)
      on p.kind = s.kind and p.target = s.target and p.name = s.name
    order by s.kind desc, s.subject_id for update of s)
update stringx.states s set refresh_at = clock_timestamp(), since = null from locked l where s.subject_id = l.subject_id

-- name: refused
-- Its history is tried again by the loop that takes up results: after a minute, then after ten.
update stringx.results set
    point_tries = point_tries + 1, has_points = point_tries + 1 >= %(tries)s,
    points_after = clock_timestamp() + interval '1 minute' * 10 ^ point_tries
where check_id = %(check_id)s returning point_tries as tries
