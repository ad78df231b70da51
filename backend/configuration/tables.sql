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

-- name: lock_states
-- The present states of tables that are written next, and of datasets with them: all at once, in the order in which the result of a
-- dataset locks them (recording.sql). Locked one after the other as they are written, both could wait for each other.
insert into stringx.subjects (kind, target, name)
select 'table', n.target, n.table_name from jsonb_to_recordset(%(tables)s) as n (target text, table_name text)
where not exists (select 1 from stringx.subjects s where s.kind = 'table' and s.target = n.target and s.name = n.table_name)
order by n.target, n.table_name
on conflict do nothing;
with written as materialized (
    select n.target, n.table_name from jsonb_to_recordset(%(tables)s) as n (target text, table_name text)
), subjects as materialized (
    select 'table' as kind, target, table_name as name from written
    union
    select 'dataset', d.target, d.name from stringx.datasets d cross join lateral unnest(d.tables) as t (table_name)
    join written w on w.target = d.target and w.table_name = t.table_name
)
select count(*) from (
    select from stringx.states s join subjects w on w.kind = s.kind and w.target = s.target and w.name = s.name
    order by s.kind desc, s.subject_id for update of s) as locked

-- name: write
-- Stores each document as the next version of its table; `same_as` is the newest of a hundred versions before that had the very document. The numbers of versions continue after a deletion.
with numbered as (
    select n.*, 1 + coalesce((select max(v.version) from stringx.table_versions v
                              where v.target = n.target and v.table_name = n.table_name), 0) as version
    from jsonb_to_recordset(%(tables)s) as n (target text, table_name text, document jsonb, rules_hash text, effective jsonb,
                                             effective_hash text)
), written as (
    insert into stringx.tables (target, table_name, document, rules_hash, version, as_written, effective, effective_hash, effective_version)
    select target, table_name, document, rules_hash, version, true, effective, effective_hash, version from numbered
    on conflict (target, table_name) do update set
        document = excluded.document, rules_hash = excluded.rules_hash, version = excluded.version,
        effective = excluded.effective, effective_hash = excluded.effective_hash, effective_version = excluded.effective_version,
        as_written = true, updated_at = now()
)
insert into stringx.table_versions as w (target, table_name, version, document, effective, changed_by)
select target, table_name, version, document, effective, %(changed_by)s from numbered
returning target, table_name, version, (select max(o.version) from (
           select p.version, p.document from stringx.table_versions p where p.target = w.target and p.table_name = w.table_name and p.version < w.version
           order by p.version desc limit 100) o where o.document::text = w.document::text) as same_as
