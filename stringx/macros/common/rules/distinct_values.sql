{#- Distinct values that are not listed (in, equal), and listed values that do not occur (contain, equal). -#}
{% macro stringx_rule__distinct_values(rule, scope) %}
  {%- set mode = rule.arguments.get('mode', 'in') -%}
  {%- set equal = 'listed.v' ~ stringx_operator(scope.types.get(rule.columns[0]), '=') ~ 'stringx_times_of.stringx_value' -%}
  {%- set statement -%}
    with listed(v) as ({{ stringx_typed_list(scope, rule.columns[0], rule.arguments['values']) }})
    select {{ '0' if mode == 'contain' else '(select count(*) from stringx_times_of where not exists (select 1 from listed where ' ~ equal ~ '))' }}
           + {{ '0' if mode == 'in' else '(select count(distinct listed.v) from listed where not exists (select 1 from stringx_times_of where ' ~ equal ~ '))' }} as failures,
           (select count(*) from stringx_times_of) as measured
  {%- endset -%}
  {{- return(dict(stringx_of_times(rule, scope, statement | string), total='none')) -}}
{% endmacro %}


{#- {statement, shares} of a rule that needs how often each value of its column occurs, in stringx_times_of(stringx_value, stringx_times). -#}
{% macro stringx_of_times(rule, scope, statement) %}
  {%- set value = stringx_compared(rule.columns[0], scope.types.get(rule.columns[0])) -%}
  {%- set with = 'stringx_times_of ' ~ stringx_as(true) ~ ' (select ' ~ value ~ ' as stringx_value, count(*) as stringx_times from ' ~ scope.relation
                 ~ stringx_where(stringx_all([scope.both, stringx_is_not_null(rule.columns[0])])) ~ ' group by ' ~ value ~ ')' -%}
  {{- return({'statement': 'with ' ~ with ~ '\nselect * from (' ~ statement ~ ') as stringx_decided', 'shares': {'with': with, 'statement': statement}}) -}}
{% endmacro %}
