{#- Whether the column has one of the types, by whatever alias it is called; a length or precision counts where it is given. -#}
{% macro stringx_rule__column_type(rule, scope) %}
  {%- set types = rule.arguments.get('types') or [rule.arguments.type] -%}
  {%- set tests = [] -%}
  {%- for type in types -%}
    {%- set modifier = modules.re.search('[(]([^)]*)[)]', type) -%}
    {%- set plain = modules.re.sub('\\s*[(][^)]*[)]', '', type) -%}
    {%- set test = 'to_regtype(' ~ stringx_literal(plain) ~ ') = atttypid' -%}
    {%- if modifier -%}
      {%- set test = test ~ " and substring(format_type(atttypid, atttypmod) from '[(](.*)[)]') = " ~ stringx_literal(modifier.group(1).replace(' ', '')) -%}
    {%- endif -%}
    {%- do tests.append('(' ~ test ~ ')') -%}
  {%- endfor -%}
  {%- set statement -%}
    select case when bool_or({{ tests | join(' or ') }}) then 0 else 1 end as failures,
           (select null::text from (select {{ stringx_name(rule.columns[0]) }} from {{ scope.relation }} limit 0) as must_exist) as measured
    from ({{ stringx_attributes(scope) }}) as attributes where name = {{ stringx_literal(rule.columns[0]) }}
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'none', 'holds': true}) -}}
{% endmacro %}
