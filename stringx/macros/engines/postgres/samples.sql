{#- The statements of samples. A column of the table is never in one scope with a name of these macros: it gets another name (c1, c2, …) where it
    is read. -#}

{#- A JSON list of those of the columns that the relation does not have. -#}
{% macro stringx_absent(relation, columns) %}
select coalesce(json_agg(shown.name), '[]')::text from unnest(array[{{ stringx_literals(columns) }}]::text[]) as shown(name)
where not exists (
  select from pg_catalog.pg_attribute
  where attrelid = {{ stringx_literal(relation) }}::pg_catalog.regclass and attname = shown.name and attnum > 0 and not attisdropped)
{% endmacro %}


{#- {sql, columns} of a rule's sample, or none if its failures are no rows. A macro gives under `sample` the parts of stringx_counted; or
    `query`, which returns rows, of which the shown columns are taken as far as they exist; or `keys`, a query of the rule's own columns and a
    count, shown if all of them may be. `shown`: the key and the sample columns. `room`: bytes of its rows. -#}
{% macro stringx_sample(table, rule, shown, state, room) %}
  {%- set limit = ' limit ' ~ table.spec.sample_rows | int -%}
  {%- set violating = {'inside': '(' ~ rule.sql.violation ~ ')'} if 'violation' in rule.sql else none -%}
  {%- set given = rule.sql.get('sample', violating) -%}
  {%- if not given -%}{{- return(none) -}}{%- endif -%}
  {%- if 'keys' in given -%}
    {%- set named = given.get('columns', rule.spec.columns) -%}
    {%- for column in named if column not in shown -%}{{- return(none) -}}{%- endfor -%}
    {%- set keys = [] -%}
    {%- for column in named -%}{%- do keys.append(stringx_short('chosen.k' ~ loop.index) ~ ' as k' ~ loop.index) -%}{%- endfor -%}
    {{- return({'sql': stringx_as_rows('select ' ~ keys | join(', ') ~ ', chosen.everywhere from (' ~ given['keys'] ~ limit ~ ') as chosen', none, room),
                'columns': named + ['count(*)' if 'count' in named else 'count']}) -}}
  {%- elif 'query' in given -%}
    {%- set order = [] -%}
    {%- for column in shown -%}{%- do order.append('stringx_row -> ' ~ stringx_literal(column)) -%}{%- endfor -%}
    {%- set ordered = 'select violating.* from (' ~ given.query ~ '\n) as violating, lateral (select array[' ~ order | join(', ')
                      ~ '] as keys from to_jsonb(violating.*) as stringx_row offset 0) as stringx_order order by stringx_order.keys' ~ limit -%}
    {{- return({'sql': stringx_ctes(rule, state) ~ stringx_as_rows(ordered, shown, room), 'columns': none}) -}}
  {%- endif -%}
  {%- set read = [] -%}
  {%- set columns = [] -%}
  {%- set values = [] -%}
  {%- set order = [] -%}
  {%- for column in shown -%}
    {%- set name = 'c' ~ loop.index -%}
    {#- the table's name alone would be the whole row; a name after a dot that is no column would be a function of the row -#}
    {%- set owner = rule.scope.relation ~ '.' if column == table.spec.name else '' -%}
    {%- do read.append(owner ~ stringx_name(column) ~ ' as ' ~ name) -%}
    {%- do columns.append('checked.' ~ name) -%}
    {%- do values.append(stringx_short('chosen.' ~ name) ~ ' as ' ~ name) -%}
    {%- do order.append('checked.' ~ name if column in table.spec.key else 'checked.' ~ name ~ '::text collate "C"') -%}
  {%- endfor -%}
  {%- set rows = given.get('with', '') ~ 'select ' ~ columns | join(', ') ~ ' from ' ~ stringx_checked(rule.scope, given, read) ~ ' order by ' ~ order | join(', ') ~ limit -%}
  {{- return({'sql': stringx_as_rows('select ' ~ values | join(', ') ~ ' from (' ~ rows ~ ') as chosen', none, room), 'columns': shown}) -}}
{% endmacro %}


{#- Rows of the checked table and which of them violate, by parts: `select`, expressions over the table's columns under names of the macro's own; `inside`, a
    condition on the table's columns; `with`, common table expressions; `join`, what follows the rows in FROM; `where`, a condition on
    those names, as columns of `checked`. The count and the sample are made of the same parts, so that both are about the same rows, and so is `of_groups`,
    a statement of {g1, …, total: 0, failures} for a rule with `per`. -#}
{% macro stringx_counted(scope, parts) %}
  {%- set counted = {'statement': parts.get('with', '') ~ 'select count(*) as failures, null as measured from ' ~ stringx_checked(scope, parts, []), 'sample': parts} -%}
  {%- if scope.per -%}
    {%- set keys = stringx_keys_of_groups(scope.per, 'checked.') | join(', ') -%}
    {%- do counted.update({'of_groups': parts.get('with', '') ~ 'select ' ~ keys ~ ', 0 as total, count(*) as failures from '
                                        ~ stringx_checked(scope, parts, stringx_named_keys(scope.per)) ~ ' group by ' ~ keys}) -%}
  {%- endif -%}
  {{- return(counted) -}}
{% endmacro %}


{% macro stringx_checked(scope, parts, more) %}
  {%- set read = parts.get('select', []) + more -%}
  {{- return('(select ' ~ read | join(', ') ~ ' from ' ~ scope.relation ~ stringx_where(stringx_all([scope.both, parts.get('inside')])) ~ ') as checked'
             ~ parts.get('join', '') ~ stringx_where(parts.get('where'))) -}}
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
