{#- Columns that are missing or unexpected, or, if ordered, in another place among the columns that both have. -#}
{% macro stringx_rule__columns(rule, scope) %}
  {%- set mode, wanted, there = rule.arguments.get('mode', 'exact'), rule.arguments.names, scope.types | list -%}
  {%- set missing, unexpected, misplaced = [], [], [] -%}
  {%- for name in wanted if name not in there -%}{%- do missing.append(name) -%}{%- endfor -%}
  {%- for name in there if mode != 'contains' and name not in wanted -%}{%- do unexpected.append(name) -%}{%- endfor -%}
  {%- if mode == 'ordered' -%}
    {%- set common = there | select('in', wanted) | list -%}
    {%- for name in wanted | select('in', there) -%}{%- do misplaced.append(name) if common[loop.index0] != name -%}{%- endfor -%}
  {%- endif -%}
  {%- set found = {} -%}
  {%- for fault, names in {'misplaced': misplaced, 'missing': missing, 'unexpected': unexpected}.items() if names -%}{%- do found.update({fault: names[:11]}) -%}{%- endfor -%}
  {{- return({'statement': 'select ' ~ (missing | length + unexpected | length + misplaced | length) ~ ' as failures, null as measured, '
                           ~ (stringx_json_literal(tojson(found)) if found else 'null') ~ ' as found', 'total': 'none', 'found': true}) -}}
{% endmacro %}
