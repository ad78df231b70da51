{#- Columns that were added or removed, or have another type, since the check before: `before` of the specification has its columns and types.
    A type is told by its own schema, so that it does not depend on what is searched. -#}
{% macro stringx_rule__schema_change(rule, scope) %}
  {%- set before = rule.get('before') -%}
  {%- set kinds = ['added', 'removed', 'retyped'] | reject('in', rule.arguments.get('allow', [])) | list -%}
  {%- set earlier = stringx_literal(tojson(before.state.columns)) ~ '::json' if before else "'{}'::json" -%}
  {%- set statement -%}
    with there as (
           select attributes.place, attributes.name,
                  case when schemas.nspname = 'pg_catalog' then written
                  else quote_ident(schemas.nspname) || '.' || quote_ident(types.typname) || coalesce(substring(written from '[(][^"]*[)]'), '')
                       || case when element is null then '' else '[]' end end as type
           from (select *, format_type(atttypid, atttypmod) as written,
                        (select typelem from pg_catalog.pg_type where oid = atttypid and typcategory = 'A' and typelem <> 0) as element
                 from ({{ stringx_attributes(scope) }}) as own) as attributes
           join pg_catalog.pg_type as types on types.oid = coalesce(element, atttypid)
           join pg_catalog.pg_namespace as schemas on schemas.oid = types.typnamespace),
         earlier as (select key collate "C" as name, value as type from json_each_text({{ earlier }})),
         changed as (
           select name, there.place,
                  case when earlier.type is null then 'added' when there.type is null then 'removed' else 'retyped' end as kind,
                  case when earlier.type is null or there.type is null then name else name || ' from ' || earlier.type || ' to ' || there.type end as told
           from there full join earlier using (name)
           where {{ 'earlier.type is distinct from there.type' if before else 'false' }}),
         wrong as (select * from changed where kind in ({{ stringx_literals(kinds or ['']) }}))
    select (select count(*) from wrong) as failures, null as measured,
           (select coalesce(json_object_agg(kind, names), '{}'::json)::jsonb
            from (select kind, json_agg(left(told, 300) order by place, name) as names
                  from (select *, row_number() over (partition by kind order by place, name) as n from wrong) as numbered
                  where n <= 11  -- one more than a message names
                  group by kind) as by_kind) || {{ stringx_literal(tojson({'at': before.at} if before else {'first': 'there is no earlier check to compare with'})) }}::jsonb as found,
           json_build_object('columns', (select json_object_agg(name, type order by name) from there)) as remember
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'none', 'found': true, 'remembers': true}) -}}
{% endmacro %}
