{#- What the catalog knows of a table that is profiled. -#}

{#- A SELECT of one JSON list of one object: {relation, may_be_sampled, comment, columns: [{name, type, comment, not_null, is_generated, is_identity, readable, plain, enum}],
    constraints: [{name, kind, columns, definition, is_valid, is_whole}], foreign_keys}; an empty list if the table is gone. `plain`: equal texts are the same text. `is_whole`: it
    holds for all rows that are read, also those of tables that inherit. Words are cut after 1,001 characters, labels after 1,001. -#}
{% macro stringx_catalog(relation) %}
  {%- set names = "(select coalesce(json_agg(attname order by place), '[]') from unnest(%s) with ordinality as k (attnum, place) join pg_attribute on attrelid = %s and pg_attribute.attnum = k.attnum)" -%}
  select coalesce(json_agg(json_build_object(
    'relation', case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
    'may_be_sampled', c.relkind in ('r', 'p', 'm'),
    'comment', left(obj_description(c.oid, 'pg_class'), 1001),
    'columns', (
      select coalesce(json_agg(json_build_object(
        'name', a.attname, 'type', left(format_type(a.atttypid, a.atttypmod), 201), 'comment', left(col_description(a.attrelid, a.attnum), 1001),
        'not_null', a.attnotnull or t.typnotnull, 'is_generated', a.attgenerated <> '', 'is_identity', a.attidentity <> '',
        'readable', has_column_privilege(c.oid, a.attnum, 'select'),
        'plain', t.typnamespace = 'pg_catalog'::regnamespace and coalesce((select collisdeterministic from pg_collation where oid = a.attcollation), true),
        'enum', (select json_agg(enumlabel order by enumsortorder) from (
                   select enumlabel, enumsortorder from pg_enum
                   where enumtypid = case t.typtype when 'd' then t.typbasetype else t.oid end order by enumsortorder limit 1001) as labels)
      ) order by a.attnum), '[]')
      from pg_attribute as a join pg_type as t on t.oid = a.atttypid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'constraints', (
      select coalesce(json_agg(json_build_object('name', name, 'kind', kind, 'columns', columns, 'definition', left(definition, 1001), 'is_valid', is_valid, 'is_whole', is_whole)
                               order by kind <> 'primary_key', kind <> 'unique', name), '[]')
      from (
        select conname::text as name, case contype when 'p' then 'primary_key' when 'u' then 'unique' when 'x' then 'exclusion' else 'check' end as kind,
               {{ names | format('conkey', 'conrelid') }} as columns, pg_get_constraintdef(oid) as definition, convalidated as is_valid,
               not condeferrable and (c.relkind = 'p' or not c.relhassubclass) as is_whole
        from pg_constraint where conrelid = c.oid and contype in ('p', 'u', 'x', 'c')
        union all
        select indexrelid::regclass::text, 'unique', {{ names | format('indkey[0:indnkeyatts - 1]', 'indrelid') }}, pg_get_indexdef(indexrelid), true,
               c.relkind = 'p' or not c.relhassubclass
        from pg_index
        where indrelid = c.oid and indisunique and indisvalid and indpred is null and indexprs is null
          and not exists (select from pg_constraint where conindid = indexrelid and conrelid = c.oid)
        order by 2, 1 limit 1000) as known),
    'foreign_keys', (
      select coalesce(json_agg(json_build_object(
        'name', conname, 'columns', {{ names | format('conkey', 'conrelid') }}, 'other_schema', (select nspname from pg_namespace where oid = o.relnamespace), 'other_name', o.relname,
        'other_columns', {{ names | format('confkey', 'confrelid') }}, 'is_valid', convalidated) order by conname), '[]')
      from (select * from pg_constraint where conrelid = c.oid and contype = 'f' and conparentid = 0 order by conname limit 1000) as f join pg_class as o on o.oid = f.confrelid)
  )), '[]')::text
  from pg_class as c where c.oid = to_regclass({{ stringx_literal(relation) }})
{% endmacro %}


{#- The server's plan for reading all rows; stringx_estimated reads their number from it, none if it cannot. -#}
{% macro stringx_estimate(relation) %}
  {{- return('explain (format json) select 1 from ' ~ relation) -}}
{% endmacro %}

{% macro stringx_estimated(plan) %}
  {{- return(none if plan is mapping or not plan else plan[0]['Plan']['Plan Rows']) -}}
{% endmacro %}


{#- The snapshot's moment, and those 1 h, 1 d, 7 d and 30 d before it, in the time zone of the table's document: a JSON list of three lists, each for moments with a zone,
    without one, and days. As constants they cost a scan less than now() does. -#}
{% macro stringx_moments() %}
  select json_build_array(json_agg(moment::text order by place), json_agg(moment::timestamp::text order by place), json_agg(moment::date::text order by place))::text
  from unnest(array[now(), now() - interval '1 hour', now() - interval '24 hours', now() - interval '168 hours', now() - interval '720 hours']) with ordinality as m (moment, place)
{% endmacro %}
