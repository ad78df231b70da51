{#- How much a measure has changed against an earlier point, which DataOps keeps: its bounds come with the specification. -#}
{% macro stringx_rule__change(rule, scope) %}
  {{- return(stringx_with_baseline(rule, scope, rule.arguments.get('max_increase') is not none or rule.arguments.get('max_decrease') is not none)) -}}
{% endmacro %}


{#- A measure whose bounds come from the rule's earlier points, by `baseline` of its specification: low and high, both inclusive, and the same for a
    warning. Without them it is not decided, and it passes with the bounds that are none only because it learns.

    NaN and the infinities are beyond every bound, the missing one too, and so are numbers that DataOps reads no more in full: they would be no
    point to compare with. -#}
{% macro stringx_with_baseline(rule, scope, may_fail) %}
  {%- set baseline, of = rule.get('baseline'), rule.arguments.of -%}
  {%- if baseline is none or baseline.get('fault') -%}
    {{- return({'fault': baseline.fault if baseline else 'its bounds come from earlier checks, and none came with the rule', 'may_fail': may_fail}) -}}
  {%- endif -%}
  {%- set sql = stringx_measure_to_compare(rule, scope) -%}
  {%- if sql.fault -%}{{- return(dict(sql, may_fail=may_fail)) -}}{%- endif -%}
  {%- if of == 'row_count' -%}{%- set sql = dict(sql, about_empty=true, counts_rows=true) -%}{%- endif -%}
  {%- set fails, warns = {'min': baseline.low, 'max': baseline.high}, {'min': baseline.warn_low, 'max': baseline.warn_high} -%}
  {%- set decides, most = fails if may_fail else warns, 'Infinity' if sql.fact.family == 'float' else '1e150' -%}
  {%- if decides.min is none -%}{%- do decides.update({'min': '-' ~ most, 'exclusive_min': true}) -%}{%- endif -%}
  {%- if decides.max is none -%}{%- do decides.update({'max': most, 'exclusive_max': true}) -%}{%- endif -%}
  {{- return(dict(sql, bounds=fails, warn_bounds=warns, row_value=false, may_fail=may_fail)) -}}
{% endmacro %}
