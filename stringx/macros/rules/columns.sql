{#- Columns that are missing or unexpected, or, if ordered, in another place among the columns that both have. -#}
{% macro stringx_rule__columns(rule, scope) %}
  {%- set mode = rule.arguments.get('mode', 'exact') -%}
  {%- set wanted = [] -%}
  {%- for name in rule.arguments.names -%}{%- do wanted.append('(' ~ loop.index ~ ', ' ~ stringx_literal(name) ~ '::text collate "C")') -%}{%- endfor -%}
  {%- set statement -%}
    with there as ({{ stringx_attributes(scope) }}),
         wanted(place, name) as (values {{ wanted | join(', ') }}),
         compared as (
           select name, wanted.place as wanted_at, there.place as there_at,
                  row_number() over (partition by wanted.place is null or there.place is null order by wanted.place)
                  <> row_number() over (partition by wanted.place is null or there.place is null order by there.place) as moved
           from wanted full join there using (name)),
         wrong as (
           select name, coalesce(wanted_at, there_at) as place,
                  case when there_at is null then 'missing' when wanted_at is null then 'unexpected' else 'misplaced' end as fault
           from compared
           where there_at is null {{ 'or wanted_at is null' if mode != 'contains' }} {{ 'or wanted_at is not null and moved' if mode == 'ordered' }})
    select (select count(*) from wrong) as failures, null as measured,
           (select json_object_agg(fault, names)
            from (select fault, json_agg(name order by place) as names
                  from (select *, row_number() over (partition by fault order by place) as n from wrong) as numbered
                  where n <= 11  -- one more than a message names
                  group by fault) as by_fault) as found
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'none', 'found': true}) -}}
{% endmacro %}
