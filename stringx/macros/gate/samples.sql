{#- Failing rows of the rules that found some: the key and the allowed columns, as many as the table's document says,
    in the order of the key. {name: {sql, timezone}}; none for a table without a key. -#}
{% macro stringx_samples(tables, outcome) %}
  {%- set slots = {} -%}
  {%- for table in tables if table.spec.key and table.spec.sample_rows -%}
    {%- set found = outcome.tables[loop.index0].rules -%}
    {%- for rule in table.rules -%}
      {%- if found[rule.number].status in ('warn', 'fail') and found[rule.number].failures -%}
        {%- do slots.update({table.number ~ '/shown': {'sql': stringx_absent(table), 'timezone': table.spec.timezone}}) -%}
        {%- set sql = stringx_sample(table, rule) -%}
        {%- if sql is not none -%}
          {%- do slots.update({table.number ~ '/' ~ rule.number: {'sql': sql, 'timezone': table.spec.timezone}}) -%}
        {%- endif -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(slots) -}}
{% endmacro %}


{#- A JSON list of columns of `key` and `sample_columns` that the table does not have. -#}
{% macro stringx_absent(table) %}
select coalesce(json_agg(shown.name), '[]')::text from unnest(array[{{ stringx_literals(stringx_shown(table)) }}]::text[]) as shown(name)
where not exists (
  select from pg_catalog.pg_attribute
  where attrelid = {{ stringx_literal(table.relation) }}::pg_catalog.regclass and attname = shown.name and attnum > 0 and not attisdropped)
{% endmacro %}


{#- A sample that could not be read is left out: the counts stand without it. Columns that are not there are noted. -#}
{% macro stringx_add_samples(outcome, values) %}
  {%- for key, absent in values.items() if key.endswith('/shown') -%}
    {%- if absent is sequence and absent is not mapping and absent -%}
      {%- do outcome.tables[key.split('/')[0] | int].notes.append(
        'there are no samples: key or sample_columns name what is no column of the table: ' ~ modules.re.sub('\\s+', ' ', absent | join(', '))) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for key, rows in values.items() if rows is sequence and rows is not mapping and rows and not key.endswith('/shown') -%}
    {%- set place = key.split('/') -%}
    {%- set columns = rows[0] | list -%}
    {%- set found = [] -%}
    {%- for row in rows -%}{%- do found.append(row.values() | list) -%}{%- endfor -%}
    {%- do outcome.tables[place[0] | int].rules[place[1] | int].update({'sample': {'columns': columns, 'rows': found}}) -%}
  {%- endfor -%}
{% endmacro %}


{#- The key, then the sample columns, each once. -#}
{% macro stringx_shown(table) %}
  {%- set shown = [] -%}
  {%- for column in table.spec.key + table.spec.sample_columns if column not in shown -%}{%- do shown.append(column) -%}{%- endfor -%}
  {{- return(shown) -}}
{% endmacro %}


{#- The query of a rule's sample, or none where its failures are no rows. What a macro gives under `sample`: `from`, `where`
    and the `alias` of the checked table in it; `query`, rows of which the shown columns that are there are taken; or
    `keys`, a query of the rule's own columns and a count, shown where all of them may be. -#}
{% macro stringx_sample(table, rule) %}
  {%- set shown = stringx_shown(table) -%}
  {%- set limit = ' limit ' ~ table.spec.sample_rows | int -%}
  {%- set rows_of_scan = {'from': rule.scope.relation, 'where': stringx_all([rule.scope.both, '(' ~ rule.sql.violation ~ ')'])} if 'violation' in rule.sql else none -%}
  {%- set given = rule.sql.get('sample', rows_of_scan) -%}
  {%- if not given -%}{{- return(none) -}}{%- endif -%}
  {%- if 'keys' in given -%}
    {%- for column in rule.spec.columns if column not in shown -%}{{- return(none) -}}{%- endfor -%}
    {{- return(stringx_as_rows(given['keys'] ~ limit, none)) -}}
  {%- elif 'query' in given -%}
    {%- set order = [] -%}
    {%- for column in shown -%}{%- do order.append('to_jsonb(violating) -> ' ~ stringx_literal(column)) -%}{%- endfor -%}
    {{- return(stringx_as_rows('select * from (' ~ given.query ~ '\n) as violating order by ' ~ order | join(', ') ~ limit, shown)) -}}
  {%- endif -%}
  {%- set alias = given.alias ~ '.' if 'alias' in given else '' -%}
  {%- set columns = [] -%}
  {%- set order = [] -%}
  {%- for column in shown -%}
    {%- do columns.append(alias ~ stringx_name(column)) -%}
    {%- do order.append(alias ~ stringx_name(column) if column in table.spec.key else alias ~ stringx_name(column) ~ '::text collate "C"') -%}
  {%- endfor -%}
  {%- set rows = 'select ' ~ columns | join(', ') ~ ' from ' ~ given['from'] ~ stringx_where(given.where) ~ ' order by ' ~ order | join(', ') ~ limit -%}
  {{- return(stringx_as_rows(rows, none)) -}}
{% endmacro %}


{#- The rows of a query as one JSON list of objects, of `only` these columns where given. What JSON would change or has no
    form for becomes text: numbers of more than 15 digits, and whatever PostgreSQL itself writes as text. -#}
{% macro stringx_as_rows(query, only) %}
select coalesce(json_agg(one.shown order by numbered.n), '[]')::text
from (select row_number() over () as n, to_json(found) as whole from ({{ query }}
  ) as found) as numbered,
  lateral (
    select json_object_agg(field.key, case
      when json_typeof(field.value) in ('null', 'boolean') then field.value
      when json_typeof(field.value) = 'number' and length(regexp_replace(field.value::text, '[^0-9]', '', 'g')) <= 15 then field.value
      when json_typeof(field.value) in ('array', 'object') and length(field.value::text) <= 200 and field.value::text !~ '[0-9.]{17}' then field.value
      when length(field.value #>> '{}') > 200 then to_json(left(field.value #>> '{}', 200) || '...')
      else to_json(field.value #>> '{}') end order by {{ 'field.place' if only is none else 'array_position(array[' ~ stringx_literals(only) ~ ']::text[], field.key)' }}) as shown
    from json_each(numbered.whole) with ordinality as field(key, value, place)
    {%- if only is not none %}
    where field.key in ({{ stringx_literals(only) }})
    {%- endif %}
  ) as one
where one.shown is not null
{% endmacro %}
