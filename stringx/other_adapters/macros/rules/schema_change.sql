{#- Columns that were added or removed, or have another type, since the check before: `before` of the specification has its columns and types. -#}
{% macro stringx_rule__schema_change(rule, scope) %}
  {%- set before, there = rule.get('before'), {} -%}
  {%- for name, fact in scope.types.items() -%}{%- do there.update({name: fact.type}) -%}{%- endfor -%}
  {%- set earlier = before.state.columns if before else there -%}
  {%- set changed = {'added': [], 'removed': [], 'retyped': []} -%}
  {%- for name, type in there.items() -%}
    {%- if name not in earlier -%}{%- do changed.added.append(name) -%}
    {%- elif earlier[name] != type -%}{%- do changed.retyped.append((name ~ ' from ' ~ earlier[name] ~ ' to ' ~ type)[:300]) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for name in earlier | sort(case_sensitive=true) if name not in there -%}{%- do changed.removed.append(name) -%}{%- endfor -%}
  {%- set wrong = namespace(count=0) -%}
  {%- set found = {'at': before.at} if before else {'first': 'there is no earlier check to compare with'} -%}
  {%- for kind, names in changed.items() if names and kind not in rule.arguments.get('allow', []) -%}
    {%- set wrong.count = wrong.count + names | length -%}
    {%- do found.update({kind: names[:11]}) -%}
  {%- endfor -%}
  {%- set remember = {'columns': there} -%}
  {{- return({'statement': 'select ' ~ wrong.count ~ ' as failures, null as measured, ' ~ stringx_json_literal(tojson(found)) ~ ' as found, ' ~ stringx_json_literal(tojson(remember)) ~ ' as remember',
              'total': 'none', 'found': true, 'remembers': true}) -}}
{% endmacro %}
