{#- Whether one of the most frequent values is listed, or, with `ties: fail`, all of them; without any value the rule does not hold. -#}
{% macro stringx_rule__most_common_value(rule, scope) %}
  {%- set value = stringx_compared(rule.columns[0], scope.types.get(rule.columns[0])) -%}
  {%- set rows = scope.relation ~ stringx_where(stringx_all([scope.both, stringx_is_not_null(rule.columns[0])])) -%}
  {%- set statement -%}
    with stringx_counted as (
           select {{ value }} as stringx_value, count(*) as stringx_times from {{ rows }} group by {{ value }}),
         stringx_listed(stringx_value) as ({{ stringx_typed_list(scope, rule.columns[0], rule.arguments['values']) }}),
         stringx_first as (
           select exists (select from stringx_listed where stringx_listed.stringx_value{{ stringx_operator(scope.types.get(rule.columns[0]), '=') }}stringx_counted.stringx_value) as stringx_is_listed
           from stringx_counted where stringx_times = (select max(stringx_times) from stringx_counted))
    select case when {{ 'bool_and' if rule.arguments.get('ties') == 'fail' else 'bool_or' }}(stringx_is_listed) then 0 else 1 end as failures, null as measured
    from stringx_first
  {%- endset -%}
  {{- return({'statement': statement | string, 'holds': true}) -}}
{% endmacro %}
