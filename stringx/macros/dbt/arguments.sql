{#- What a rule gives a generic test: {values, config, doubtful, fault}. Settings of a test that stand among its arguments are its config,
    as in dbt. `{relation: schema.table}` and `{ref: model}` become relations, at any depth, which are noted in `relations`. -#}
{% macro stringx_dbt_given(rule, relations) %}
  {%- set values = {} -%}
  {%- set config = dict(rule.arguments.get('config') or {}) -%}
  {%- set doubtful = [] -%}
  {%- set names = [] -%}
  {%- set fine = rule.get('expressions') or [] -%}
  {%- set settings = ('severity', 'tags', 'enabled', 'where', 'limit', 'warn_if', 'error_if', 'fail_calc', 'store_failures', 'store_failures_as', 'meta', 'database', 'schema', 'alias') -%}
  {%- for key, value in (rule.arguments.get('arguments') or {}).items() -%}
    {%- if key == 'config' and value is mapping -%}
      {%- do config.update(value) -%}
    {%- elif key in settings -%}
      {%- do config.update({key: value}) if value is not none -%}
    {%- elif key not in ('name', 'description') -%}
      {%- set known = doubtful | length -%}
      {%- set one = stringx_dbt_argument(value, relations, fine, doubtful) -%}
      {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
      {%- do values.update({key: one.value}) -%}
      {%- do names.append(key) if doubtful | length > known -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for key in ('where', 'warn_if', 'error_if', 'fail_calc') if config.get(key) is string and config[key] not in fine -%}
    {%- do doubtful.append(config[key]) -%}
    {%- do names.append(key) -%}
  {%- endfor -%}
  {{- return({'values': values, 'config': config, 'doubtful': doubtful, 'names': names, 'refers': true, 'fault': none}) -}}
{% endmacro %}


{% macro stringx_dbt_argument(value, relations, fine, doubtful) %}
  {%- if value is mapping and value | list == ['relation'] -%}
    {%- set quoted = stringx_relation(value.relation) -%}
    {%- do relations.append(quoted) -%}
    {%- set parts = modules.re.fullmatch('"((?:[^"]|"")+)"[.]"((?:[^"]|"")+)"', quoted) -%}
    {{- return({'value': stringx_dbt_relation(parts.group(1) | replace('""', '"'), parts.group(2) | replace('""', '"'))}) -}}
  {%- elif value is mapping and value | list == ['ref'] -%}
    {%- if value.ref not in stringx_project().models -%}{{- return({'fault': 'the dbt project has no model ' ~ value.ref}) -}}{%- endif -%}
    {{- return({'value': value}) -}}
  {%- elif value is mapping -%}
    {%- set found = {} -%}
    {%- for key, item in value.items() -%}
      {%- set one = stringx_dbt_argument(item, relations, fine, doubtful) -%}
      {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
      {%- do found.update({key: one.value}) -%}
    {%- endfor -%}
    {{- return({'value': found}) -}}
  {%- elif value is sequence and value is not string -%}
    {%- set items = [] -%}
    {%- for item in value -%}
      {%- set one = stringx_dbt_argument(item, relations, fine, doubtful) -%}
      {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
      {%- do items.append(one.value) -%}
    {%- endfor -%}
    {{- return({'value': items}) -}}
  {%- elif value is string -%}
    {%- set plain = modules.re.fullmatch('[\\w.:-]*', value) and '--' not in value -%}
    {%- do doubtful.append(value) if not plain and value not in fine -%}
  {%- endif -%}
  {{- return({'value': value}) -}}
{% endmacro %}


{#- Arguments of a declared test as dbt stores them: text that is one expression gives its value, other text is rendered. -#}
{% macro stringx_dbt_rendered(value, key='') %}
  {%- if value is string and key != 'column_name' -%}
    {%- set call = modules.re.match('\\s*(env_var|ref|var|source|doc)\\s*[(].+[)]\\s*$', value) -%}
    {%- set one = modules.re.fullmatch('(?s)[{][{]-?(.*?)-?[}][}]', value) -%}
    {%- if not call and (not one or '{{' in one.group(1) or '}}' in one.group(1)) -%}{{- return(render(value)) -}}{%- endif -%}
    {%- do render('{% do context.update({"stringx_value": (' ~ (value if call else one.group(1)) ~ ')}) %}') -%}
    {%- set found = context['stringx_value'] -%}
    {%- if found is string and modules.re.search('[|]\\s*as_(native|bool|number)\\s*$', value if call else one.group(1)) -%}
      {{- return(fromyaml(found, found)) -}}
    {%- endif -%}
    {{- return(found) -}}
  {%- elif value is mapping -%}
    {%- set found = {} -%}
    {%- for name, item in value.items() -%}{%- do found.update({name: stringx_dbt_rendered(item)}) -%}{%- endfor -%}
    {{- return(found) -}}
  {%- elif value is sequence and value is not string -%}
    {%- set items = [] -%}
    {%- for item in value -%}{%- do items.append(stringx_dbt_rendered(item)) -%}{%- endfor -%}
    {{- return(items) -}}
  {%- endif -%}
  {{- return(value) -}}
{% endmacro %}
