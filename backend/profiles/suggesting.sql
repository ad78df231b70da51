-- name: earlier_profiles
select profile_id, profile from stringx.profiles
where target = %(target)s and table_name = %(table)s and profile is not null and snapshot_at < %(before)s and profile_id <> %(profile_id)s
order by created_at desc limit %(limit)s

-- name: earlier_checks
select p.at, p.row_count, p.verdict
from stringx.subjects s join stringx.check_points p on p.subject_id = s.subject_id
where s.kind = 'table' and s.target = %(target)s and s.name = %(table)s and p.is_full and p.status = 'succeeded' and p.row_count is not null
  and p.at < %(before)s
order by p.at desc limit %(limit)s
