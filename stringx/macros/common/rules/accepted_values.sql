{#- A value that is not in the list. Without a list no value is. -#}
{% macro stringx_rule__accepted_values(rule, scope) %}
  {%- if not rule.arguments['values'] -%}{{- return({'violation': stringx_is_not_null(rule.columns[0])}) -}}{%- endif -%}
  {{- return({'violation': 'not (' ~ stringx_is_listed(rule, scope) ~ ')'}) -}}
{% endmacro %}


{#- Whether the column's value is in the list; NULL for NULL. -#}
{% macro stringx_is_listed(rule, scope) %}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set name = stringx_compared(rule.columns[0], fact) -%}
  {%- if rule.arguments.get('case_sensitive', true) -%}
    {%- if fact is not none and fact.schema is not none -%}
      {{- return(name ~ stringx_operator(fact, '=') ~ 'any (array[' ~ stringx_values(rule.arguments['values'], fact) ~ '])') -}}
    {%- endif -%}
    {%- set as_texts = fact is none or fact.family in ('text', 'enum') and not fact.padded -%}
    {%- set values = stringx_literals(rule.arguments['values']) if as_texts else stringx_values(rule.arguments['values'], fact) -%}
    {{- return(name ~ (' in (' ~ values ~ ')' if rule.arguments['values'] | length <= 20 else stringx_in_many(values))) -}}
  {%- endif -%}
  {%- set lowered = [] -%}
  {%- for value in rule.arguments['values'] -%}{%- do lowered.append('lower(' ~ stringx_literal(value) ~ ')') -%}{%- endfor -%}
  {%- set values = lowered | join(', ') -%}
  {{- return('lower(' ~ stringx_text(rule.columns[0], fact) ~ ')' ~ (' in (' ~ values ~ ')' if lowered | length <= 20 else stringx_in_many(values))) -}}
{% endmacro %}
