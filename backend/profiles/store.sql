-- name: track
insert into stringx.profiles (profile_id, request_id, target, table_name, settings, requested_by)
values (%(profile_id)s, %(request_id)s, %(target)s, %(table)s, %(settings)s, %(requested_by)s)

-- name: finish
-- The first result of the request; a later one changes nothing. No row for a profile that was asked of DataOps directly.
update stringx.profiles set
    check_id = %(check_id)s, status = %(status)s, reason = %(reason)s, finished_at = coalesce(%(finished_at)s, clock_timestamp()),
    snapshot_at = %(snapshot_at)s, row_count = %(row_count)s, profile = %(profile)s
where profile_id = (select profile_id from stringx.profiles where request_id = %(request_id)s order by created_at desc limit 1)
  and status is null

-- name: is_known
-- Not one of an earlier request under this id, which has ended with another check.
select 1 from stringx.profiles where request_id = %(request_id)s and (status is null or check_id = %(check_id)s) limit 1

-- name: forget_oldest
delete from stringx.profiles where profile_id in (
    select profile_id from stringx.profiles where target = %(target)s and table_name = %(table)s
    order by created_at desc, profile_id desc offset %(most)s)

-- name: page
-- Newest first; with an id or a request's, only that one, with what was measured. Those whose request DataOps did not take are left out. An id
-- of a request is free again a day after its end: another check of this name, perhaps of a target that the reader does not see, says nothing here.
select p.profile_id, p.request_id, p.target, p.table_name, p.settings, p.requested_by, p.created_at, p.snapshot_at, p.row_count,
       coalesce(p.status, q.status) as status, coalesce(p.reason, q.reason) as reason,
       case when %(id)s::uuid is not null or %(request_id)s::text is not null then p.profile end as profile
from stringx.profiles p
left join stringx.requests q on q.request_id = p.request_id and p.status is null and q.trial and q.target = p.target and q.table_name = p.table_name
where (p.status is not null or q.request_id is not null)
  and (%(id)s::uuid is null or p.profile_id = %(id)s::uuid)
  and (%(request_id)s::text is null or p.request_id = %(request_id)s::text)
  and (%(target)s::text is null or p.target = %(target)s)
  and (%(seen)s::text[] is null or p.target = any(%(seen)s::text[]))
  and (%(table)s::text is null or p.table_name = %(table)s)
  and (%(at)s::timestamptz is null or (p.created_at, p.profile_id) < (%(at)s::timestamptz, %(after)s::uuid))
order by p.created_at desc, p.profile_id desc
limit %(limit)s

-- name: delete
delete from stringx.profiles where profile_id = %(id)s returning target, table_name, request_id
