{#- The statements of rules that are decided for each group (gate/groups.sql). The keys are g1, g2 and so on, and `v` holds what was read of the group, as texts.
    Keys leave the server only if their columns may be shown, and measures and keys are cut here. -#}


{#- A SELECT of one JSON list with a text for each rule: {count, failing, warning, of_rows: the worst status without what is new or missing, failures, total, measured: of the worst, worst: [[status, failures, total,
    measured, key, is new]], new, missing, gone: hashes of missing groups, hashes: of all, as one text, keys: {hash: key}, fault}; only `count` and `fault` if there are too many groups. -#}
{% macro stringx_grouped(table, members, state) %}
  {%- set rule = members[0].rule -%}
  {%- set facts = state.facts.get(table.relation, {}) -%}
  {%- set remembers = members | map(attribute='rule.spec') | selectattr('new_groups') | list or members | map(attribute='rule.spec') | selectattr('missing_groups') | list -%}
  {%- set salt = stringx_literal('/' ~ tojson([table.spec.schema, table.spec.name, rule.spec.per])) -%}
  {%- set hash = stringx_hash_of_keys(stringx_keys_of_groups(rule.spec.per, 'stringx_read.'), rule.spec.per, facts, salt) if remembers else 'null::ubigint' -%}
  {%- set decided, values = [], [] -%}
  {%- for member in members -%}
    {%- do decided.append(stringx_decided_groups(member.rule, values | length, facts)) -%}
    {%- do values.extend(member.reading['values'] or []) -%}
  {%- endfor -%}
  {%- if members[0].reading.statement is not none -%}
    {%- set read = members[0].reading.statement -%}
  {%- else -%}
    {%- set window = none if rule.whole_table else rule.scope.window -%}
    {%- set read = 'select ' ~ stringx_named_keys(rule.spec.per) | join(', ') ~ ', [' ~ stringx_counts(values) | join('::varchar,\n') ~ '::varchar] as v from ' ~ table.relation ~ stringx_where(window)
                   ~ ' group by ' ~ stringx_names(rule.spec.per) | join(', ') -%}
  {%- endif -%}
  {{- return('with stringx_grouped as materialized (select stringx_read.*, ' ~ hash ~ ' as h from (' ~ read ~ '\n) as stringx_read)\nselect ' ~ stringx_list(decided)) -}}
{% endmacro %}


{#- The columns of `per` under the names of keys: g1, g2 and so on. -#}
{% macro stringx_named_keys(per) %}
  {%- set names = [] -%}
  {%- for column in per -%}{%- do names.append(stringx_name(column) ~ ' as g' ~ loop.index) -%}{%- endfor -%}
  {{- return(names) -}}
{% endmacro %}


{#- The names of the keys, after `owner`. -#}
{% macro stringx_keys_of_groups(per, owner='') %}
  {%- set keys = [] -%}
  {%- for column in per -%}{%- do keys.append(owner ~ 'g' ~ loop.index) -%}{%- endfor -%}
  {{- return(keys) -}}
{% endmacro %}


{#- A hash of keys, expressions for the values of `per`, by their texts. It is the same in every version of DuckDB, because the next check gets it. -#}
{% macro stringx_hash_of_keys(keys, per, facts, salt) %}
  {{- return('md5_number_lower(to_json([' ~ salt ~ ', ' ~ keys | join('::varchar, ') ~ '::varchar])::varchar)') -}}
{% endmacro %}


{#- A SELECT of {g1, …, v} of a rule with a statement of its own: the rows of each group, and the failures that the statement counts of it. -#}
{% macro stringx_totals_and_failures(rule, failures) %}
  {%- set keys = stringx_keys_of_groups(rule.spec.per) | join(', ') -%}
  {{- return('select ' ~ keys ~ ', [sum(total)::varchar, sum(failures)::varchar] as v from (select ' ~ stringx_named_keys(rule.spec.per) | join(', ')
             ~ ', count(*) as total, 0 as failures from ' ~ rule.scope.relation ~ stringx_where(rule.scope.both) ~ ' group by ' ~ stringx_names(rule.spec.per) | join(', ')
             ~ ' union all (' ~ failures ~ '\n)) as counted group by ' ~ keys) -}}
{% endmacro %}


{#- Whether `failures` of `total` are above a threshold, in whole numbers, as stringx_above has it. -#}
{% macro stringx_above_in_sql(threshold) %}
  {%- if threshold is none -%}{{- return('false') -}}{%- endif -%}
  {%- if threshold.count is defined -%}{{- return('failures > ' ~ threshold.count | int) -}}{%- endif -%}
  {%- set share = (threshold.share | string).partition('.') -%}
  {{- return('failures::hugeint * ' ~ 10 ** (share[2] | length) ~ '::hugeint > ' ~ (share[0] ~ share[2]) | int ~ '::hugeint * total') -}}
{% endmacro %}


{#- How far a measure is out of its bounds, as a number; NULL if it or its bounds are no numbers. It only orders groups. -#}
{% macro stringx_distance(bounds) %}
  {%- set numeric, sides = 'try_cast(measured as double)', [] -%}
  {%- for side in ('min', 'max') if bounds.get(side) is not none and modules.re.fullmatch('[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?', bounds[side] | string) -%}
    {%- set bound = 'cast(' ~ stringx_literal(bounds[side]) ~ ' as double)' -%}
    {%- do sides.append(bound ~ ' - ' ~ numeric if side == 'min' else numeric ~ ' - ' ~ bound) -%}
  {%- endfor -%}
  {{- return('greatest(' ~ sides | join(', ') ~ ')' if sides else 'null::double') -}}
{% endmacro %}


{#- The JSON of one rule, as a scalar subquery over stringx_grouped. Its values begin after `start` others. A group without a row under the rule's `where` is none of
    its groups, except where a count of rows is the value. -#}
{% macro stringx_decided_groups(rule, start, facts) %}
  {%- set sql, spec = rule.sql, rule.spec -%}
  {%- set measures = 'violation' not in sql and 'of_groups' not in sql -%}
  {%- set failures = 'null::hugeint' if measures else 'v[' ~ (start + 2) ~ ']::hugeint' -%}
  {%- set present = 'true' if sql.get('counts_rows') else 'v[' ~ (start + 1) ~ ']::bigint > 0' -%}
  {%- set shows, keys, order = stringx_shows_groups(rule), [], [] -%}
  {%- set room = 200 // (spec.per | length) -%}
  {%- for column in spec.per -%}
    {%- set text = stringx_text('g' ~ loop.index, facts.get(column)) -%}
    {%- do keys.append(stringx_literal(column) ~ ', case when length(' ~ text ~ ') > ' ~ room ~ ' then left(' ~ text ~ ', ' ~ room ~ ") || '...' else " ~ text ~ ' end') -%}
    {%- do order.append((text ~ '' if shows else 'md5(' ~ text ~ ')') ~ ' nulls first') -%}
  {%- endfor -%}
  {%- set key = 'json_object(' ~ keys | join(', ') ~ ')' if shows else 'null::json' -%}
  {%- if measures -%}
    {%- set bounds, warn = sql.get('bounds', spec.arguments), sql.get('warn_bounds', spec.arguments.get('warn') or {}) -%}
    {%- set status = 'case when measured is null then ' ~ (2 if stringx_may_fail(rule) else 1) ~ ' when v[' ~ (start + 3) ~ ']::boolean then 2 when v[' ~ (start + 4)
                     ~ ']::boolean then 1 else 0 end' -%}
    {%- set far = 'coalesce(case when status = 1 then ' ~ stringx_distance(warn) ~ ' end, ' ~ stringx_distance(bounds) ~ ', ' ~ stringx_distance(warn) ~ ')' -%}
    {%- set worst_first = 'measured is null desc, ' ~ far ~ ' desc nulls last' -%}
  {%- else -%}
    {%- set status = 'case when failures = 0 then 0 when ' ~ stringx_above_in_sql(spec.fail_above) ~ ' then 2 when ' ~ stringx_above_in_sql(spec.warn_above) ~ ' then 1 else 0 end' -%}
    {%- set worst_first = 'failures desc, total' -%}
  {%- endif -%}
  {%- set compares = spec.get('new_groups') is not none or spec.get('missing_groups') is not none -%}
  {%- set before = spec.get('before') -%}
  {%- set earlier = '[' ~ modules.re.sub('[^0-9,]', '', before.state.groups) ~ ']::ubigint[]' if before and compares else none -%}
  {%- set on_new = {'warn': 1, 'fail': 2, none: none}[spec.get('new_groups')] if earlier is not none else none -%}
  {%- set is_new = 'h not in (select gone from earlier)' if on_new is not none else 'false' -%}  {#- which is hashed -#}
  {%- set finds_missing = earlier is not none and spec.get('missing_groups') is not none -%}
  {%- set query -%}
(select case when (select count(*) from stringx_grouped where {{ present }}) > {{ stringx_most_groups().groups }} then (
  select json_object('count', count(*)) from stringx_grouped where {{ present }}
) else (
  with {% if earlier is not none %}earlier as materialized (
    select unnest({{ earlier }}) as gone
  ), {% endif %}rated as (
    select grouped.*, {{ status }} as own_status, {{ is_new }} as is_new
    from (select *, v[{{ start + 1 }}]::bigint as total, {{ failures }} as failures, {{ 'v[' ~ (start + 2) ~ ']' if measures else 'null::varchar' }} as measured,
                 {{ 'v[' ~ (start + 5) ~ ']' if measures else 'null::varchar' }} as found
          from stringx_grouped where {{ present }}) as grouped
  ), decided as (
    select *, {{ 'greatest(own_status, case when is_new then ' ~ on_new ~ ' else 0 end)' if on_new is not none else 'own_status' }} as status from rated
  ), placed as (
    select *, row_number() over (order by status desc, {{ worst_first }}, {{ order | join(', ') }}) as place,
           row_number() over (order by own_status desc, {{ worst_first.replace('status', 'own_status') if measures else worst_first }}, {{ order | join(', ') }}) as own_place
    from decided
  ){% if finds_missing %}, missing as materialized (
    select gone from earlier where gone not in (select h from rated)
  ){% endif %}
  select json_object(
    'count', count(*), 'failing', count(*) filter (where status = 2), 'warning', count(*) filter (where status = 1), 'new', count(*) filter (where is_new),
    'of_rows', max(own_status), 'failures', coalesce(sum(failures), 0)::hugeint, 'total', coalesce(sum(total), 0)::hugeint, 'measured', max(measured) filter (where own_place = 1),
    'fault', {{ "max(found::json ->> 'fault')" if sql.found else 'null' }},
    'worst', coalesce(to_json(list(json_array(status, failures, total, measured, {{ key }}, is_new) order by place) filter (where place <= 20)), json('[]')),
    {% if compares -%}
    'hashes', coalesce(string_agg(h::varchar, ','), ''),
    'keys', {{ "(select json_group_object(h::varchar, key) from (select h, key, sum(strlen(key::varchar) + 25) over (order by place) as bytes from (select h, place, " ~ key
               ~ " as key from placed) as named) as fitting where bytes <= 32768)" if shows else 'null' }},
    {% endif -%}
    {% if finds_missing -%}
    'gone', (select coalesce(to_json(list(gone)), json('[]')) from (select gone from missing order by gone limit 20) as first_missing),
    'missing', (select count(*) from missing)
    {%- else -%}
    'gone', json('[]'), 'missing', 0
    {%- endif %})
  from placed
) end)
  {%- endset -%}
  {{- return(query | string) -}}
{% endmacro %}
