-- name: now
select clock_timestamp() as now, clock_timestamp() + make_interval(days => %(days)s) as latest

-- name: configured
-- What a waiver of this rule would be bound to, and the document that says so.
select t.document, stringx.waivable_rule(t.document, %(rule)s) as rule
from stringx.configured_tables t where t.target = %(target)s and t.table_name = %(table)s

-- name: has_ended
select exists (select from stringx.waivers where ended_at is not null and not is_audited) or exists (select from stringx.waivers_now n join stringx.waivers w on w.waiver_id = n.waiver_id
               where w.ended_at is null and n.ended_because is not null) as has_ended

-- name: note_end
-- Of waivers that time or a change has ended: of one rule, or of all.
update stringx.waivers w set ended_at = coalesce(n.ended_at, clock_timestamp()), ended_because = n.ended_because
from stringx.waivers_now n
where n.waiver_id = w.waiver_id and w.ended_at is null and n.ended_because is not null
  and (%(rule)s::text is null or (w.target = %(target)s and w.table_name = %(table)s and w.rule_id = %(rule)s))

-- name: create
insert into stringx.waivers (waiver_id, target, table_name, rule_id, rule, reason, at_most, until, created_by)
values (%(id)s, %(target)s, %(table)s, %(rule)s, %(bound_to)s, %(reason)s, %(at_most)s, %(until)s, %(by)s)
on conflict (target, table_name, rule_id) where ended_at is null do nothing

-- name: active
select waiver_id, until from stringx.waivers_now
where target = %(target)s and table_name = %(table)s and rule_id = %(rule)s and ended_because is null

-- name: find
select * from stringx.waivers_now where waiver_id = %(id)s

-- name: page
select * from stringx.waivers_now
where (%(target)s::text is null or target = %(target)s) and (%(table)s::text is null or table_name = %(table)s)
  and (%(rule)s::text is null or rule_id = %(rule)s)
  and (%(targets)s::text[] is null or target = any(%(targets)s::text[]))
  and (%(state)s::text is null or (ended_because is null) = (%(state)s = 'active'))
  and (%(at)s::timestamptz is null or (created_at, waiver_id) < (%(at)s::timestamptz, %(id)s::uuid))
order by created_at desc, waiver_id desc
limit %(limit)s

-- name: delete
update stringx.waivers set ended_at = clock_timestamp(), ended_because = 'deleted', ended_by = %(by)s, is_audited = true
where waiver_id = %(id)s and ended_at is null

-- name: ended
-- Ends that the audit log does not tell of yet.
update stringx.waivers w set is_audited = true
from (select waiver_id from stringx.waivers where ended_at is not null and not is_audited
      order by until limit %(most)s for update skip locked) due
where w.waiver_id = due.waiver_id
returning w.*

-- name: forget
-- Waivers that ended long ago.
delete from stringx.waivers where ended_at < clock_timestamp() - make_interval(days => %(days)s)

-- name: count
select count(*) as number from stringx.active_waivers
