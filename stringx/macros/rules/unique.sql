{#- Rows beyond the first of each key; measured is the number of keys that repeat. In a window: its rows whose key occurs
    again in the table, less one for each key that occurs only inside. -#}
{% macro stringx_rule__unique(rule, scope) %}
  {%- set present = [] -%}
  {%- for column in rule.columns -%}
    {%- do present.append(stringx_name(column) ~ ' is not null') -%}
  {%- endfor -%}
  {%- set keyed = none if rule.arguments.get('nulls', 'ignore') == 'equal' else present | join(' and ') -%}
  {%- set inside = 'count(*)' ~ stringx_filter([scope.window]) -%}
  {%- set repeated -%}
    (
      select {{ stringx_names(rule.columns) | join(', ') }}, count(*) as stringx_everywhere, {{ inside }} as stringx_inside
      from {{ scope.relation }}{{ stringx_where(stringx_all([scope.where, keyed])) }}
      group by {{ stringx_names(rule.columns) | join(', ') }}
      having count(*) > 1 and {{ inside }} > 0
    ) as repeated
  {%- endset -%}
  {%- set keys = stringx_names(rule.columns) | join(', ') -%}
  {%- set times = '"count(*)"' if 'count' in rule.columns else '"count"' -%}
  {{- return({
    'statement': 'select coalesce(sum(case when stringx_everywhere = stringx_inside then stringx_inside - 1 else stringx_inside end), 0) as failures,'
                 ~ ' count(*) as measured from ' ~ repeated,
    'sample': {'keys': 'select ' ~ keys ~ ', stringx_everywhere as ' ~ times ~ ' from ' ~ repeated ~ ' order by stringx_everywhere desc, ' ~ keys}
  }) -}}
{% endmacro %}


{% macro stringx_proof__unique(rule, scope) %}
  {{- return({'kind': 'unique', 'relation': scope.relation, 'columns': rule.columns, 'measured': 0,
              'nulls_equal': rule.arguments.get('nulls', 'ignore') == 'equal'}) -}}
{% endmacro %}
