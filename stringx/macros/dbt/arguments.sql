{#- The arguments that a rule gives a generic test: {values, config, doubtful: texts that are neither plain values nor checked SQL, names: the arguments with such
    texts, refers: whether values may have {ref: model}, relations: those that the arguments name, fault}. Settings of a test among its arguments are its config, as in dbt.
    `{relation: schema.table}` and `{ref: model}` become relations, at any depth. -#}
{% macro stringx_dbt_given(rule) %}
  {%- set values = {} -%}
  {%- set config = dict(rule.arguments.get('config') or {}) -%}
  {%- set doubtful, names, relations = [], [], [] -%}
  {%- set fine = rule.get('expressions') or [] -%}
  {%- set settings = ('severity', 'tags', 'enabled', 'where', 'limit', 'warn_if', 'error_if', 'fail_calc', 'store_failures', 'store_failures_as', 'meta', 'database', 'schema', 'alias') -%}
  {%- for key, value in (rule.arguments.get('arguments') or {}).items() -%}
    {%- if key == 'config' and value is mapping -%}
      {%- do config.update(value) -%}
    {%- elif key in settings -%}
      {%- do config.update({key: value}) if value is not none -%}
    {%- elif key not in ('name', 'description') -%}
      {%- set one = stringx_dbt_argument(value, fine) -%}
      {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
      {%- do values.update({key: one.value}) -%}
      {%- do names.append(key) if one.doubtful -%}
      {%- do doubtful.extend(one.doubtful) -%}
      {%- do relations.extend(one.relations) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for key in ('where', 'warn_if', 'error_if', 'fail_calc') if config.get(key) is string and config[key] not in fine -%}
    {%- do doubtful.append(config[key]) -%}
    {%- do names.append(key) -%}
  {%- endfor -%}
  {{- return({'values': values, 'config': config, 'doubtful': doubtful, 'names': names, 'refers': true, 'relations': relations, 'fault': none}) -}}
{% endmacro %}


{#- {value, doubtful, relations} of one argument, or {fault}; `fine` are the texts that were checked as SQL expressions. -#}
{% macro stringx_dbt_argument(value, fine) %}
  {%- if value is mapping and value | list == ['relation'] -%}
    {%- set quoted = stringx_relation(value.relation) -%}
    {%- set parts = modules.re.fullmatch('"((?:[^"]|"")+)"[.]"((?:[^"]|"")+)"', quoted) -%}
    {{- return({'value': stringx_dbt_relation(parts.group(1) | replace('""', '"'), parts.group(2) | replace('""', '"')), 'doubtful': [], 'relations': [quoted]}) -}}
  {%- elif value is mapping and value | list == ['ref'] -%}
    {%- if value.ref not in stringx_project().models -%}{{- return({'fault': 'the dbt project has no model ' ~ value.ref}) -}}{%- endif -%}
    {{- return({'value': value, 'doubtful': [], 'relations': []}) -}}
  {%- elif value is string -%}
    {%- set plain = modules.re.fullmatch('[\\w.:-]*', value) and '--' not in value -%}
    {{- return({'value': value, 'doubtful': [] if plain or value in fine else [value], 'relations': []}) -}}
  {%- elif value is not mapping and value is not sequence -%}
    {{- return({'value': value, 'doubtful': [], 'relations': []}) -}}
  {%- endif -%}
  {%- set items, doubtful, relations = [], [], [] -%}
  {%- for item in (value.values() if value is mapping else value) -%}
    {%- set one = stringx_dbt_argument(item, fine) -%}
    {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
    {%- do items.append(one.value) -%}
    {%- do doubtful.extend(one.doubtful) -%}
    {%- do relations.extend(one.relations) -%}
  {%- endfor -%}
  {{- return({'value': dict(zip(value, items)) if value is mapping else items, 'doubtful': doubtful, 'relations': relations}) -}}
{% endmacro %}


{#- Arguments of a declared test as dbt stores them: a text that is one expression becomes its value, another text is rendered. -#}
{% macro stringx_dbt_rendered(value, key='') %}
  {%- if value is string and key != 'column_name' -%}
    {%- set call = modules.re.match('\\s*(env_var|ref|var|source|doc)\\s*[(].+[)]\\s*$', value) -%}
    {%- set one = modules.re.fullmatch('(?s)[{][{]-?(.*?)-?[}][}]', value) -%}
    {%- if not call and (not one or '{{' in one.group(1) or '}}' in one.group(1)) -%}{{- return(render(value)) -}}{%- endif -%}
    {%- do render('{% do context.update({"stringx_value": (' ~ (value if call else one.group(1)) ~ ')}) %}') -%}
    {%- set result = context['stringx_value'] -%}
    {%- if result is string and modules.re.search('[|]\\s*as_(native|bool|number)\\s*$', value if call else one.group(1)) -%}
      {{- return(fromyaml(result, result)) -}}
    {%- endif -%}
    {{- return(result) -}}
  {%- elif value is mapping -%}
    {%- set items = {} -%}
    {%- for name, item in value.items() -%}{%- do items.update({name: stringx_dbt_rendered(item)}) -%}{%- endfor -%}
    {{- return(items) -}}
  {%- elif value is sequence and value is not string -%}
    {%- set items = [] -%}
    {%- for item in value -%}{%- do items.append(stringx_dbt_rendered(item)) -%}{%- endfor -%}
    {{- return(items) -}}
  {%- endif -%}
  {{- return(value) -}}
{% endmacro %}
