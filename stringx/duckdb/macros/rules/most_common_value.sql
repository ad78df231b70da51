{#- Whether one of the most frequent values is listed, or, with `ties: fail`, all of them; without any value the rule does not hold. -#}
{% macro stringx_rule__most_common_value(rule, scope) %}
  {%- set statement -%}
    with {{ stringx_times_of(rule, scope) }},
         stringx_listed as ({{ stringx_listed(rule.arguments['values'], scope.types.get(rule.columns[0])) }}),
         stringx_first as (
           select stringx_times_of.v in (select v from stringx_listed) as is_listed
           from stringx_times_of where times = (select max(times) from stringx_times_of))
    select case when {{ 'bool_and' if rule.arguments.get('ties') == 'fail' else 'bool_or' }}(is_listed) then 0 else 1 end as failures, null as measured
    from stringx_first
  {%- endset -%}
  {{- return({'statement': statement | string, 'holds': true}) -}}
{% endmacro %}
