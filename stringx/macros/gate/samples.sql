{#- Failing rows of the rules that found some: the key and the allowed columns, as many as the table's document says,
    in the order of the key. {name: {sql, timezone, path, columns}}, `columns` none where the rows say which they have; none for a table without a key.

    All together have room for 8 MiB, one of them for 256 KiB: rows behind that are left out (`cut`). A sample that would bring the number of
    columns that are read to more than 20,000 is left out (`sample_dropped`).

    A column of the user's is never in one scope with a name of ours: it is given another (c1, c2, …) where it is read. -#}
{% macro stringx_samples(tables, state, outcome) %}
  {%- set slots = {} -%}
  {%- set wanted = [] -%}
  {%- set left = namespace(columns=20000) -%}
  {%- for table in tables if table.spec.key and table.spec.sample_rows -%}
    {%- set width = (table.spec.key + table.spec.sample_columns) | length -%}
    {%- set outcomes = outcome.tables[table.number].rules -%}
    {%- for rule in table.rules if outcomes[rule.number].status in ('warn', 'fail') and outcomes[rule.number].failures and ('violation' in rule.sql or rule.sql.sample) -%}
      {%- set left.columns = left.columns - width -%}
      {%- if left.columns >= 0 -%}{%- do wanted.append((table, rule)) -%}{%- else -%}{%- do outcomes[rule.number].update({'sample_dropped': true}) -%}{%- endif -%}
    {%- endfor -%}
    {%- if left.columns < 0 and outcomes | selectattr('sample_dropped', 'defined') | list -%}
      {%- do outcome.tables[table.number].notes.append('samples are left out (sample_dropped): those of all rules would show more than 20,000 columns') -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set room = [262144, 8388608 // (wanted | length or 1)] | min -%}
  {%- for table, rule in wanted -%}
    {%- do slots.update({table.number ~ '/shown': {'sql': stringx_absent(table), 'timezone': table.spec.timezone}}) -%}
    {%- set sample = stringx_sample(table, rule, state, room) -%}
    {%- if sample is not none -%}
      {%- do slots.update({table.number ~ '/' ~ rule.number: dict(sample, timezone=table.spec.timezone, path=state.path if rule.runs_custom else none)}) -%}
    {%- endif -%}
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
{% macro stringx_add_samples(outcome, samples, values) %}
  {%- for key, absent in values.items() if key.endswith('/shown') -%}
    {%- if absent is sequence and absent is not mapping and absent -%}
      {%- do outcome.tables[key.split('/')[0] | int].notes.append(
        'there are no samples: key or sample_columns name what is no column of the table: ' ~ modules.re.sub('\\s+', ' ', absent | join(', '))) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for key, read in values.items() if read is sequence and read is not mapping and not key.endswith('/shown') and (read[0] or read[1]) -%}
    {%- set rows, cut = read -%}
    {%- set place = key.split('/') -%}
    {%- set columns = samples[key].columns -%}
    {%- set found = [] -%}
    {%- for row in rows -%}{%- do found.append(row if columns is not none else row.values() | list) -%}{%- endfor -%}
    {%- set sample = {'columns': columns or (rows[0] | list if rows else []), 'rows': found} -%}
    {%- do sample.update({'cut': true}) if cut -%}
    {%- do outcome.tables[place[0] | int].rules[place[1] | int].update({'sample': sample}) -%}
  {%- endfor -%}
{% endmacro %}


{#- The key, then the sample columns, each once. -#}
{% macro stringx_shown(table) %}
  {%- set shown = [] -%}
  {%- for column in table.spec.key + table.spec.sample_columns if column not in shown -%}{%- do shown.append(column) -%}{%- endfor -%}
  {{- return(shown) -}}
{% endmacro %}


{#- {sql, columns} of a rule's sample, or none where its failures are no rows. What a macro gives under `sample`: the parts of stringx_counted;
    `query`, rows of which the shown columns that are there are taken; or `keys`, a query of the rule's own columns and a
    count, shown where all of them may be. `room`: bytes of its rows. -#}
{% macro stringx_sample(table, rule, state, room) %}
  {%- set shown = stringx_shown(table) -%}
  {%- set limit = ' limit ' ~ table.spec.sample_rows | int -%}
  {%- set violating = {'inside': '(' ~ rule.sql.violation ~ ')'} if 'violation' in rule.sql else none -%}
  {%- set given = rule.sql.get('sample', violating) -%}
  {%- if not given -%}{{- return(none) -}}{%- endif -%}
  {%- if 'keys' in given -%}
    {%- for column in rule.spec.columns if column not in shown -%}{{- return(none) -}}{%- endfor -%}
    {%- set keys = [] -%}
    {%- for column in rule.spec.columns -%}{%- do keys.append(stringx_short('chosen.k' ~ loop.index) ~ ' as k' ~ loop.index) -%}{%- endfor -%}
    {{- return({'sql': stringx_as_rows('select ' ~ keys | join(', ') ~ ', chosen.everywhere from (' ~ given['keys'] ~ limit ~ ') as chosen', none, room),
                'columns': rule.spec.columns + ['count(*)' if 'count' in rule.spec.columns else 'count']}) -}}
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
    {#- alone, the table's name would be the whole row; behind a dot, what is no column would be a function of the row -#}
    {%- set owner = rule.scope.relation ~ '.' if column == table.spec.name else '' -%}
    {%- do read.append(owner ~ stringx_name(column) ~ ' as ' ~ name) -%}
    {%- do columns.append('checked.' ~ name) -%}
    {%- do values.append(stringx_short('chosen.' ~ name) ~ ' as ' ~ name) -%}
    {%- do order.append('checked.' ~ name if column in table.spec.key else 'checked.' ~ name ~ '::text collate "C"') -%}
  {%- endfor -%}
  {%- set rows = given.get('with', '') ~ 'select ' ~ columns | join(', ') ~ ' from ' ~ stringx_checked(rule.scope, given, read) ~ ' order by ' ~ order | join(', ') ~ limit -%}
  {{- return({'sql': stringx_as_rows('select ' ~ values | join(', ') ~ ' from (' ~ rows ~ ') as chosen', none, room), 'columns': shown}) -}}
{% endmacro %}


{#- Rows of the checked table and which of them violate, told by parts: `select`, expressions over the table's columns with names of our own; `inside`, a
    condition on the table's columns; `with`, common table expressions; `join`, what stands behind the rows in FROM; `where`, a condition on
    those names, as columns of `checked`. For counting and for samples alike, so that both are about the same rows. -#}
{% macro stringx_counted(scope, parts) %}
  {{- return({'statement': parts.get('with', '') ~ 'select count(*) as failures, null as measured from ' ~ stringx_checked(scope, parts, []), 'sample': parts}) -}}
{% endmacro %}


{% macro stringx_checked(scope, parts, more) %}
  {%- set read = parts.get('select', []) + more -%}
  {{- return('(select ' ~ read | join(', ') ~ ' from ' ~ scope.relation ~ stringx_where(stringx_all([scope.both, parts.get('inside')])) ~ ') as checked'
             ~ parts.get('join', '') ~ stringx_where(parts.get('where'))) -}}
{% endmacro %}


{#- A value as JSON, of a large one the beginning of its text: no JSON is made of what is cut anyway. -#}
{% macro stringx_short(value) %}
  {{- return('case when pg_column_size(' ~ value ~ ') > 2000 then to_json(left(' ~ value ~ '::text, 201)) else to_json(' ~ value ~ ') end') -}}
{% endmacro %}


{#- The rows of a query, as many as there is `room` for, and whether there are more: lists in the order of its columns, or where `only` is given, objects of
    these columns as far as they are there. What JSON would change or has no form for becomes text: numbers of more than 15 digits, and whatever PostgreSQL
    itself writes as text. -#}
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
    select {% if only is none %}json_agg({{ value }} order by field.place){% else %}json_object_agg(field.key, {{ value }} order by array_position(array[{{ stringx_literals(only) }}]::text[], field.key)){% endif %} as shown
    from json_each(numbered.whole) with ordinality as field(key, value, place)
    {%- if only is not none %}
    where field.key in ({{ stringx_literals(only) }})
    {%- endif %}
  ) as one
  where one.shown is not null
) as sized
{% endmacro %}
