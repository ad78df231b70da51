{#- Rows beyond the first of each key; measured is the number of keys that repeat. In a window: its rows whose key occurs
    again in the table, less one for each key that occurs only inside.

    Some types count distinct values faster than they group them. A single column of such a type is counted first, and its keys are grouped only
    if there are fewer distinct values than values. -#}
{% macro stringx_rule__unique(rule, scope) %}
  {%- set present = [] -%}
  {%- for column in rule.columns -%}{%- do present.append(stringx_is_not_null(column)) -%}{%- endfor -%}
  {%- set nulls_equal = rule.arguments.get('nulls', 'ignore') == 'equal' -%}
  {%- set rows = stringx_all([scope.where, none if nulls_equal else present | join(' and ')]) -%}
  {%- set inside = 'count(*)' ~ stringx_filter([scope.window]) -%}
  {%- set sums = 'coalesce(sum(case when everywhere = inside then inside - 1 else inside end), 0) as failures, count(*) as measured' -%}
  {%- set counted = stringx_counted_distinct(rule.columns[0], scope, rows) if rule.columns | length == 1 and not nulls_equal else none -%}
  {%- if counted is none -%}
    {%- set statement = 'select ' ~ sums ~ ' from ' ~ stringx_repeated(scope.relation, rule.columns, inside, rows) -%}
  {%- else -%}
    {#- the condition is placed where no column or table of the user can be meant -#}
    {%- set only_then = '(select where stringx_counted.present <> stringx_counted.different) as stringx_repeats, ' ~ scope.relation -%}
    {%- set statement = 'select found.failures, found.measured from (' ~ counted.sql ~ ') as stringx_counted, lateral (select ' ~ sums
                        ~ ' from ' ~ stringx_repeated(only_then, rule.columns, inside, rows) ~ ') as found' -%}
  {%- endif -%}
  {%- set keys = [] -%}
  {%- for column in rule.columns -%}{%- do keys.append('repeated.k' ~ loop.index) -%}{%- endfor -%}
  {%- if scope.per -%}{{- return(stringx_unique_of_groups(rule, scope, inside, rows)) -}}{%- endif -%}
  {{- return({
    'statement': statement, 'in_halves': counted is not none and counted.in_halves,
    'sample': {'keys': 'select ' ~ keys | join(', ') ~ ', repeated.everywhere from ' ~ stringx_repeated(scope.relation, rule.columns, inside, rows)
                       ~ ' order by repeated.everywhere desc, ' ~ keys | join(', ')}
  }) -}}
{% endmacro %}


{#- The same within each group: a key is that of the rule and that of the group together. -#}
{% macro stringx_unique_of_groups(rule, scope, inside, rows) %}
  {%- set columns, keys, of_group, names = rule.columns + scope.per, [], [], [] -%}
  {%- for column in columns -%}{%- do keys.append('repeated.k' ~ loop.index) -%}{%- endfor -%}
  {%- for key in keys[rule.columns | length:] -%}{%- do of_group.append(key ~ ' as g' ~ loop.index) -%}{%- endfor -%}
  {%- set repeated = stringx_repeated(scope.relation, columns, inside, rows) -%}
  {%- set beyond = 'sum(case when repeated.everywhere = repeated.inside then repeated.inside - 1 else repeated.inside end)' -%}
  {{- return({
    'statement': 'select ' ~ beyond ~ ' as failures, null as measured from ' ~ repeated,
    'of_groups': 'select ' ~ of_group | join(', ') ~ ', 0 as total, ' ~ beyond ~ ' as failures from ' ~ repeated ~ ' group by ' ~ keys[rule.columns | length:] | join(', '),
    'sample': {'columns': columns, 'keys': 'select ' ~ keys | join(', ') ~ ', repeated.everywhere from ' ~ repeated ~ ' order by repeated.everywhere desc, ' ~ keys | join(', ')}
  }) -}}
{% endmacro %}


{#- The keys that repeat, as k1, k2 and so on: GROUP BY means the table's columns, even if one has such a name. -#}
{% macro stringx_repeated(relation, columns, inside, rows) %}
  {%- set keys = [] -%}
  {%- for column in columns -%}{%- do keys.append(stringx_name(column) ~ ' as k' ~ loop.index) -%}{%- endfor -%}
  {%- set repeated -%}
    (
      select {{ keys | join(', ') }}, count(*) as everywhere, {{ inside }} as inside
      from {{ relation }}{{ stringx_where(rows) }}
      group by {{ stringx_names(columns) | join(', ') }}
      having count(*) > 1 and {{ inside }} > 0
    ) as repeated
  {%- endset -%}
  {{- return(repeated) -}}
{% endmacro %}


{#- {sql, in_halves}: one row with the number of values (`present`) and of distinct values (`different`); none if grouping is faster for the column's type.
    One process counts distinct values. If the server has more, each counts the values of one half, by a bit that equal
    values share: the lowest of a whole number, or of a hash. -#}
{% macro stringx_counted_distinct(name, scope, rows) %}
  {%- if name not in scope.types or scope.types[name].schema is not none -%}{{- return(none) -}}{%- endif -%}
  {%- set type = scope.types[name].type -%}
  {%- set column = stringx_name(name) -%}
  {%- set text = 'hashtext(' ~ column ~ '::text)' -%}
  {%- set bits = {
    'smallint': column, 'integer': column, 'bigint': column,
    'text': text, 'character varying': text,
    'numeric': 'hash_numeric(' ~ column ~ ')', 'real': 'hashfloat8(' ~ column ~ ')', 'double precision': 'hashfloat8(' ~ column ~ ')',
    'uuid': 'uuid_hash(' ~ column ~ ')', 'timestamp without time zone': 'timestamp_hash(' ~ column ~ ')',
    'timestamp with time zone': 'timestamp_hash(' ~ column ~ " at time zone 'UTC')", 'date': none
  } -%}
  {%- if type not in bits -%}{{- return(none) -}}{%- endif -%}
  {%- set count = 'select count(' ~ column ~ ') as present, count(distinct ' ~ column ~ ') as different from ' ~ scope.relation -%}
  {%- set half = bits[type] -%}
  {%- if half is none or not scope.parallel -%}{{- return({'sql': count ~ stringx_where(rows), 'in_halves': false}) -}}{%- endif -%}
  {{- return({'in_halves': true, 'sql': 'select sum(present) as present, sum(different) as different from (' ~ count ~ stringx_where(stringx_all([half ~ ' & 1 = 0', rows]))
             ~ ' union all ' ~ count ~ stringx_where(stringx_all([half ~ ' & 1 = 1', rows])) ~ ') as halves'}) -}}
{% endmacro %}


{% macro stringx_proof__unique(rule, scope) %}
  {{- return({'kind': 'unique', 'relation': scope.relation, 'columns': rule.columns, 'measured': 0,
              'nulls_equal': rule.arguments.get('nulls', 'ignore') == 'equal'}) -}}
{% endmacro %}
