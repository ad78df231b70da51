-- name: point
-- The rule's point of a check, by the index of the rule's points; the baseline says whether it was judged by others.
select p.at, p.status, p.measured, p.baseline is not null as is_judged
from stringx.rule_points p
where p.check_id = %(check_id)s and p.rule_key = (
    select r.rule_key from stringx.subject_rules r join stringx.subjects s on s.subject_id = r.subject_id
    where s.kind = 'table' and s.target = %(target)s and s.name = %(table)s and r.rule_id = %(rule)s)

-- name: of_window
-- The same of a check of a window with all rules, whose points only DataOps keeps unless windows decide the gate: from its result.
select r.at, r.rule ->> 'status' as status, case when jsonb_typeof(r.rule -> 'measured') = 'number' then (r.rule -> 'measured')::float8 end as measured,
       r.rule -> 'baseline' is not null as is_judged
from (select coalesce(snapshot_at, finished_at) as at,
             jsonb_path_query_first(result::jsonb, '$.tables[*] ? (@.table == $table).rules[*] ? (@.id == $rule)', named) as of_dataset,
             jsonb_path_query_first(result::jsonb, '$ ? (@.table == $table).rules[*] ? (@.id == $rule)', named) as of_table
      from stringx.results, jsonb_build_object('table', %(table)s::text, 'rule', %(rule)s::text) as named
      where check_id = %(check_id)s and target = %(target)s and is_window) f
cross join lateral (select f.at, coalesce(f.of_table, f.of_dataset) as rule) r
where r.rule is not null

-- name: set
-- Nothing where it is marked like this already: who marked it first stays. Checks that shared a run share the mark.
insert into stringx.point_marks as m (target, table_name, rule_id, snapshot_at, check_id, mark, note, by, at)
values (%(target)s, %(table)s, %(rule)s, %(snapshot_at)s, %(check_id)s, %(mark)s, %(note)s, %(by)s, clock_timestamp())
on conflict (target, table_name, rule_id, snapshot_at) do update set
    check_id = excluded.check_id, mark = excluded.mark, note = excluded.note, by = excluded.by, at = excluded.at
where m.mark <> excluded.mark or m.note is distinct from coalesce(excluded.note, m.note)

-- name: remove
delete from stringx.point_marks
where target = %(target)s and table_name = %(table)s and rule_id = %(rule)s and snapshot_at = %(snapshot_at)s

-- name: find
select mark, note, by, at from stringx.point_marks
where target = %(target)s and table_name = %(table)s and rule_id = %(rule)s and snapshot_at = %(snapshot_at)s

-- name: of_snapshot
-- The marks of what was checked in one snapshot.
select table_name, rule_id, mark, by, at from stringx.point_marks
where target = %(target)s and table_name = any(%(tables)s::text[]) and snapshot_at = %(snapshot_at)s
