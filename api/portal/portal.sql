-- name: fingerprints
-- Looked at every few seconds, so no document and no result is read: versions and the last full check of each table.
select t.target, md5(string_agg(concat_ws(' ', t.table_name, t.version, t.target_version, c.check_id), '|'
                                order by t.table_name)) as fingerprint
from stringx.configured_tables t
left join lateral (
    select check_id from dataops.checks c
    where c.target = t.target and c.table_name = t.table_name and c.is_full
      and c.finished_at is not null and c.status <> 'canceled'
    order by c.finished_at desc limit 1) c on true
group by t.target

-- name: tables
-- A target's tables with the end of each one's last full check.
select t.document, t.target_document, c.verdict, c.finished_at, c.result
from stringx.configured_tables t
left join lateral (
    select verdict, finished_at, result from dataops.checks c
    where c.target = t.target and c.table_name = t.table_name and c.is_full
      and c.finished_at is not null and c.status <> 'canceled'
    order by c.finished_at desc limit 1) c on true
where t.target = %(target)s
order by t.table_name
