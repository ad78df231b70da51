-- name: compare
-- The change that writing each of these documents would make, and the stored document if its rules may have another effect.
-- They are compared as texts, because 1.0 = 1 in jsonb.
select n.target, n.table_name, t.rules_hash, t.as_written,
       case when t.document is null then 'created' when d.differs then 'updated' else 'unchanged' end as change,
       case when d.decides then t.document end as document
from jsonb_to_recordset(%(tables)s) as n (target text, table_name text, document jsonb)
left join stringx.tables t on t.target = n.target and t.table_name = n.table_name
cross join lateral (
    select not t.as_written or t.document::text <> n.document::text as differs,
           not t.as_written
           or jsonb_build_array(t.document -> 'rules', t.document -> 'timezone', t.document -> 'on_empty')::text
              <> jsonb_build_array(n.document -> 'rules', n.document -> 'timezone', n.document -> 'on_empty')::text as decides
) d

-- name: write
-- Stores each document as the next version of its table. The numbers of versions continue after a deletion.
with numbered as (
    select n.*, 1 + coalesce((select max(v.version) from stringx.table_versions v
                              where v.target = n.target and v.table_name = n.table_name), 0) as version
    from jsonb_to_recordset(%(tables)s) as n (target text, table_name text, document jsonb, rules_hash text)
), written as (
    insert into stringx.tables (target, table_name, document, rules_hash, version, as_written)
    select target, table_name, document, rules_hash, version, true from numbered
    on conflict (target, table_name) do update set
        document = excluded.document, rules_hash = excluded.rules_hash, version = excluded.version,
        as_written = true, updated_at = now()
)
insert into stringx.table_versions (target, table_name, version, document, changed_by)
select target, table_name, version, document, %(changed_by)s from numbered
