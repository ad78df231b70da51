-- name: names
select target, table_name from stringx.configured_tables

-- name: changes
-- Changes since a time that the portal may have to show: new versions of tables (deletions too), new full checks of tables, and
-- changed documents of targets. It uses indexes, so its cost depends on the number of changes, not on the number of tables.
select v.target, v.table_name, 'configured ' || v.version as change from stringx.configuration_changes v where v.changed_at >= %(since)s
union all
select g.name, null, 'target ' || g.version from stringx.configured_targets g where g.updated_at >= %(since)s
union all
select c.target, n.name, c.check_id::text from dataops.checks c cross join lateral unnest(c.tables) n(name)
where c.finished_at >= %(since)s and c.is_full and c.status <> 'canceled'

-- name: fingerprint
-- The versions and the last full check of each of these tables, without reading a document or a result.
select md5(string_agg(concat_ws(' ', t.table_name, t.version, t.target_version, c.check_id), '|' order by t.table_name)) as fingerprint
from stringx.configured_tables t
left join lateral (
    select f.check_id from (
        (select c.check_id, c.finished_at from dataops.checks c
         where c.target = t.target and c.table_name = t.table_name and c.is_full
           and c.finished_at is not null and c.status <> 'canceled'
         order by c.finished_at desc limit 1)
        union all
        (select d.check_id, d.finished_at from dataops.dataset_results d
         where d.target = t.target and d.table_name = t.table_name
         order by d.finished_at desc limit 1)
    ) f order by f.finished_at desc limit 1) c on true
where t.target = %(target)s and t.table_name = any(%(tables)s)

-- name: target
select document from stringx.configured_targets where name = %(target)s

-- name: tables
-- Tables of a target with the last full check of each, of the table itself or of a dataset with it. A result may have 8 MiB, so only
-- its reason is read, the number of rules that did not pass, and the first of these rules.
select t.document, c.verdict, c.finished_at, left(c.result ->> 'reason', 1000) as reason, coalesce(r.findings, '[]') as findings, coalesce(r.not_passed, 0) as not_passed
from stringx.configured_tables t
left join lateral (
    select f.verdict, f.finished_at, f.result from (
        (select c.verdict, c.finished_at, c.result from dataops.checks c
         where c.target = t.target and c.table_name = t.table_name and c.is_full
           and c.finished_at is not null and c.status <> 'canceled'
         order by c.finished_at desc limit 1)
        union all
        (select d.verdict, d.finished_at,
                (select part from json_array_elements(c.result -> 'tables') part where part ->> 'table' = t.table_name)
         from dataops.dataset_results d join dataops.checks c on c.check_id = d.check_id
         where d.target = t.target and d.table_name = t.table_name
         order by d.finished_at desc limit 1)
    ) f order by f.finished_at desc limit 1) c on true
left join lateral (
    select count(*) as not_passed,
           json_agg(json_build_object('id', id, 'status', status, 'message', left(message, 1000)) order by place) filter (where place <= %(most)s) as findings
    from (
        select rule ->> 'id' as id, rule ->> 'status' as status, rule ->> 'message' as message, row_number() over (order by n) as place
        from json_array_elements(c.result -> 'rules') with ordinality as rules(rule, n)
        where rule ->> 'status' <> 'pass' and coalesce(rule ->> 'shadow', 'false') = 'false'
    ) as found) r on true
where t.target = %(target)s and t.table_name = any(%(tables)s)
order by t.table_name

-- name: board
-- The present states of one kind, those that need somebody first, by the index of the Backend's board.
select target, name, state, is_overdue, since, reasons, recent, score, owner, checked_at, waived from stringx.board
where kind = %(kind)s order by rank, target, name limit %(most)s

-- name: counts
select kind, state, count(*) as number from stringx.board group by kind, state
