{#- What is run in the snapshot: {name: SELECT of one JSON list}. A table's scan is named by its number, a rule's own
    statement by table and rule. Rules with an unreadable relation are left out; their outcome is an error. -#}
{% macro stringx_slots(tables, readable) %}
  {%- set slots = {} -%}
  {%- for table in tables if readable[table.relation].reason is none -%}
    {%- set all_parts = [stringx_base(table)] -%}
    {%- for rule in table.rules -%}
      {%- do rule.update({'parts': stringx_parts(rule) | length}) -%}
      {%- do all_parts.append(stringx_parts(rule)) -%}
    {%- endfor -%}
    {%- do slots.update({table.number | string: stringx_select(table, all_parts | sum(start=[]))}) -%}
    {%- for rule in table.rules if 'statement' in rule.sql and stringx_fault_of_relations(rule, readable) is none -%}
      {%- do slots.update({table.number ~ '/' ~ rule.number: 'select to_json(array[failures::text, measured::text])::text from (' ~ rule.sql.statement ~ '\n) as counted'}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(slots) -}}
{% endmacro %}


{#- Where a table's scan failed: the same parts rule by rule, so that the culprit alone is an error. -#}
{% macro stringx_slots_again(tables, slots, values) %}
  {%- set again = {} -%}
  {%- for table in tables if table.number | string in slots and values[table.number | string] is mapping -%}
    {%- do again.update({table.number ~ '/base': stringx_select(table, stringx_base(table))}) -%}
    {%- for rule in table.rules -%}
      {%- do again.update({table.number ~ '/' ~ rule.number ~ '/parts': stringx_select(table, stringx_parts(rule))}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(again) -}}
{% endmacro %}


{% macro stringx_select(table, parts) %}
  {%- set window_or_null = none if table.window is none else '(' ~ table.window ~ ' or ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return('select to_json(array[' ~ parts | join('::text,\n') ~ '::text])::text from ' ~ table.relation ~ stringx_where(window_or_null)) -}}
{% endmacro %}


{#- Rows in the window; rows whose window column is NULL. -#}
{% macro stringx_base(table) %}
  {%- set nulls = 'null' if table.window is none else 'count(*) filter (where ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return(['count(*)' ~ stringx_filter([table.window]), nulls]) -}}
{% endmacro %}


{#- What a rule takes from the scan: its total, and by its shape failures, or a measure and whether it is out of bounds. -#}
{% macro stringx_parts(rule) %}
  {%- set total = 'count(*)' ~ stringx_filter([rule.scope.both]) -%}
  {%- if 'violation' in rule.sql -%}
    {{- return([total, 'count(*)' ~ stringx_filter([rule.scope.both, '(' ~ rule.sql.violation ~ ')'])]) -}}
  {%- elif 'measure' in rule.sql -%}
    {%- set measure = rule.sql.measure -%}
    {{- return([total, '(' ~ measure ~ ')', stringx_outside(measure, rule.spec.arguments), stringx_outside(measure, rule.spec.arguments.get('warn', {}))]) -}}
  {%- endif -%}
  {{- return([total]) -}}
{% endmacro %}


{#- The reason why a rule's own relations cannot be read, or none. -#}
{% macro stringx_fault_of_relations(rule, readable) %}
  {%- for relation in rule.sql.get('relations', []) if readable[relation].reason is not none -%}
    {{- return(readable[relation].reason) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}
