-- name: is_configured
select case when %(kind)s = 'table'
            then exists (select from stringx.configured_tables t where t.target = %(target)s and t.table_name = %(name)s)
            else exists (select from stringx.datasets d where d.target = %(target)s and d.name = %(name)s) end as is_configured

-- name: lock
-- Badges of a table or dataset are counted and made one after the other.
select pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'badges', %(kind)s, %(target)s, %(name)s), 0))

-- name: count
select count(*) as number from stringx.badges where subject_kind = %(kind)s and target = %(target)s and name = %(name)s

-- name: create
insert into stringx.badges (badge_id, token, subject_kind, target, name, label, created_by)
values (%(id)s, %(token)s, %(kind)s, %(target)s, %(name)s, %(label)s, %(by)s)
returning *

-- name: page
select * from stringx.badges
where (%(target)s::text is null or target = %(target)s)
  and (%(table)s::text is null or subject_kind = 'table' and name = %(table)s)
  and (%(dataset)s::text is null or subject_kind = 'dataset' and name = %(dataset)s)
  and (%(seen)s::text[] is null or target = any(%(seen)s::text[]))
  and (%(at)s::timestamptz is null or (created_at, badge_id) < (%(at)s::timestamptz, %(id)s::uuid))
order by created_at desc, badge_id desc
limit %(limit)s

-- name: find
select * from stringx.badges where badge_id = %(id)s

-- name: delete
delete from stringx.badges where badge_id = %(id)s

-- name: shown
-- How the gate of a badge is; of what is configured no more, nothing.
select b.label, s.state
from stringx.badges b
join stringx.states s on s.kind = b.subject_kind and s.target = b.target and s.name = b.name
where b.token = %(token)s
