{#- What DuckDB refuses beside the rules that every engine but PostgreSQL refuses. -#}


{% macro stringx_engine() %}{{- return('DuckDB') -}}{% endmacro %}


{#- The plain families whose order is PostgreSQL's. -#}
{% macro stringx_sorted_families() %}{{- return(stringx_plain_families()) -}}{% endmacro %}


{% macro stringx_refused_by_engine(rule, columns, types) %}{{- return(none) -}}{% endmacro %}


{#- {rule_key: why the rule is not run}, of those that are not refused yet. Each condition of a document is tried alone, without reading a row: beside expressions of a macro, DuckDB would take a
    name that is no column for the name of such an expression. -#}
{% macro stringx_refused_conditions(spec, relations, refused) %}
  {%- set found, tried, slots = {}, [], [] -%}
  {%- for table in spec.tables -%}
    {%- set number, relation = loop.index0, stringx_name(table.schema) ~ '.' ~ stringx_name(table.name) -%}
    {%- for rule in table.rules if relations[relation].reason is none -%}
      {%- set rule_key, arguments = number ~ '/' ~ loop.index0, rule.arguments -%}
      {%- set other = arguments.get('to_table') or arguments.get('other_table') -%}
      {%- set conditions = [(rule.get('where'), relation), (arguments.sql if rule.type == 'expression' else none, relation)] -%}
      {%- do conditions.append((arguments.get('to_where') or arguments.get('other_where'), stringx_relation(other))) if other -%}
      {%- for condition, about in conditions if rule_key not in refused and condition is not none and relations[about].reason is none -%}
        {%- do tried.append(rule_key) -%}
        {%- do slots.append({'sql': 'select count_if(' ~ stringx_condition(condition) ~ ')::varchar from ' ~ about ~ ' limit 0', 'timezone': table.timezone}) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- for answer in (adapter.stringx_answers(slots) if slots else []) -%}
    {%- do found.setdefault(tried[loop.index0], stringx_reason(answer)) if answer is mapping and answer.sqlstate[:2] != '22' -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
