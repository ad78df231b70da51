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
-- The requests of these checks, which are points of the table between the two times, and the window that each looked at.
select check_id::text, request_id, (select q.body -> 'window' from stringx.requests q where q.request_id = stringx.check_points.request_id) as "window"
from stringx.check_points
where subject_id = (select subject_id from stringx.subjects where kind = 'table' and target = %(target)s and name = %(table)s)
  and at between %(first)s::timestamptz and %(last)s::timestamptz and check_id = any(%(checks)s::uuid[])

-- name: groups
-- The groups of rules that a check decided for each group: of a table, or of one of a dataset.
select e.rule ->> 'id' as rule_id, e.rule -> 'groups' as groups, (e.rule ->> 'group_count')::integer as group_count,
       (e.rule ->> 'groups_failing')::integer as groups_failing
from stringx.results s
cross join lateral json_array_elements(case when s.table_name is not null then s.result -> 'rules' else (
    select t.part -> 'rules' from json_array_elements(s.result -> 'tables') as t (part) where t.part ->> 'table' = %(table)s limit 1) end)
    as e (rule)
where s.check_id = %(check_id)s and e.rule ->> 'id' = any(%(rules)s) and json_typeof(e.rule -> 'groups') = 'array'

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
