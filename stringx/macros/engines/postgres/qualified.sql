{#- Names after a dot in SQL of the user's, which PostgreSQL reads as calls where there is no column or field of the name: `t.f` as f(t), `(x).f` as f(x).
    Each is a kind, tables, column and name, as stringx_dataops/contract/custom_sql/qualified.py says; the probe asks for all at once, and only where rules have any. -#}


{#- Adds the names of a rule to `asked`, as [kind, places of its tables among `relations`, column, name]; the rule keeps them by their number. -#}
{% macro stringx_ask_qualified(table, rule, relations, asked) %}
  {%- set found = {} -%}
  {%- for argument, names in rule.spec.qualified.items() -%}
    {%- set own = table.relation if argument == 'where' or not rule.relations or not rule.spec.get('typed') else rule.relations[0] -%}
    {%- for kind, tables, column, name in names -%}
      {%- set places = [] -%}
      {%- for parts in tables -%}
        {%- set relation = own if parts == 'own' else stringx_names(parts) | join('.') -%}
        {%- do places.append(relations.index(relation) + 1 if relation in relations else 0) -%}
      {%- endfor -%}
      {%- do found.update({asked | length: name}) -%}
      {%- do asked.append([kind, '{' ~ places | join(',') ~ '}', column or '', name]) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do rule.update({'qualified': found}) -%}
{% endmacro %}


{#- A SELECT of one JSON list: the numbers of those that are calls. `relations` is a text[] of quoted names. -#}
{% macro stringx_calls(relations, asked) %}
  with recursive asked (number, kind, oids, field, name) as materialized (
    select n - 1, kind, array(select to_regclass(({{ relations }})[place])::oid from unnest(places::integer[]) as place), field, name
    from unnest(array[{{ stringx_literals(asked | map('first')) }}], array[{{ stringx_literals(asked | map(attribute=1)) }}],
                array[{{ stringx_literals(asked | map(attribute=2)) }}], array[{{ stringx_literals(asked | map('last')) }}])
      with ordinality as given (kind, places, field, name, n)
  ), made_of (number, oid) as (
    select number, atttypid from asked join pg_attribute on attrelid = any(oids) and attname = field and attnum > 0 and not attisdropped where kind = 'field'
    union all
    select number, typbasetype from made_of join pg_type on pg_type.oid = made_of.oid where typtype = 'd'
  )
  select coalesce(json_agg(number), '[]') from asked
  where not exists (  -- a column, also of the system's, or a field
    select from pg_attribute
    where attname = name and attnum <> 0 and not attisdropped and attrelid = any(
      case when kind <> 'field' or not exists (select from made_of where made_of.number = asked.number) then oids
           else array(select typrelid from made_of join pg_type on pg_type.oid = made_of.oid where made_of.number = asked.number and typtype = 'c') end))
    and case kind
        when 'call' then exists (
          select from pg_proc where proname = name and (provariadic <> 0 or pronargs >= 1 and pronargs - pronargdefaults <= 1))
        when 'row' then exists (
          select from pg_proc join pg_type on pg_type.oid = proargtypes[0]
          where proname = name and pronamespace <> 'pg_catalog'::regnamespace and (provariadic <> 0 or pronargs - pronargdefaults <= 1)
            and (typtype in ('c', 'd') or typtype = 'p' and typname in ('record', 'any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray')))
        else true end
{%- endmacro %}


{% macro stringx_called(name) %}
  {{- return('"' ~ name ~ '" stands after a dot and is no column there; PostgreSQL would call a function of that name') -}}
{% endmacro %}
