-- name: since
-- The first point of the present status, among the rule's newest points; errors between do not end another status. `is_first`: no older point
-- has another status, so that the status may be older than the points that were looked at.
with newest as (
    select at, status from stringx.rule_points where rule_key = %(rule_key)s order by at desc, check_id desc limit %(most)s
), present as (
    select status from newest order by at desc limit 1
), before as (
    select max(n.at) as at from newest n cross join present p where n.status <> p.status and (n.status <> 'error' or p.status = 'error')
)
select p.status, min(n.at) as since, b.at is null as is_first
from present p cross join before b join newest n on n.status = p.status and (b.at is null or n.at > b.at)
group by p.status, b.at

-- name: since_of_rules
-- The same for several rules of a table.
select r.rule_id, min(n.at) as since, bool_and(before.at is null) as is_first
from stringx.subject_rules r
cross join lateral (
    select array_agg(l.at order by l.at desc) as times, array_agg(l.status order by l.at desc) as statuses
    from (select at, status from stringx.rule_points p where p.rule_key = r.rule_key order by at desc, check_id desc limit %(most)s) l) newest
cross join lateral (
    select max(o.at) as at from unnest(newest.times, newest.statuses) as o (at, status)
    where o.status <> newest.statuses[1] and (o.status <> 'error' or newest.statuses[1] = 'error')) before
cross join lateral unnest(newest.times, newest.statuses) as n (at, status)
where r.subject_id = (select subject_id from stringx.subjects where kind = 'table' and target = %(target)s and name = %(table)s)
  and r.rule_id = any(%(rules)s) and n.status = newest.statuses[1] and (before.at is null or n.at > before.at)
group by r.rule_id

-- name: values
-- The rule's last point with a value; and the last ones a day and a week before it, at most so many days older than that. `number`: 0, 1, 2.
with last as (
    select at from stringx.rule_points
    where rule_key = %(rule_key)s and (failures is not null or measured is not null) order by at desc, check_id desc limit 1
)
select t.number, p.at, p.status, p.failures, p.total, p.measured
from last cross join (values (0, interval '0'), (1, interval '1 day'), (2, interval '7 days')) as t (number, earlier)
cross join lateral (
    select * from stringx.rule_points p
    where p.rule_key = %(rule_key)s and p.at <= last.at - t.earlier and p.at > last.at - t.earlier - make_interval(days => %(days)s)
      and (p.failures is not null or p.measured is not null)
    order by p.at desc, p.check_id desc limit 1) p
