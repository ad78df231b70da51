{#- An aggregate of a column. If it may be a row's value, and is no number, it is shown only if the column may be shown. -#}
{% macro stringx_rule__aggregate(rule, scope) %}
  {%- set function, fact = rule.arguments.function, scope.types.get(rule.columns[0]) -%}
  {%- set sql = {'measure': stringx_aggregate(function, rule.columns[0], rule.arguments.get('p'), scope.both, fact), 'fact': stringx_fact_of_aggregate(function, fact)} -%}
  {%- set number = fact and fact.family in ('integer', 'decimal', 'float') -%}
  {%- if sql.fact and sql.fact.family == 'float' -%}{%- do sql.update({'shown': stringx_number_text(sql.measure)}) -%}{%- endif -%}
  {%- do sql.update({'row_value': not number and function in ('min', 'max')}) -%}
  {%- if sql.row_value and rule.columns[0] not in scope.shown -%}{%- do sql.update({'tells': 'nothing'}) -%}{%- endif -%}
  {%- if function in ('min', 'max') and fact and fact.family == 'text' -%}
    {%- do sql.update({'note': rule.id ~ ': ' ~ rule.columns[0] ~ ' is text, so its ' ~ function ~ ' is that of texts and not of numbers'}) -%}
  {%- endif -%}
  {{- return(sql) -}}
{% endmacro %}


{#- The SQL of an aggregate over the rows of a condition; NULL without values. Means, deviations, quantiles and ratios are in double precision. -#}
{% macro stringx_aggregate(function, column, p, condition, fact=none) %}
  {%- set value = stringx_when(stringx_name(column), [condition]) -%}
  {%- set double = '(' ~ value ~ ')::double' -%}
  {%- set is_float = fact and fact.family == 'float' -%}
  {%- if function in ('min', 'max') -%}
    {{- return(function ~ '(' ~ value ~ ')') -}}
  {%- elif function in ('sum', 'avg') -%}
    {{- return(stringx_in_range(function ~ '(' ~ (double if is_float else value) ~ ')', double) if is_float else function ~ '(' ~ value ~ ')') -}}
  {%- elif function == 'stddev' -%}
    {{- return(stringx_in_range('stddev_samp(' ~ double ~ ')', double)) -}}
  {%- elif function in ('median', 'percentile') -%}
    {{- return('quantile_cont(' ~ double ~ ', ' ~ ('0.5' if function == 'median' else stringx_value(p, stringx_fact_of_double())) ~ ')') -}}
  {%- elif function == 'distinct_count' -%}
    {{- return('count(distinct ' ~ value ~ ')') -}}
  {%- elif function == 'distinct_ratio' -%}
    {{- return('count(distinct ' ~ value ~ ')::double / nullif(count(' ~ value ~ '), 0)') -}}
  {%- elif function == 'null_ratio' -%}
    {{- return('(' ~ stringx_count([condition]) ~ ' - count(' ~ value ~ '))::double / nullif(' ~ stringx_count([condition]) ~ ', 0)') -}}
  {%- endif -%}
{% endmacro %}


{#- A sum or mean of finite numbers that is infinite is an error, as on PostgreSQL. -#}
{% macro stringx_in_range(measure, value) %}
  {{- return('(case when isinf(' ~ measure ~ ') and not coalesce(bool_or(isinf(' ~ value ~ ")), false) then error('out of range')::double else " ~ measure ~ ' end)') -}}
{% endmacro %}


{#- The fact of an aggregate's type, from the column's: how its bounds are read. -#}
{% macro stringx_fact_of_aggregate(function, fact) %}
  {%- if function in ('min', 'max') -%}{{- return(fact) -}}{%- endif -%}
  {%- if function == 'distinct_count' or function == 'sum' and fact and fact.family == 'integer' -%}{{- return(stringx_fact_of_count()) -}}{%- endif -%}
  {%- if function == 'sum' and fact and fact.family == 'decimal' -%}{{- return(fact) -}}{%- endif -%}
  {{- return(stringx_fact_of_double()) -}}
{% endmacro %}
