{#- An aggregate of a column. If it may be a row's value, and is no number, it is shown only if the column may be shown. -#}
{% macro stringx_rule__aggregate(rule, scope) %}
  {%- set function = rule.arguments.function -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set sorts = function in ('median', 'percentile', 'distinct_count', 'distinct_ratio') -%}
  {%- set measure, of_measure = stringx_aggregate(function, rule.columns[0], rule.arguments.get('p'), scope.both, fact), stringx_fact_of_aggregate(function, fact) -%}
  {%- set sql = {'measure': measure, 'apart': sorts and stringx_sorts_apart(), 'fact': of_measure} -%}
  {%- set number = fact is not none and fact.family in ('integer', 'decimal', 'float') -%}
  {%- do sql.update({'row_value': not number and function in ('min', 'max', 'median', 'percentile')}) -%}
  {%- if number and fact.family != 'decimal' or sorts and function.startswith('distinct') -%}{%- do sql.update({'tells': 'whole'}) -%}
  {%- elif sql.row_value and rule.columns[0] not in scope.shown -%}{%- do sql.update({'tells': 'nothing'}) -%}
  {%- endif -%}
  {%- set family = of_measure.family if of_measure else none -%}
  {%- set shown = stringx_number_text(measure) if family == 'float' else stringx_moment_text(measure, of_measure) if family == 'timestamp' else measure -%}
  {%- do sql.update({'shown': shown}) if shown != measure -%}
  {%- if function in ('min', 'max') and fact is not none and fact.family == 'text' -%}
    {%- do sql.update({'note': rule.id ~ ': ' ~ rule.columns[0] ~ ' is text, so its ' ~ function ~ ' is that of texts and not of numbers'}) -%}
  {%- endif -%}
  {{- return(sql) -}}
{% endmacro %}
