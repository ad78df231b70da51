{#- Columns that are missing or unexpected, or (ordered) stand in another place among those that both have. -#}
{% macro stringx_rule__columns(rule, scope) %}
  {%- set mode = rule.arguments.get('mode', 'exact') -%}
  {%- set wanted = [] -%}
  {%- for name in rule.arguments.names -%}{%- do wanted.append('(' ~ loop.index ~ ', ' ~ stringx_literal(name) ~ '::text)') -%}{%- endfor -%}
  {%- set statement -%}
    with found as ({{ stringx_attributes(scope) }}),
         wanted(place, name) as (values {{ wanted | join(', ') }}),
         both_have as (
           select row_number() over (order by found.place) as here, row_number() over (order by wanted.place) as there
           from found join wanted using (name))
    select (select count(*) from wanted where name not in (select name from found))
         + {{ '0' if mode == 'contains' else '(select count(*) from found where name not in (select name from wanted))' }}
         + {{ '(select count(*) from both_have where here <> there)' if mode == 'ordered' else '0' }} as failures, null as measured
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'none'}) -}}
{% endmacro %}
