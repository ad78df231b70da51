{#- The statements of rules that are decided for each group (gate/groups.sql). The keys are g1, g2 and so on, and `v` holds what was read of the group, as texts.
    Keys leave the server only if their columns may be shown, and measures and keys are cut here. -#}


{#- A SELECT of one JSON list with a text for each rule: {count, failing, warning, of_rows: the worst status without what is new or missing, failures, total, measured: of the worst, worst: [[status, failures, total,
    measured, key, is new]], new, missing, gone: hashes of missing groups, or none, hashes: of all, as one text, keys: {hash: key}, fault}; only `count` and `fault` if there are too many groups. -#}
{% macro stringx_grouped(table, members, state) %}
  {%- set rule = members[0].rule -%}
  {%- set facts = state.facts.get(table.relation, {}) -%}
  {%- set remembers = members | map(attribute='rule.spec') | selectattr('new_groups') | list or members | map(attribute='rule.spec') | selectattr('missing_groups') | list -%}
  {%- set salt = '/' ~ tojson([table.spec.schema, table.spec.name, rule.spec.per]) -%}
  {%- set hash = stringx_hash_of_group(stringx_keys_of_groups(rule.spec.per, 'stringx_read.'), rule.spec.per, facts, salt) if remembers else 'cast(null as bigint)' -%}
  {%- set decided, values = [], [] -%}
  {%- for member in members -%}
    {%- do decided.append(stringx_json_text(stringx_decided_groups(member.rule, values | length, facts))) -%}
    {%- do values.extend(member.reading['values'] or []) -%}
  {%- endfor -%}
  {%- if members[0].reading.statement is not none -%}
    {%- set read = members[0].reading.statement -%}
  {%- else -%}
    {%- set window = none if rule.whole_table else rule.scope.window -%}
    {%- set read = 'select ' ~ stringx_named_keys(rule.spec.per) | join(', ') ~ ', ' ~ stringx_texts(values) ~ ' as v from ' ~ table.relation ~ stringx_where(window)
                   ~ ' group by ' ~ stringx_names(rule.spec.per) | join(', ') -%}
  {%- endif -%}
  {{- return('with stringx_grouped ' ~ stringx_as(true) ~ ' (select stringx_read.*, ' ~ hash ~ ' as h from (' ~ read ~ '\n) as stringx_read)\nselect ' ~ stringx_list(decided)) -}}
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


{#- A SELECT of {g1, …, v} of a rule with a statement of its own: the rows of each group, and the failures that the statement counts of it. -#}
{% macro stringx_totals_and_failures(rule, failures) %}
  {%- set keys = stringx_keys_of_groups(rule.spec.per) | join(', ') -%}
  {{- return('select ' ~ keys ~ ', ' ~ stringx_texts(['sum(total)', 'sum(failures)']) ~ ' as v from (select ' ~ stringx_named_keys(rule.spec.per) | join(', ')
             ~ ', count(*) as total, 0 as failures from ' ~ rule.scope.relation ~ stringx_where(rule.scope.both) ~ ' group by ' ~ stringx_names(rule.spec.per) | join(', ')
             ~ ' union all ' ~ stringx_nested(failures) ~ ') as counted group by ' ~ keys) -}}
{% endmacro %}


{#- Whether `failures` of `total` are above a threshold, exactly. -#}
{% macro stringx_above_in_sql(threshold) %}
  {%- if threshold is none -%}{{- return('false') -}}{%- endif -%}
  {%- if threshold.count is defined -%}{{- return('failures > ' ~ threshold.count | int) -}}{%- endif -%}
  {{- return(stringx_above_share(threshold.share)) -}}
{% endmacro %}


{#- How far a measure is out of its bounds, as a number; NULL if it or its bounds are no numbers. It only orders groups. -#}
{% macro stringx_distance(bounds) %}
  {%- set measured, sides = stringx_to_order('measured'), [] -%}
  {%- for side in ('min', 'max') if bounds.get(side) is not none and modules.re.fullmatch('[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?', bounds[side] | string) -%}
    {%- set bound = 'cast(' ~ stringx_literal(bounds[side]) ~ ' as ' ~ measured.type ~ ')' -%}
    {%- do sides.append(bound ~ ' - ' ~ measured.sql if side == 'min' else measured.sql ~ ' - ' ~ bound) -%}
  {%- endfor -%}
  {{- return('greatest(' ~ sides | join(', ') ~ ')' if sides else 'cast(null as ' ~ measured.type ~ ')') -}}
{% endmacro %}


{#- The JSON of one rule, as a scalar subquery over stringx_grouped. Its values begin after `start` others. A group without a row under the rule's `where` is none of
    its groups, except where a count of rows is the value. -#}
{% macro stringx_decided_groups(rule, start, facts) %}
  {%- set sql, spec = rule.sql, rule.spec -%}
  {%- set types = stringx_type_names() -%}
  {%- set measures = 'violation' not in sql and 'of_groups' not in sql -%}
  {%- set failures = 'cast(' ~ ('null' if measures else 'v[' ~ (start + 2) ~ ']') ~ ' as ' ~ types.count ~ ')' -%}
  {%- set present = 'true' if sql.get('counts_rows') else 'cast(v[' ~ (start + 1) ~ '] as bigint) > 0' -%}
  {%- set shows, keys, order = stringx_shows_groups(rule), {}, [] -%}
  {%- set room = 200 // (spec.per | length) -%}
  {%- for column in spec.per -%}
    {%- set text = stringx_text('g' ~ loop.index, facts.get(column)) -%}
    {%- do keys.update({column: stringx_cut(text, room)}) -%}
    {%- do order.append((stringx_in_order(text) if shows else stringx_md5(text)) ~ ' nulls first') -%}
  {%- endfor -%}
  {%- set key = stringx_object(keys) if shows else 'cast(null as json)' -%}
  {%- if measures -%}
    {%- set bounds, warn = sql.get('bounds', spec.arguments), sql.get('warn_bounds', spec.arguments.get('warn') or {}) -%}
    {%- set status = 'case when measured is null then ' ~ (2 if stringx_may_fail(rule) else 1) ~ ' when cast(v[' ~ (start + 3) ~ '] as boolean) then 2 when cast(v[' ~ (start + 4)
                     ~ '] as boolean) then 1 else 0 end' -%}
    {%- set beyond_warn = stringx_distance(warn) -%}
    {%- set far = 'coalesce(case when status = 1 then ' ~ beyond_warn ~ ' end, ' ~ stringx_distance(bounds) ~ ', ' ~ beyond_warn ~ ')' -%}
    {%- set worst_first = 'measured is null desc, ' ~ far ~ ' desc nulls last' -%}
  {%- else -%}
    {%- set status = 'case when failures = 0 then 0 when ' ~ stringx_above_in_sql(spec.fail_above) ~ ' then 2 when ' ~ stringx_above_in_sql(spec.warn_above) ~ ' then 1 else 0 end' -%}
    {%- set worst_first = 'failures desc, total' -%}
  {%- endif -%}
  {%- set compares = spec.get('new_groups') is not none or spec.get('missing_groups') is not none -%}
  {%- set before = spec.get('before') -%}
  {%- set earlier = stringx_hashes(modules.re.sub('[^-0-9,]', '', before.state.groups)) if before and compares else none -%}
  {%- set on_new = {'warn': 1, 'fail': 2, none: none}[spec.get('new_groups')] if earlier is not none else none -%}
  {%- set is_new = 'h not in (select gone from earlier)' if on_new is not none else 'false' -%}  {#- which is hashed -#}
  {%- set finds_missing = earlier is not none and spec.get('missing_groups') is not none -%}
  {%- set members = {
    'count': 'count(*)', 'failing': 'count(*) filter (where status = 2)', 'warning': 'count(*) filter (where status = 1)', 'new': 'count(*) filter (where is_new)',
    'of_rows': 'max(own_status)', 'failures': 'cast(coalesce(sum(failures), 0) as ' ~ types.count ~ ')', 'total': 'cast(coalesce(sum(total), 0) as ' ~ types.count ~ ')',
    'measured': 'max(measured) filter (where own_place = 1)', 'fault': 'max(' ~ stringx_text_of_member('found', 'fault') ~ ')' if sql.found else 'null',
    'worst': stringx_json_list(['status', 'failures', 'total', 'measured', key, 'is_new'], 'place', 'place <= 20')
  } -%}
  {%- if compares -%}
    {%- set sized = 'select h, key, sum(' ~ stringx_bytes('key') ~ ' + 25) over (order by place) as bytes from (select h, place, ' ~ key ~ ' as key from placed) as named' -%}
    {%- do members.update({'hashes': "coalesce(" ~ stringx_joined('cast(h as ' ~ types.text ~ ')') ~ ", '')",
                           'keys': '(select ' ~ stringx_object_of_rows('h', 'key') ~ ' from (' ~ sized ~ ') as fitting where bytes <= 32768)' if shows else 'null'}) -%}
  {%- endif -%}
  {%- if finds_missing -%}
    {%- do members.update({'gone': '(select ' ~ stringx_json_list('gone') ~ ' from (select gone from missing order by gone limit 20) as first_missing)',
                           'missing': '(select count(*) from missing)'}) -%}
  {%- else -%}
    {%- do members.update({'gone': 'null', 'missing': '0'}) -%}
  {%- endif -%}
  {%- set query -%}
(select case when (select count(*) from stringx_grouped where {{ present }}) > {{ stringx_most_groups().groups }} then (
  select {{ stringx_object({'count': 'count(*)'}) }} from stringx_grouped where {{ present }}
) else (
  with {% if earlier is not none %}earlier {{ stringx_as(true) }} (
    {{ stringx_rows_of(earlier, 'gone') }}
  ), {% endif %}rated as (
    select grouped.*, {{ status }} as own_status, {{ is_new }} as is_new
    from (select *, cast(v[{{ start + 1 }}] as bigint) as total, {{ failures }} as failures, {{ 'v[' ~ (start + 2) ~ ']' if measures else 'cast(null as ' ~ types.text ~ ')' }} as measured,
                 {{ 'v[' ~ (start + 5) ~ ']' if measures else 'cast(null as ' ~ types.text ~ ')' }} as found
          from stringx_grouped where {{ present }}) as grouped
  ), decided as (
    select *, {{ 'greatest(own_status, case when is_new then ' ~ on_new ~ ' else 0 end)' if on_new is not none else 'own_status' }} as status from rated
  ), placed as (
    select *, row_number() over (order by status desc, {{ worst_first }}, {{ order | join(', ') }}) as place,
           row_number() over (order by own_status desc, {{ worst_first.replace('status', 'own_status') if measures else worst_first }}, {{ order | join(', ') }}) as own_place
    from decided
  ){% if finds_missing %}, missing {{ stringx_as(true) }} (
    select gone from earlier where gone not in (select h from rated)
  ){% endif %}
  select {{ stringx_object(members) }}
  from placed
) end)
  {%- endset -%}
  {{- return(query | string) -}}
{% endmacro %}
