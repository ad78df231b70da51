{#- A dbt test as a rule: a generic test called with the table and arguments, or a test of the project by its node name or unique id.
    What runs, how it is counted and what warns or fails is what `dbt test` would do: macros/dbt/ has the parts. -#}
{% macro stringx_rule__dbt(rule, scope) %}
  {%- set name = rule.arguments.test -%}
  {%- set nodes = stringx_project().tests.get(name, []) -%}
  {%- if nodes | length > 1 -%}
    {{- return({'fault': 'the dbt project has ' ~ nodes | length ~ ' tests of this name; give one by its unique id: ' ~ nodes | map(attribute='unique_id') | sort | join(', ')}) -}}
  {%- elif nodes -%}
    {{- return(stringx_dbt_of_node(rule, scope, nodes[0])) -}}
  {%- endif -%}
  {%- set package = context.get(name.split('.')[0]) if '.' in name else context -%}
  {%- set macro_name = 'test_' ~ name.split('.')[-1] -%}
  {%- if not package or macro_name not in package -%}
    {{- return({'fault': 'the dbt project has no test ' ~ name ~ '; install its package, or correct the name'}) -}}
  {%- endif -%}
  {%- set relations = [] -%}
  {%- set given = stringx_dbt_given(rule, relations) if rule.arguments.get('arguments') or rule.arguments.get('config')
                  else {'values': {}, 'config': {}, 'doubtful': [], 'fault': none} -%}
  {%- if given.fault -%}{{- return({'fault': 'dbt test ' ~ name ~ ': ' ~ given.fault}) -}}{%- endif -%}
  {%- set macro = stringx_project().macros.get(package[macro_name].macro.unique_id) or stringx_dbt_macro(package[macro_name]) -%}
  {%- set fault = stringx_fault_of_call(macro.parameters, given['values'], rule.columns) -%}
  {%- if fault is not none -%}{{- return({'fault': 'dbt test ' ~ name ~ ': ' ~ fault}) -}}{%- endif -%}
  {%- set own = dict(given.config) -%}
  {%- do own.update({'severity': rule.severity}) if rule.get('severity') -%}
  {%- do own.update({'where': scope.where}) if scope.where is not none -%}
  {%- set test = {'call': package[macro_name], 'macro': macro, 'relation': stringx_dbt_relation(scope.schema, scope.name), 'own': own,
                  'base': stringx_dbt_defaults(), 'parses': not macro.plain} -%}
  {%- set found = stringx_dbt_allowed(test, given, rule, relations) -%}
  {{- return(stringx_dbt_rule(found, name, rule.columns[0] if rule.columns else none, relations)) -}}
{% endmacro %}


{#- A test of the project: a singular one by its code, a declared one by its macro and its own arguments. Its config is known. -#}
{% macro stringx_dbt_of_node(rule, scope, node) %}
  {%- if rule.arguments.get('arguments') or rule.arguments.get('config') or rule.columns -%}
    {{- return({'fault': 'a test of the project brings its own column, arguments and config; leave them out'}) -}}
  {%- endif -%}
  {%- set metadata = node.get('test_metadata') -%}
  {%- set package = context.get(metadata.namespace) if metadata and metadata.namespace else context -%}
  {%- set wheres = [] -%}
  {%- for where in (node.config.where, scope.where) if where -%}{%- do wheres.append('(\n' ~ where ~ '\n)') -%}{%- endfor -%}
  {%- set own = dict(node.config, where=(node.config.where if not scope.where else wheres | join(' and '))) -%}
  {%- do own.update({'severity': rule.severity}) if rule.get('severity') -%}
  {%- set call = package['test_' ~ metadata.name] if metadata else none -%}
  {%- set macro = none if call is none else stringx_project().macros.get(call.macro.unique_id) or stringx_dbt_macro(call) -%}
  {%- set test = {'node': node, 'call': call, 'macro': macro, 'own': own, 'base': {}, 'parses': false} -%}
  {%- set relations = [] -%}
  {{- return(stringx_dbt_rule(stringx_dbt_render(test, {}, relations), node.name, node.column_name, relations)) -}}
{% endmacro %}


{#- What a rule's macro returns, of a rendered test. -#}
{% macro stringx_dbt_rule(found, name, column, relations) %}
  {%- set title = 'dbt test ' ~ name ~ (' on ' ~ column if column else '') -%}
  {%- if found.fault -%}{{- return({'fault': title ~ ': ' ~ found.fault, 'severity': found.get('severity')}) -}}{%- endif -%}
  {{- return({'statement': found.statement, 'dbt': {'title': title, 'config': found.config}, 'severity': found.config.severity | upper,
              'total': 'none', 'relations': relations | unique(true) | list, 'sample': {'query': found.rows}}) -}}
{% endmacro %}


{#- The query of a dbt test's own row, as texts: failures, nothing measured, whether it warns and whether it fails. -#}
{% macro stringx_dbt_own(statement) %}
  {{- return('select pg_catalog.to_json(array[left(failures::text, 201), null, left(should_warn::text, 20), left(should_error::text, 20)])::text from (' ~ statement ~ '\n) as counted') -}}
{% endmacro %}


{#- As dbt decides: `failures` must be a whole number, a test that passes has none. Thresholds of the rule stand in place of the test's. -#}
{% macro stringx_dbt_outcome(outcome, rule, own) %}
  {%- set test = rule.sql.dbt -%}
  {%- do outcome.update({'finding': 'are found by the ' ~ test.title}) -%}
  {%- if not modules.re.fullmatch('[+-]?[0-9]{1,100}([.]0{0,100})?', own[0]) -%}
    {%- do outcome.update({'reason': test.title ~ ': its fail_calc gives no whole number'}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- do outcome.update({'failures': own[0].split('.')[0] | int}) -%}
  {%- if rule.spec.get('own_thresholds') -%}
    {%- set size = {'failures': outcome.failures | abs} -%}
    {%- do outcome.update({'status': 'pass' if not size.failures else 'fail' if stringx_above(size, rule.spec.fail_above)
                                     else 'warn' if stringx_above(size, rule.spec.warn_above) else 'pass'}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- set strict = flags.WARN_ERROR or flags.WARN_ERROR_OPTIONS.includes('LogTestResult') -%}
  {%- if rule.sql.severity == 'ERROR' and stringx_dbt_true(own[3]) -%}
    {%- do outcome.update({'status': 'fail', 'threshold': 'fails ' ~ stringx_dbt_words(test.config.error_if)}) -%}
  {%- elif stringx_dbt_true(own[2]) -%}
    {%- do outcome.update({'status': 'fail' if strict else 'warn',
                           'threshold': ('fails ' if strict else 'warns ') ~ stringx_dbt_words(test.config.warn_if)}) -%}
  {%- else -%}
    {%- do outcome.update({'status': 'pass', 'failures': 0}) -%}
  {%- endif -%}
  {{- return(outcome) -}}
{% endmacro %}


{% macro stringx_dbt_true(text) %}
  {{- return(text is not none and text | lower not in ('false', 'f', 'no', 'n', 'off', '0')) -}}
{% endmacro %}


{% macro stringx_dbt_words(comparison) %}
  {{- return('above 0' if comparison == '!= 0' else 'if ' ~ comparison) -}}
{% endmacro %}


{#- Which of the arguments do not fit the test's signature, or none: calling it would end the whole run. One that is missing is
    undefined in the test, as it is for dbt. -#}
{% macro stringx_fault_of_call(known, given, columns) %}
  {%- if known is none -%}{{- return(none) -}}{%- endif -%}
  {%- for name in ['model'] + (['column_name'] if columns else []) + given | list if name not in known -%}
    {{- return('takes no ' ~ ('column' if name == 'column_name' else 'argument ' ~ name) ~ '; known: ' ~ (known | reject('in', ['model', 'column_name']) | join(', ') or 'none')) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}
