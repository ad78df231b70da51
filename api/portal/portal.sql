-- name: fingerprints
-- Looked at every few seconds, so no document and no result is read: versions and the last full check of each table.
select t.target, md5(string_agg(concat_ws(' ', t.table_name, t.version, t.target_version, c.check_id), '|'
                                order by t.table_name)) as fingerprint
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
group by t.target

-- name: tables
-- A target's tables with the end of each one's last full check, of the table or of a dataset that held it.
select t.document, t.target_document, c.verdict, c.finished_at, c.result
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
where t.target = %(target)s
order by t.table_name
