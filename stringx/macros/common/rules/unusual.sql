{#- Whether a measure lies in the band of its earlier points, which DataOps keeps. It warns, unless its severity is `error`. -#}
{% macro stringx_rule__unusual(rule, scope) %}
  {{- return(stringx_with_baseline(rule, scope, rule.warn_above is none)) -}}
{% endmacro %}
