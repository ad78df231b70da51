-- name: latest
-- The last points of each of these rules of a table, the oldest first: its own index for each.
select r.rule_id, p.points from stringx.subject_rules r
cross join lateral (
    select json_agg(json_build_object('at', l.at, 'status', l.status, 'failures', l.failures, 'total', l.total, 'measured', l.measured, 'waived', l.waived,
                                      'learning', l.baseline -> 'learning') order by l.at) as points
    from (select at, status, failures, total, measured, waived, baseline from stringx.rule_points p where p.rule_key = r.rule_key order by at desc limit %(points)s) l) p
where r.subject_id = (select subject_id from stringx.subjects where kind = 'table' and target = %(target)s and name = %(table)s)
  and r.rule_id = any(%(rules)s) and p.points is not null

-- name: messages
-- Of the rules that did not pass, by table and rule: not the whole result, which may have 8 MiB.
select messages from stringx.results where check_id = %(check_id)s

-- name: changes
-- Versions of the document within a span that changed the rule, the oldest first. The newest 200 versions are compared, each with the one before.
select version, changed_at, changed_by from (
    select version, changed_at, changed_by, rule is distinct from lag(rule) over (order by version) as differs,
           version = 1 or row_number() over (order by version) > 1 as is_known
    from (select version, changed_at, changed_by,
                 jsonb_path_query_first(coalesce(effective, document), '$.rules[*] ? (@.id == $id)', jsonb_build_object('id', %(rule)s::text)) as rule
          from stringx.table_versions
          where target = %(target)s and table_name = %(table)s and changed_at < %(end)s
            and version >= coalesce((select max(version) from stringx.table_versions
                                     where target = %(target)s and table_name = %(table)s and changed_at < %(start)s), 1)
          order by version desc limit 201) newest) compared
where differs and is_known and changed_at >= %(start)s
order by version

-- name: requests_of_checks
-- The requests of these checks, which are points of the table between the two times.
select check_id::text, request_id from stringx.check_points
where subject_id = (select subject_id from stringx.subjects where kind = 'table' and target = %(target)s and name = %(table)s)
  and at between %(first)s::timestamptz and %(last)s::timestamptz and check_id = any(%(checks)s::uuid[])

-- name: compared_with
-- The points that a check compared the rule's value with, and their requests: of a table, or of one of a dataset.
select coalesce(
    jsonb_path_query_first(result::jsonb, '$.tables[*] ? (@.table == $table).rules[*] ? (@.id == $rule).baseline.compared_with', named),
    jsonb_path_query_first(result::jsonb, '$.rules[*] ? (@.id == $rule).baseline.compared_with', named), '[]') as points
from stringx.results, jsonb_build_object('table', %(table)s::text, 'rule', %(rule)s::text) as named
where check_id = %(check_id)s

-- name: requests_of
-- The requests of checks, whenever they were.
select check_id::text, request_id from stringx.results where check_id = any(%(checks)s::uuid[])
