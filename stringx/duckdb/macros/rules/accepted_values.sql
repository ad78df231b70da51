{#- A value that is not in the list. Without a list no value is. -#}
{% macro stringx_rule__accepted_values(rule, scope) %}
  {%- if not rule.arguments['values'] -%}{{- return({'violation': stringx_is_not_null(rule.columns[0])}) -}}{%- endif -%}
  {{- return({'violation': 'not (' ~ stringx_is_listed(rule, scope) ~ ')'}) -}}
{% endmacro %}


{#- Whether the column's value is in the list; NULL for NULL. -#}
{% macro stringx_is_listed(rule, scope) %}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- if rule.arguments.get('case_sensitive', true) -%}
    {%- set texts = fact and fact.family in ('text', 'enum') -%}
    {%- set values = stringx_literals(rule.arguments['values']) if texts else stringx_values(rule.arguments['values'], fact) -%}
    {{- return(stringx_compared(rule.columns[0], fact) ~ stringx_in(values, rule.arguments['values'] | length)) -}}
  {%- endif -%}
  {%- set lowered = [] -%}
  {%- for value in rule.arguments['values'] -%}{%- do lowered.append('lower(' ~ stringx_literal(value) ~ ')') -%}{%- endfor -%}
  {{- return('lower(' ~ stringx_text(rule.columns[0], fact) ~ ')' ~ stringx_in(lowered | join(', '), lowered | length)) -}}
{% endmacro %}


{#- IN these values. Of many DuckDB makes a table that it joins; in a list it would look at each for each row. -#}
{% macro stringx_in(values, number) %}
  {{- return(' in (select unnest([' ~ values ~ ']))' if number > 20 else ' in (' ~ values ~ ')') -}}
{% endmacro %}
