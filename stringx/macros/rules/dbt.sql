{#- A dbt test as a rule: a generic test called with the table and arguments, or a test of the project by its node name or unique id.
    It runs, counts, warns and fails as in `dbt test`: macros/dbt/ has the parts. -#}
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
  {%- set given = stringx_dbt_given(rule) if rule.arguments.get('arguments') or rule.arguments.get('config')
                  else {'values': {}, 'config': {}, 'doubtful': [], 'names': ['column'], 'refers': false, 'relations': [], 'fault': none} -%}
  {%- if given.fault -%}{{- return({'fault': 'dbt test ' ~ name ~ ': ' ~ given.fault}) -}}{%- endif -%}
  {%- set macro = stringx_project().macros.get(package[macro_name].macro.unique_id) or stringx_dbt_macro(package[macro_name]) -%}
  {%- set fault = stringx_fault_of_call(macro.parameters, given['values'], rule.columns) -%}
  {%- if fault is not none -%}{{- return({'fault': 'dbt test ' ~ name ~ ': ' ~ fault}) -}}{%- endif -%}
  {%- set own = dict(given.config) -%}
  {%- do own.update({'severity': rule.severity}) if rule.get('severity') -%}
  {%- do own.update({'where': scope.where}) if scope.where is not none -%}
  {%- set test = {'call': package[macro_name], 'macro': macro, 'relation': stringx_dbt_relation(scope.schema, scope.name), 'own': own,
                  'base': stringx_dbt_defaults(), 'parses': not macro.plain, 'refers': given.refers} -%}
  {{- return(stringx_dbt_rule(stringx_dbt_allowed(test, given, rule), name, rule.columns[0] if rule.columns else none, given.relations)) -}}
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
  {%- set test = {'node': node, 'call': call, 'macro': macro, 'own': own, 'base': {}, 'parses': false, 'refers': false} -%}
  {{- return(stringx_dbt_rule(stringx_dbt_render(test, {}), node.name, node.column_name, [])) -}}
{% endmacro %}


{#- What the rule's macro returns, from a rendered test; `relations` are those that its arguments name. -#}
{% macro stringx_dbt_rule(rendered, name, column, relations) %}
  {%- set title = 'dbt test ' ~ name ~ (' on ' ~ column if column else '') -%}
  {%- if rendered.fault -%}{{- return({'fault': title ~ ': ' ~ rendered.fault, 'severity': rendered.get('severity')}) -}}{%- endif -%}
  {{- return({'statement': rendered.statement, 'dbt': {'title': title, 'config': rendered.config}, 'severity': rendered.config.severity | upper,
              'total': 'none', 'relations': (relations + rendered.relations) | unique(true) | list, 'sample': {'query': rendered.rows}}) -}}
{% endmacro %}


{#- What dbt would decide, {finding, failures, status, threshold, reason}, as keys of the rule's outcome: `failures` must be a whole number, and a test that
    passes has none. Thresholds of the rule replace those of the test. -#}
{% macro stringx_dbt_outcome(rule, answer) %}
  {%- set test = rule.sql.dbt -%}
  {%- set finding = 'are found by the ' ~ test.title -%}
  {%- if not modules.re.fullmatch('[+-]?[0-9]{1,100}([.]0{0,100})?', answer.failures) -%}
    {{- return({'finding': finding, 'reason': test.title ~ ': its fail_calc gives no whole number'}) -}}
  {%- endif -%}
  {%- set failures = answer.failures.split('.')[0] | int -%}
  {%- set limit = test.config.limit -%}
  {%- set uncounted = limit is not none and (test.config.fail_calc != 'count(*)' or failures >= limit) -%}
  {%- if rule.spec.get('own_thresholds') -%}
    {%- set size = {'failures': failures | abs} -%}
    {%- set status = 'pass' if not failures else 'fail' if stringx_above(size, rule.spec.fail_above)
                     else 'warn' if stringx_above(size, rule.spec.warn_above) else 'pass' -%}
    {{- return({'finding': finding, 'failures': failures, 'status': status, 'uncounted': uncounted}) -}}
  {%- endif -%}
  {%- set strict = flags.WARN_ERROR or flags.WARN_ERROR_OPTIONS.includes('LogTestResult') -%}
  {%- if rule.sql.severity == 'ERROR' and stringx_dbt_true(answer.should_error) -%}
    {{- return({'finding': finding, 'failures': failures, 'status': 'fail', 'uncounted': uncounted,
                'threshold': 'fails ' ~ stringx_dbt_words(test.config.error_if)}) -}}
  {%- elif stringx_dbt_true(answer.should_warn) -%}
    {{- return({'finding': finding, 'failures': failures, 'status': 'fail' if strict else 'warn', 'uncounted': uncounted,
                'threshold': ('fails ' if strict else 'warns ') ~ stringx_dbt_words(test.config.warn_if)}) -}}
  {%- endif -%}
  {{- return({'finding': finding, 'failures': 0, 'status': 'pass'}) -}}
{% endmacro %}


{% macro stringx_dbt_true(text) %}
  {{- return(text is not none and text | lower not in ('false', 'f', 'no', 'n', 'off', '0')) -}}
{% endmacro %}


{% macro stringx_dbt_words(comparison) %}
  {{- return('above 0' if comparison == '!= 0' else 'if ' ~ comparison) -}}
{% endmacro %}


{#- Which of the arguments do not fit the test's signature, or none: calling the test with it would end the whole run. A missing argument is
    undefined in the test, as it is for dbt. -#}
{% macro stringx_fault_of_call(known, given, columns) %}
  {%- if known is none -%}{{- return(none) -}}{%- endif -%}
  {%- for name in ['model'] + (['column_name'] if columns else []) + given | list if name not in known -%}
    {{- return('takes no ' ~ ('column' if name == 'column_name' else 'argument ' ~ name) ~ '; known: ' ~ (known | reject('in', ['model', 'column_name']) | join(', ') or 'none')) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}
