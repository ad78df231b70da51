{#- An aggregate of a column. If it may be a row's value, and is no number, it is shown only if the column may be shown. -#}
{% macro stringx_rule__aggregate(rule, scope) %}
  {%- set function = rule.arguments.function -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set sorts = function in ('median', 'percentile', 'distinct_count', 'distinct_ratio') -%}
  {%- set sql = {'measure': stringx_aggregate(function, rule.columns[0], rule.arguments.get('p'), scope.both, fact), 'apart': sorts,
                 'fact': stringx_fact_of_aggregate(function, fact)} -%}
  {%- set number = fact is not none and fact.family in ('integer', 'decimal', 'float') -%}
  {%- do sql.update({'row_value': not number and function in ('min', 'max', 'median', 'percentile')}) -%}
  {%- if number and fact.family != 'decimal' or sorts and function.startswith('distinct') -%}{%- do sql.update({'tells': 'whole'}) -%}
  {%- elif sql.row_value and rule.columns[0] not in scope.shown -%}{%- do sql.update({'tells': 'nothing'}) -%}
  {%- endif -%}
  {%- if function in ('min', 'max') and fact is not none and fact.family == 'text' -%}
    {%- do sql.update({'note': rule.id ~ ': ' ~ rule.columns[0] ~ ' is text, so its ' ~ function ~ ' is that of texts and not of numbers'}) -%}
  {%- endif -%}
  {{- return(sql) -}}
{% endmacro %}


{#- The SQL of an aggregate over the rows of a condition; NULL without values. -#}
{% macro stringx_aggregate(function, column, p, condition, fact=none) %}
  {%- set value = stringx_name(column) -%}
  {%- set rows = stringx_filter([condition]) -%}
  {%- if function in ('min', 'max') and fact is not none and function ~ '()' in fact.operators -%}
    {{- return(fact.schema ~ '.' ~ function ~ '(' ~ stringx_compared(column, fact) ~ ')' ~ rows) -}}
  {%- elif function == 'sum' and fact is not none and fact.type == 'real' -%}
    {{- return('sum(' ~ value ~ '::double precision)' ~ rows) -}}
  {%- elif function in ('min', 'max', 'sum', 'avg') -%}
    {{- return(function ~ '(' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'stddev' -%}
    {{- return('stddev_samp(' ~ value ~ ')' ~ rows) -}}
  {%- elif function in ('median', 'percentile') -%}
    {{- return('percentile_cont(' ~ stringx_literal(0.5 if function == 'median' else p) ~ '::double precision) within group (order by ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_count' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_ratio' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows ~ '::numeric / nullif(count(' ~ value ~ ')' ~ rows ~ ', 0)') -}}
  {%- elif function == 'null_ratio' -%}
    {{- return('(count(*)' ~ rows ~ ' - count(' ~ value ~ ')' ~ rows ~ ')::numeric / nullif(count(*)' ~ rows ~ ', 0)') -}}
  {%- endif -%}
{% endmacro %}


{#- The fact of an aggregate's type, from the column's: how its bounds are read. -#}
{% macro stringx_fact_of_aggregate(function, fact) %}
  {%- if function == 'distinct_count' -%}{{- return({'type': 'bigint', 'family': 'integer', 'schema': none, 'operators': []}) -}}{%- endif -%}
  {%- if function in ('min', 'max') or fact is none or fact.family not in ('integer', 'decimal', 'float') or function == 'sum' and fact.family == 'integer' -%}
    {{- return(none if function in ('distinct_ratio', 'null_ratio') else fact) -}}
  {%- endif -%}
  {{- return({'type': 'numeric', 'family': 'decimal', 'schema': none, 'operators': []}) -}}
{% endmacro %}
