-- name: latest
-- The last points of each of these rules of a table, the oldest first: its own index for each.
select r.rule_id, p.points from stringx.subject_rules r
cross join lateral (
    select json_agg(json_build_object('at', l.at, 'status', l.status, 'failures', l.failures, 'total', l.total, 'measured', l.measured) order by l.at) as points
    from (select at, status, failures, total, measured from stringx.rule_points p where p.rule_key = r.rule_key order by at desc limit %(points)s) l) p
where r.subject_id = (select subject_id from stringx.subjects where kind = 'table' and target = %(target)s and name = %(table)s)
  and r.rule_id = any(%(rules)s) and p.points is not null

-- name: messages
-- Of the rules that did not pass, by table and rule: not the whole result, which may have 8 MiB.
select messages from stringx.results where check_id = %(check_id)s

-- name: versions
-- Versions of the document within a span, the oldest first.
select version, changed_at, changed_by from stringx.table_versions
where target = %(target)s and table_name = %(table)s and changed_at >= %(start)s and changed_at < %(end)s
order by changed_at limit 200
