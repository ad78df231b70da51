{#- The statements of samples (common/samples.sql). -#}

{#- A JSON list of those of the columns that the relation does not have. -#}
{% macro stringx_absent(relation, columns) %}
select coalesce(json_agg(shown.name), '[]')::text from unnest(array[{{ stringx_literals(columns) }}]::text[]) as shown(name)
where not exists (
  select from pg_catalog.pg_attribute
  where attrelid = {{ stringx_literal(relation) }}::pg_catalog.regclass and attname = shown.name and attnum > 0 and not attisdropped)
{% endmacro %}


{#- A text in the order of its characters, as every server sorts it; and a value, in the order of its text. -#}
{% macro stringx_in_order(text) %}{{- return(text ~ ' collate "C"') -}}{% endmacro %}
{% macro stringx_text_in_order(value, fact) %}{{- return('cast(' ~ value ~ ' as text) collate "C"') -}}{% endmacro %}


{#- {sql, columns} of the rows of a query: `shown` columns, as far as they exist. -#}
{% macro stringx_sample_of_query(rule, query, shown, state, limit, room) %}
  {%- set order = [] -%}
  {%- for column in shown -%}{%- do order.append('stringx_row -> ' ~ stringx_literal(column)) -%}{%- endfor -%}
  {%- set ordered = 'select violating.* from (' ~ query ~ '\n) as violating, lateral (select array[' ~ order | join(', ')
                    ~ '] as keys from to_jsonb(violating.*) as stringx_row offset 0) as stringx_order order by stringx_order.keys' ~ limit -%}
  {{- return({'sql': stringx_ctes(rule, state) ~ stringx_as_rows(ordered, shown, room), 'columns': none}) -}}
{% endmacro %}


{#- The rows of a query as JSON (stringx_as_rows): its columns [(name, fact)], and one more that is a number, or none. -#}
{% macro stringx_rows_as_json(query, columns, number, room) %}
  {%- set values = [] -%}
  {%- for name, fact in columns -%}{%- do values.append(stringx_short('chosen.' ~ name) ~ ' as ' ~ name) -%}{%- endfor -%}
  {%- do values.append('chosen.' ~ number) if number is not none -%}
  {{- return(stringx_as_rows('select ' ~ values | join(', ') ~ ' from (' ~ query ~ ') as chosen', none, room)) -}}
{% endmacro %}


{#- A value as JSON, or the beginning of its text if it is large: no JSON is made of a value that is cut anyway. -#}
{% macro stringx_short(value) %}
  {{- return('case when pg_column_size(' ~ value ~ ') > 2000 then to_json(left(' ~ value ~ '::text, 201)) else to_json(' ~ value ~ ') end') -}}
{% endmacro %}


{#- The rows of a query, as many as there is `room` for, and whether there are more: lists in the order of its columns, or, if `only` is given, objects of
    these columns as far as they exist. Values that JSON would change or cannot hold become texts: numbers of more than 15 digits, and all that
    PostgreSQL itself writes as text. -#}
{% macro stringx_as_rows(query, only, room) %}
{%- set value -%}
case
      when json_typeof(field.value) in ('null', 'boolean') then field.value
      when json_typeof(field.value) = 'number' and length(regexp_replace(field.value::text, '[^0-9]', '', 'g')) <= 15 then field.value
      when json_typeof(field.value) in ('array', 'object') and length(field.value::text) <= 200 and field.value::text !~ '[0-9.]{17}' then field.value
      when length(field.value #>> '{}') > 200 then to_json(left(field.value #>> '{}', 200) || '...')
      else to_json(field.value #>> '{}') end
{%- endset -%}
select json_build_array(coalesce(json_agg(sized.shown order by sized.n) filter (where sized.bytes <= {{ room }}), '[]'),
                        coalesce(bool_or(sized.bytes > {{ room }}), false))::text
from (
  select numbered.n, one.shown, sum(octet_length(one.shown::text)) over (order by numbered.n) as bytes
  from (select row_number() over () as n, to_json(found.*) as whole from ({{ query }}
  ) as found) as numbered,
  lateral (
    select {% if only is none -%}
      json_agg({{ value }} order by field.place)
    {%- else -%}
      json_object_agg(field.key, {{ value }} order by array_position(array[{{ stringx_literals(only) }}]::text[], field.key))
    {%- endif %} as shown
    from json_each(numbered.whole) with ordinality as field(key, value, place)
    {%- if only is not none %}
    where field.key in ({{ stringx_literals(only) }})
    {%- endif %}
  ) as one
  where one.shown is not null
) as sized
{% endmacro %}
