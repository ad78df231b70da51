{#- Rows beyond the first of each key; measured is the number of keys that repeat. In a window: its rows whose key occurs
    again in the table, less one for each key that occurs only inside.

    Of a single column whose type counts distinct values faster than it groups them, that comes first, and only where there are fewer
    than values the keys are grouped. -#}
{% macro stringx_rule__unique(rule, scope) %}
  {%- set present = [] -%}
  {%- for column in rule.columns -%}
    {%- do present.append(stringx_name(column) ~ ' is not null') -%}
  {%- endfor -%}
  {%- set nulls_equal = rule.arguments.get('nulls', 'ignore') == 'equal' -%}
  {%- set rows = stringx_all([scope.where, none if nulls_equal else present | join(' and ')]) -%}
  {%- set keys = stringx_names(rule.columns) | join(', ') -%}
  {%- set inside = 'count(*)' ~ stringx_filter([scope.window]) -%}
  {%- set sums = 'coalesce(sum(case when stringx_everywhere = stringx_inside then stringx_inside - 1 else stringx_inside end), 0) as failures, count(*) as measured' -%}
  {%- set typed = rule.columns | length == 1 and not nulls_equal -%}
  {%- set counted = stringx_counted_distinct(keys, scope, rows) if typed and 'types' in scope else none -%}
  {%- set repeated = stringx_repeated(scope.relation, keys, inside, rows) -%}
  {%- if counted is none -%}
    {%- set statement = 'select ' ~ sums ~ ' from ' ~ repeated -%}
  {%- else -%}
    {#- the condition stands where no column, and no table, of the user's can be meant -#}
    {%- set only_then = '(select where stringx_counted.present <> stringx_counted.different) as stringx_repeats, ' ~ scope.relation -%}
    {%- set statement = 'select found.failures, found.measured from (' ~ counted.sql ~ ') as stringx_counted, lateral (select ' ~ sums
                        ~ ' from ' ~ stringx_repeated(only_then, keys, inside, rows) ~ ') as found' -%}
  {%- endif -%}
  {%- set times = '"count(*)"' if 'count' in rule.columns else '"count"' -%}
  {{- return({
    'statement': statement, 'typed': typed, 'in_halves': counted is not none and counted.in_halves,
    'sample': {'keys': 'select ' ~ keys ~ ', stringx_everywhere as ' ~ times ~ ' from ' ~ repeated ~ ' order by stringx_everywhere desc, ' ~ keys}
  }) -}}
{% endmacro %}


{% macro stringx_repeated(relation, keys, inside, rows) %}
  {%- set repeated -%}
    (
      select {{ keys }}, count(*) as stringx_everywhere, {{ inside }} as stringx_inside
      from {{ relation }}{{ stringx_where(rows) }}
      group by {{ keys }}
      having count(*) > 1 and {{ inside }} > 0
    ) as repeated
  {%- endset -%}
  {{- return(repeated) -}}
{% endmacro %}


{#- {sql, in_halves}: one row with the values that are `present` and how many of them are `different`; none where the column's type is better grouped.
    Distinct values are counted by one process, so where the server has others each counts the values of one half, by a bit that equal
    values have in common: the lowest of a whole number, or of a hash. -#}
{% macro stringx_counted_distinct(column, scope, rows) %}
  {%- set text = 'hashtext(' ~ column ~ '::text)' -%}
  {%- set bits = {
    'smallint': column, 'integer': column, 'bigint': column,
    'text': text, 'character varying': text,
    'numeric': 'hash_numeric(' ~ column ~ ')', 'real': 'hashfloat8(' ~ column ~ ')', 'double precision': 'hashfloat8(' ~ column ~ ')',
    'uuid': 'uuid_hash(' ~ column ~ ')', 'timestamp without time zone': 'timestamp_hash(' ~ column ~ ')',
    'timestamp with time zone': 'timestamp_hash(' ~ column ~ " at time zone 'UTC')", 'date': none
  } -%}
  {%- if scope.types[0] not in bits -%}{{- return(none) -}}{%- endif -%}
  {%- set count = 'select count(' ~ column ~ ') as present, count(distinct ' ~ column ~ ') as different from ' ~ scope.relation -%}
  {%- set half = bits[scope.types[0]] -%}
  {%- if half is none or not scope.parallel -%}{{- return({'sql': count ~ stringx_where(rows), 'in_halves': false}) -}}{%- endif -%}
  {{- return({'in_halves': true, 'sql': 'select sum(present) as present, sum(different) as different from (' ~ count ~ stringx_where(stringx_all([half ~ ' & 1 = 0', rows]))
             ~ ' union all ' ~ count ~ stringx_where(stringx_all([half ~ ' & 1 = 1', rows])) ~ ') as halves'}) -}}
{% endmacro %}


{% macro stringx_proof__unique(rule, scope) %}
  {{- return({'kind': 'unique', 'relation': scope.relation, 'columns': rule.columns, 'measured': 0,
              'nulls_equal': rule.arguments.get('nulls', 'ignore') == 'equal'}) -}}
{% endmacro %}
