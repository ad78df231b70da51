{#- Whether one of the most frequent values is listed, or, with `ties: fail`, all of them; without any value the rule does not hold. -#}
{% macro stringx_rule__most_common_value(rule, scope) %}
  {%- set statement -%}
    with stringx_listed(stringx_value) as ({{ stringx_typed_list(scope, rule.columns[0], rule.arguments['values']) }}),
         stringx_first as (
           select exists (select 1 from stringx_listed where stringx_listed.stringx_value{{ stringx_operator(scope.types.get(rule.columns[0]), '=') }}stringx_times_of.stringx_value) as stringx_is_listed
           from stringx_times_of where stringx_times = (select max(stringx_times) from stringx_times_of))
    select case when {{ 'bool_and' if rule.arguments.get('ties') == 'fail' else 'bool_or' }}(stringx_is_listed) then 0 else 1 end as failures, null as measured
    from stringx_first
  {%- endset -%}
  {{- return(dict(stringx_of_times(rule, scope, statement | string), holds=true)) -}}
{% endmacro %}
