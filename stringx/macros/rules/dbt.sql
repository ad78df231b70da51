{#- A dbt test as a rule: a generic test called with the table and arguments, or a test of the project by its node name.
    Counted by the test's own fail_calc; where that cannot be known the rule is not decided. -#}
{% macro stringx_rule__dbt(rule, scope) %}
  {%- set name = rule.arguments.test -%}
  {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'test') | selectattr('name', 'equalto', name.split('.')[-1]) | list -%}
  {%- set nodes = nodes | selectattr('package_name', 'equalto', name.split('.')[0]) | list if '.' in name else nodes -%}
  {%- if nodes and not nodes[0].config.get('meta', {}).get('stringx_gate') -%}
    {{- return(stringx_dbt_node(rule, scope, nodes)) -}}
  {%- endif -%}
  {%- set package = context.get(name.split('.')[0]) if '.' in name else context -%}
  {%- set test = stringx_find(package, ['test_' ~ name.split('.')[-1]]) -%}
  {%- if test is none -%}
    {{- return({'fault': 'the dbt project has no test ' ~ name ~ '; install its package, or correct the name'}) -}}
  {%- endif -%}
  {%- do context.update({'ref': stringx_ref, 'source': stringx_source}) -%}
  {%- set relations = [] -%}
  {%- set found = stringx_dbt_arguments(rule.arguments.get('arguments') or {}, relations) -%}
  {%- if found.fault -%}{{- return({'fault': found.fault}) -}}{%- endif -%}
  {%- do found['values'].update({'model': stringx_dbt_model(stringx_dbt_relation(scope.schema, scope.name), [scope.where])}) -%}
  {%- if rule.columns -%}{%- do found['values'].update({'column_name': stringx_name(rule.columns[0])}) -%}{%- endif -%}
  {%- set fault = stringx_fault_of_call(test.macro.macro_sql, found['values']) -%}
  {%- if fault is not none -%}{{- return({'fault': 'dbt test ' ~ name ~ ': ' ~ fault}) -}}{%- endif -%}
  {%- set fail_calc = stringx_fail_calc([stringx_find(package, ['postgres__test_' ~ name.split('.')[-1], 'default__test_' ~ name.split('.')[-1]]), test]) -%}
  {{- return(stringx_dbt_statement(test(**found['values']), fail_calc, relations)) -}}
{% endmacro %}


{#- A test of the project: a singular one by its code, a declared one by its macro and its own arguments. -#}
{% macro stringx_dbt_node(rule, scope, nodes) %}
  {%- set node = nodes[0] -%}
  {%- if nodes | length > 1 -%}{{- return({'fault': 'the dbt project has ' ~ nodes | length ~ ' tests of this name; put the package before it'}) -}}{%- endif -%}
  {%- if rule.arguments.get('arguments') or rule.columns -%}
    {{- return({'fault': 'a test of the project brings its own column and arguments; leave them out'}) -}}
  {%- endif -%}
  {%- do context.update({'ref': stringx_ref, 'source': stringx_source}) -%}
  {%- set relations = [] -%}
  {%- for id in node.depends_on.nodes -%}{%- do relations.append(stringx_name_of_node(stringx_node(id))) -%}{%- endfor -%}
  {%- set metadata = node.get('test_metadata') -%}
  {%- if not metadata -%}
    {{- return(stringx_dbt_statement(render(node.raw_code), node.config.fail_calc, relations)) -}}
  {%- endif -%}
  {%- set values = {} -%}
  {%- for key, value in metadata.kwargs.items() if key != 'model' -%}{%- do values.update({key: stringx_dbt_rendered(value, key)}) -%}{%- endfor -%}
  {%- set checked = stringx_node(node.attached_node or node.depends_on.nodes[-1]) -%}
  {%- do values.update({'model': stringx_dbt_model(stringx_dbt_relation(checked.schema, checked.get('alias') or checked.identifier), [node.config.where, scope.where])}) -%}
  {%- set package = context.get(metadata.namespace) if metadata.namespace else context -%}
  {{- return(stringx_dbt_statement(package['test_' ~ metadata.name](**values), node.config.fail_calc, relations)) -}}
{% endmacro %}


{% macro stringx_dbt_statement(sql, fail_calc, relations) %}
  {%- if fail_calc is none -%}
    {{- return({'fault': 'how the dbt test counts its failures (fail_calc) cannot be known from its source'}) -}}
  {%- endif -%}
  {%- set found = '\n' ~ sql ~ '\n' -%}
  {{- return({'statement': 'select coalesce((' ~ fail_calc ~ ')::numeric, 0) as failures, null as measured from (' ~ found ~ ') as dbt_internal_test',
              'total': 'none', 'relations': relations, 'sample': {'query': found}}) -}}
{% endmacro %}


{#- The relation itself, or a subquery of its rows for which the conditions hold, as dbt makes one of a test's `where`. -#}
{% macro stringx_dbt_model(relation, conditions) %}
  {%- set condition = stringx_all(conditions) -%}
  {{- return(relation if condition is none else '(select * from ' ~ relation ~ stringx_where(condition) ~ ') dbt_subquery') -}}
{% endmacro %}


{#- dbt quotes a relation's parts and leaves a quote inside of them alone. -#}
{% macro stringx_dbt_relation(schema, name) %}
  {{- return(api.Relation.create(database=target.dbname, schema=schema | replace('"', '""'), identifier=name | replace('"', '""'),
                                 quote_policy={'database': true, 'schema': true, 'identifier': true}).include(database=false)) -}}
{% endmacro %}


{#- {values, fault}: `{relation: schema.table}` and `{ref: model}` as relations, at any depth, which are noted in `relations`. -#}
{% macro stringx_dbt_arguments(arguments, relations) %}
  {%- set values = {} -%}
  {%- for key, value in arguments.items() -%}
    {%- set one = stringx_dbt_argument(value, relations) -%}
    {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
    {%- do values.update({key: one.value}) -%}
  {%- endfor -%}
  {{- return({'values': values, 'fault': none}) -}}
{% endmacro %}


{% macro stringx_dbt_argument(value, relations) %}
  {%- if value is mapping and value | list == ['relation'] -%}
    {%- set quoted = stringx_relation(value.relation) -%}
    {%- do relations.append(quoted) -%}
    {%- set parts = modules.re.fullmatch('"((?:[^"]|"")+)"[.]"((?:[^"]|"")+)"', quoted) -%}
    {{- return({'value': stringx_dbt_relation(parts.group(1) | replace('""', '"'), parts.group(2) | replace('""', '"'))}) -}}
  {%- elif value is mapping and value | list == ['ref'] -%}
    {%- set node = stringx_model(value.ref) -%}
    {%- if node is none -%}{{- return({'fault': 'the dbt project has no model ' ~ value.ref}) -}}{%- endif -%}
    {%- do relations.append(stringx_name_of_node(node)) -%}
    {{- return({'value': stringx_dbt_relation(node.schema, node.alias)}) -}}
  {%- elif value is mapping -%}
    {%- set inner = stringx_dbt_arguments(value, relations) -%}
    {{- return(inner if inner.fault else {'value': inner['values']}) -}}
  {%- elif value is sequence and value is not string -%}
    {%- set items = [] -%}
    {%- for item in value -%}
      {%- set one = stringx_dbt_argument(item, relations) -%}
      {%- if one.fault -%}{{- return(one) -}}{%- endif -%}
      {%- do items.append(one.value) -%}
    {%- endfor -%}
    {{- return({'value': items}) -}}
  {%- endif -%}
  {{- return({'value': value}) -}}
{% endmacro %}


{#- What `ref` and `source` give inside of a test that runs as a rule: dbt's own refuse what the gate test does not depend on. -#}
{% macro stringx_ref(first, second=none, v=none, version=none) %}
  {%- set node = stringx_model(second or first, first if second else none) -%}
  {%- if node is none -%}{{ exceptions.raise_compiler_error('the dbt project has no model ' ~ (second or first)) }}{%- endif -%}
  {{- return(stringx_dbt_relation(node.schema, node.alias)) -}}
{% endmacro %}


{% macro stringx_source(source_name, table_name) %}
  {%- for node in graph.sources.values() if node.source_name == source_name and node.name == table_name -%}
    {{- return(stringx_dbt_relation(node.schema, node.identifier)) -}}
  {%- endfor -%}
  {{ exceptions.raise_compiler_error('the dbt project has no source ' ~ source_name ~ '.' ~ table_name) }}
{% endmacro %}


{#- A model, seed or snapshot by name, or none. -#}
{% macro stringx_model(name, package=none) %}
  {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot') and node.name == name and package in (none, node.package_name) -%}
    {{- return(node) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{% macro stringx_node(id) %}
  {{- return(graph.nodes.get(id) or graph.sources.get(id)) -}}
{% endmacro %}


{% macro stringx_name_of_node(node) %}
  {{- return(stringx_name(node.schema) ~ '.' ~ stringx_name(node.get('alias') or node.identifier)) -}}
{% endmacro %}


{#- Arguments of a declared test as dbt stores them: text that is rendered, or a call of ref or source without its braces. -#}
{% macro stringx_dbt_rendered(value, key='') %}
  {%- if value is string and key != 'column_name' -%}
    {%- set call = modules.re.fullmatch('\\s*(?:[{][{])?\\s*(ref|source)\\s*[(]\\s*[\'"](.+?)[\'"]\\s*(?:,\\s*[\'"](.+?)[\'"]\\s*)?[)]\\s*(?:[}][}])?\\s*', value) -%}
    {%- if call and call.group(1) == 'ref' -%}{{- return(stringx_ref(call.group(2), call.group(3))) -}}{%- endif -%}
    {%- if call -%}{{- return(stringx_source(call.group(2), call.group(3))) -}}{%- endif -%}
    {{- return(render(value)) -}}
  {%- elif value is sequence and value is not string -%}
    {%- set items = [] -%}
    {%- for item in value -%}{%- do items.append(stringx_dbt_rendered(item)) -%}{%- endfor -%}
    {{- return(items) -}}
  {%- endif -%}
  {{- return(value) -}}
{% endmacro %}


{#- The first macro of these names that a package (or the context) has, or none. -#}
{% macro stringx_find(package, names) %}
  {%- for name in names if package and name in package -%}{{- return(package[name]) -}}{%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{#- What dbt counts by: what the first of the macros that says so sets in its config, or count(*); none where it is no plain text. -#}
{% macro stringx_fail_calc(macros) %}
  {%- for macro in macros if macro is not none and 'fail_calc' in macro.macro.macro_sql -%}
    {%- set found = modules.re.search('fail_calc\\s*=\\s*(?:"([^"]*)"|\'([^\']*)\')\\s*[,)]', macro.macro.macro_sql) -%}
    {{- return((found.group(1) or found.group(2)) if found else none) -}}
  {%- endfor -%}
  {{- return('count(*)') -}}
{% endmacro %}


{#- What does not fit between the arguments and the test's signature, or none: calling it would end the whole run. -#}
{% macro stringx_fault_of_call(source, given) %}
  {%- set head = modules.re.search('(?s)[{]%-?\\s*(?:test|data_test|macro)\\s+\\w+\\s*[(](.*?)[)]\\s*-?%[}]', source) -%}
  {%- if not head -%}{{- return(none) -}}{%- endif -%}
  {%- set plain = modules.re.sub('"[^"]*"|\'[^\']*\'|[[][^]]*[]]|[(][^()]*[)]|[{][^{}]*[}]', 'x', head.group(1)) -%}
  {%- set known = [] -%}
  {%- for parameter in plain.split(',') if parameter.strip() -%}
    {%- set name = parameter.split('=')[0].strip() -%}
    {%- do known.append(name) -%}
    {%- if '=' not in parameter and name not in given -%}{{- return('the argument ' ~ name ~ ' is missing') -}}{%- endif -%}
  {%- endfor -%}
  {%- for name in given if name not in known and 'kwargs' not in source -%}
    {{- return('takes no ' ~ ('column' if name == 'column_name' else 'argument ' ~ name) ~ '; known: ' ~ known | reject('in', ['model', 'column_name']) | join(', ')) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}
