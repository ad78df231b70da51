-- name: compare
-- What writing each of these documents would do to what is stored.
select n.target, n.table_name,
       case when t.document is null then 'created' when t.document = n.document then 'unchanged' else 'updated' end as change
from jsonb_to_recordset(%(tables)s) as n (target text, table_name text, document jsonb)
left join stringx.tables t on t.target = n.target and t.table_name = n.table_name

-- name: write
-- Each document as the next version of its table; versions go on counting after a deletion.
with numbered as (
    select n.*, 1 + coalesce((select max(v.version) from stringx.table_versions v
                              where v.target = n.target and v.table_name = n.table_name), 0) as version
    from jsonb_to_recordset(%(tables)s) as n (target text, table_name text, document jsonb, rules_hash text)
), written as (
    insert into stringx.tables (target, table_name, document, rules_hash, version)
    select target, table_name, document, rules_hash, version from numbered
    on conflict (target, table_name) do update set
        document = excluded.document, rules_hash = excluded.rules_hash, version = excluded.version, updated_at = now()
)
insert into stringx.table_versions (target, table_name, version, document, changed_by)
select target, table_name, version, document, %(changed_by)s from numbered
