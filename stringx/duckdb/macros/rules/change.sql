{#- How much a measure has changed against an earlier point, which DataOps keeps: its bounds come with the specification. -#}
{% macro stringx_rule__change(rule, scope) %}
  {{- return(stringx_with_baseline(rule, scope, rule.arguments.get('max_increase') is not none or rule.arguments.get('max_decrease') is not none)) -}}
{% endmacro %}


{#- A measure whose bounds come from the rule's earlier points, by `baseline` of its specification: low and high, both inclusive, and the same for a
    warning, in double precision. Without them it is not decided, and it passes with the bounds that are none only because it learns. NaN and the infinities are
    beyond every bound, the missing one too. -#}
{% macro stringx_with_baseline(rule, scope, may_fail) %}
  {%- set baseline, of = rule.get('baseline'), rule.arguments.of -%}
  {%- if baseline is none or baseline.get('fault') -%}
    {{- return({'fault': baseline.fault if baseline else 'its bounds come from earlier checks, and none came with the rule', 'may_fail': may_fail}) -}}
  {%- endif -%}
  {%- if of == 'row_count' -%}
    {%- set sql = {'measure': stringx_count([scope.both]), 'about_empty': true, 'counts_rows': true} -%}
  {%- elif of.function == 'age' -%}
    {%- set sql = {'measure': stringx_age(of.column, scope.types.get(of.column), [scope.both], '0s')} -%}
  {%- else -%}
    {%- set sql = {'measure': stringx_aggregate(of.function, of.column, of.get('p'), scope.both, scope.types.get(of.column))} -%}
  {%- endif -%}
  {%- set fails, warns = {'min': baseline.low, 'max': baseline.high}, {'min': baseline.warn_low, 'max': baseline.warn_high} -%}
  {%- set decides = fails if may_fail else warns -%}
  {%- if decides.min is none -%}{%- do decides.update({'min': '-Infinity', 'exclusive_min': true}) -%}{%- endif -%}
  {%- if decides.max is none -%}{%- do decides.update({'max': 'Infinity', 'exclusive_max': true}) -%}{%- endif -%}
  {%- if of != 'row_count' -%}{%- do sql.update({'shown': stringx_number_text(sql.measure)}) -%}{%- endif -%}
  {{- return(dict(sql, bounds=fails, warn_bounds=warns, fact=stringx_fact_of_double(), row_value=false, may_fail=may_fail)) -}}
{% endmacro %}
