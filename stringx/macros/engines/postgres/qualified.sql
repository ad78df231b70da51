{#- Names after a dot in custom SQL. PostgreSQL reads them as calls if there is no column or field of the name: `t.f` as f(t), `(x).f` as f(x).
    stringx_dataops/contract/custom_sql/postgres/qualified.py says what each consists of: a kind, tables, column and name. The probe looks up all at once, and only if rules have any. -#}


{#- The names of a rule, [{rule: its key, kind, places: of the tables among `relations`, from 1, as the text of an array, field, name}]. -#}
{% macro stringx_qualified(table, rule, relations) %}
  {%- set qualified = [] -%}
  {%- for argument, names in rule.spec.qualified.items() -%}
    {%- set own = table.relation if argument == 'where' or not rule.relations or not rule.spec.get('typed') else rule.relations[0] -%}
    {%- for kind, tables, column, name in names -%}
      {%- set places = [] -%}
      {%- for parts in tables -%}
        {%- set relation = own if parts == 'own' else stringx_names(parts) | join('.') -%}
        {%- do places.append(relations.index(relation) + 1 if relation in relations else 0) -%}
      {%- endfor -%}
      {%- do qualified.append({'rule': table.number ~ '/' ~ rule.number, 'kind': kind, 'places': '{' ~ places | join(',') ~ '}', 'field': column or '', 'name': name}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(qualified) -}}
{% endmacro %}


{#- {rule_key: the first of its names that is a call}, from the numbers of those that are. -#}
{% macro stringx_called_names(qualified, numbers) %}
  {%- set called = {} -%}
  {%- for number in numbers | sort -%}{%- do called.setdefault(qualified[number].rule, qualified[number].name) -%}{%- endfor -%}
  {{- return(called) -}}
{% endmacro %}


{#- A SELECT of one JSON list: the numbers of the names that are calls. `relations` is a text[] of quoted names. -#}
{% macro stringx_calls(relations, qualified) %}
  with recursive wanted (number, kind, oids, field, name) as materialized (
    select n - 1, kind, array(select to_regclass(({{ relations }})[place])::oid from unnest(places::integer[]) as place), field, name
    from unnest(array[{{ stringx_literals(qualified | map(attribute='kind')) }}], array[{{ stringx_literals(qualified | map(attribute='places')) }}],
                array[{{ stringx_literals(qualified | map(attribute='field')) }}], array[{{ stringx_literals(qualified | map(attribute='name')) }}])
      with ordinality as given (kind, places, field, name, n)
  ), made_of (number, oid) as (
    select number, atttypid from wanted join pg_attribute on attrelid = any(oids) and attname = field and attnum > 0 and not attisdropped where kind = 'field'
    union all
    select number, typbasetype from made_of join pg_type on pg_type.oid = made_of.oid where typtype = 'd'
  )
  select coalesce(json_agg(number), '[]') from wanted
  where not exists (  -- a column, a system column too, or a field
    select from pg_attribute
    where attname = name and attnum <> 0 and not attisdropped and attrelid = any(
      case when kind <> 'field' or not exists (select from made_of where made_of.number = wanted.number) then oids
           else array(select typrelid from made_of join pg_type on pg_type.oid = made_of.oid where made_of.number = wanted.number and typtype = 'c') end))
    and case kind
        when 'call' then exists (
          select from pg_proc where proname = name and (provariadic <> 0 or pronargs >= 1 and pronargs - pronargdefaults <= 1))
        when 'row' then exists (
          select from pg_proc join pg_type on pg_type.oid = proargtypes[0]
          where proname = name and pronamespace <> 'pg_catalog'::regnamespace and (provariadic <> 0 or pronargs - pronargdefaults <= 1)
            and (typtype in ('c', 'd') or typtype = 'p' and typname in ('record', 'any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray')))
        else true end
{%- endmacro %}


{#- Why a rule with such a call is not run. -#}
{% macro stringx_called(name) %}
  {{- return('"' ~ name ~ '" stands after a dot and is no column there; PostgreSQL would call a function of that name') -}}
{% endmacro %}
