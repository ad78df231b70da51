{#- Distinct values that are not listed (in, equal), and listed values that do not occur (contain, equal). -#}
{% macro stringx_rule__distinct_values(rule, scope) %}
  {%- set mode, values, fact = rule.arguments.get('mode', 'in'), rule.arguments['values'], scope.types.get(rule.columns[0]) -%}
  {%- set statement -%}
    with {{ stringx_times_of(rule, scope) }},
         stringx_listed as ({{ stringx_listed(values, fact) }})
    select {{ '0' if mode == 'contain' else '(select count(*) from stringx_times_of where not exists (select 1 from stringx_listed where stringx_listed.v = stringx_times_of.v))' }}
           + {{ '0' if mode == 'in' else '(select count(distinct stringx_listed.v) from stringx_listed where not exists (select 1 from stringx_times_of where stringx_listed.v = stringx_times_of.v))' }} as failures,
           (select count(*) from stringx_times_of) as measured
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'none'}) -}}
{% endmacro %}


{#- How often each value of the rule's column occurs, stringx_times_of(v, times). -#}
{% macro stringx_times_of(rule, scope) %}
  {%- set value = stringx_compared(rule.columns[0], scope.types.get(rule.columns[0])) -%}
  {{- return('stringx_times_of as materialized (select read.v, count(*) as times from (select ' ~ value ~ ' as v from ' ~ scope.relation
             ~ stringx_where(stringx_all([scope.both, stringx_is_not_null(rule.columns[0])])) ~ ') as read group by read.v)') -}}
{% endmacro %}


{#- Values of a document as rows of v. -#}
{% macro stringx_listed(values, fact) %}
  {%- set rows, fit = [], not fact or fact.family not in ('integer', 'decimal') or stringx_fit_together(values) -%}
  {%- for value in values -%}{%- do rows.append('(' ~ (stringx_value(value, fact) if fit else stringx_no_value(value)) ~ ')') -%}{%- endfor -%}
  {%- set nothing = 'select v from stringx_times_of where false' -%}
  {{- return(nothing if not rows else 'select v from (values ' ~ rows | join(', ') ~ ') as given(v)') -}}
{% endmacro %}
