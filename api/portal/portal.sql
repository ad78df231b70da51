-- name: targets
select name, document from stringx.targets order by name

-- name: tables
-- Every configured table with the end of its last full check.
select t.target, t.table_name, t.document, t.version, c.check_id, c.verdict, c.finished_at, c.result
from stringx.configured_tables t
left join lateral (
    select check_id, verdict, finished_at, result from dataops.checks c
    where c.target = t.target and c.table_name = t.table_name and c.is_full
      and c.finished_at is not null and c.status <> 'canceled'
    order by c.finished_at desc limit 1) c on true
order by t.target, t.table_name
