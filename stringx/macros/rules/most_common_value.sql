{#- Whether one of the most frequent values is listed; without any value none is. -#}
{% macro stringx_rule__most_common_value(rule, scope) %}
  {%- set value = stringx_name(rule.columns[0]) -%}
  {%- set statement -%}
    with found as (
           select {{ value }} as v, count(*) as times from {{ scope.relation }}{{ stringx_where(stringx_all([scope.both, value ~ ' is not null'])) }} group by 1),
         listed(v) as ({{ stringx_typed_list(scope, rule.columns[0], rule.arguments['values']) }})
    select case when exists (
      select from found where times = (select max(times) from found) and exists (select from listed where listed.v = found.v)
    ) then 0 else 1 end as failures, null as measured
  {%- endset -%}
  {{- return({'statement': statement | string, 'holds': true}) -}}
{% endmacro %}
