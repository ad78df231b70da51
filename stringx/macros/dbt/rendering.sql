{#- A test rendered as dbt does it: {statement, rows, config, relations: those that it reads}, or {fault}. `test` has the macro to `call` or the `node`, the checked
    `relation`, its `own` config and the `base` that it replaces, whether values may have {ref: model} (`refers`), and whether its config must be looked up first
    (`parses`): dbt takes what config(…) says while the project is parsed, when nothing is executed, and ignores it when the test runs.

    The test itself calls `ref`, `source` and `config`, which have no arguments of these macros: they note what they are called with in `state`, which is
    kept in dbt's context meanwhile. No object of Jinja can be called and have a `get`, so `config` is a macro while a test sets it, and a
    namespace while a test reads it. -#}
{% macro stringx_dbt_render(test, values) %}
  {%- set state = {'relations': [], 'ephemeral': {}, 'config': {}, 'config_of_dbt': context['config'], 'fault': none} -%}
  {%- set before = {'ref': context['ref'], 'source': context['source'], 'config': context['config'], 'execute': context['execute'], 'adapter': context['adapter']} -%}
  {%- do context.update({'stringx_dbt': state, 'ref': stringx_ref, 'source': stringx_source}) -%}
  {%- set use = test.macro or {'reads': false, 'sets': false} -%}
  {%- if use.reads and use.sets and (test.parses or stringx_dbt_differs(test.own, before.config)) -%}
    {%- do state.update({'fault': 'it both reads its own config (config.get) and sets it, which a rule cannot follow'}) -%}
  {%- elif test.parses and not use.reads -%}
    {%- do stringx_dbt_parse(test, values) -%}
    {%- do context.update({'execute': true, 'config': before.config, 'adapter': before.adapter}) -%}
    {%- do state.update({'relations': [], 'ephemeral': {}}) -%}
  {%- endif -%}
  {%- set effective = dict(test.base, **state.config) -%}
  {%- do effective.update(test.own) -%}
  {%- set fault = state.fault or stringx_fault_of_config(effective, state.config, test) -%}
  {%- if fault is not none -%}
    {%- do context.update(before) -%}
    {{- return({'fault': fault, 'severity': effective.severity | string | upper}) -}}
  {%- endif -%}
  {%- set settings = namespace(get=stringx_dbt_setting, require=stringx_dbt_setting, meta_get=stringx_dbt_meta, meta_require=stringx_dbt_meta) -%}
  {%- do state.update({'effective': effective}) -%}
  {%- do context.update({'config': settings}) -%}
  {%- set dbts_own_sql = stringx_project().dbts_own_sql -%}
  {%- set arguments = stringx_dbt_arguments(test, values, effective, dbts_own_sql) -%}
  {%- do context.update({'config': settings if use.reads and not use.sets else before.config}) -%}
  {%- set sql = render(stringx_dbt_reading(test.node.raw_code)) if test.call is none else test.call(**arguments) -%}
  {%- do context.update({'config': settings}) -%}
  {%- if dbts_own_sql -%}{#- what the two macros give -#}
    {%- set main = sql if effective.limit is none else sql ~ '\nlimit ' ~ effective.limit -%}
    {%- set counted = 'select ' ~ effective.fail_calc ~ ' as failures, ' ~ effective.fail_calc ~ ' ' ~ effective.warn_if ~ ' as should_warn, '
                      ~ effective.fail_calc ~ ' ' ~ effective.error_if ~ ' as should_error\nfrom (\n' ~ main ~ '\n) dbt_internal_test' -%}
  {%- else -%}
    {%- set main = get_limit_subquery_sql(sql, effective.limit) -%}
    {%- set counted = get_test_sql(main, effective.fail_calc, effective.warn_if, effective.error_if, limit=none) -%}
  {%- endif -%}
  {%- do context.update(before) -%}
  {%- set head = stringx_dbt_with(state.ephemeral) if state.ephemeral else '' -%}
  {{- return({'statement': (head ~ '\nselect failures, should_warn, should_error from (\n' ~ counted ~ '\n) as decided') if head else counted,
              'rows': head ~ '\nselect * from (\n' ~ sql ~ '\n) as found' if head else '\n' ~ sql ~ '\n', 'config': effective,
              'relations': state.relations, 'fault': none}) -}}
{% endmacro %}


{#- Calls a test as dbt does while it parses the project: nothing is executed, and the state in dbt's context notes its config. The caller sets
    `execute`, `config` and `adapter` back. -#}
{% macro stringx_dbt_parse(test, values) %}
  {%- set silent = {'get_columns_in_relation': stringx_no_items, 'get_missing_columns': stringx_no_items, 'list_relations': stringx_no_items,
                    'list_schemas': stringx_no_items, 'get_column_schema_from_query': stringx_no_items, 'execute': stringx_no_items,
                    'check_schema_exists': stringx_nothing, 'get_relation': stringx_nothing, 'add_query': stringx_nothing} -%}
  {%- do context.update({'execute': false, 'config': stringx_dbt_config, 'adapter': stringx_dbt_adapter(silent)}) -%}
  {%- do test.call(model=test.relation, **(stringx_dbt_put(values, {}, true) if test.refers else values)) -%}
{% endmacro %}


{#- The arguments with which a test's macro is called, or none for a singular test. The model is a relation, or a subquery if the config has a `where`. -#}
{% macro stringx_dbt_arguments(test, values, effective, dbts_own_sql) %}
  {%- if test.call is none -%}{{- return(none) -}}{%- endif -%}
  {%- if test.get('node') -%}
    {%- set arguments = {} -%}
    {%- for key, value in test.node.test_metadata.kwargs.items() -%}{%- do arguments.update({key: stringx_dbt_rendered(value, key)}) -%}{%- endfor -%}
    {{- return(arguments) -}}
  {%- endif -%}
  {%- set model = test.relation if effective.where is none and dbts_own_sql else get_where_subquery(test.relation) -%}
  {{- return(dict(stringx_dbt_put(values, {}, true) if test.refers else values, model=model)) -}}
{% endmacro %}


{#- The queries of ephemeral models, {name: query}, as common table expressions. -#}
{% macro stringx_dbt_with(ephemeral) %}
  {%- set queries = [] -%}
  {%- for name, query in ephemeral.items() -%}{%- do queries.append(name ~ ' as (\n' ~ query ~ '\n)') -%}{%- endfor -%}
  {{- return('\nwith ' ~ queries | join(', ')) -}}
{% endmacro %}


{#- Whether a test's config differs from the gate test's, which dbt's own object has. -#}
{% macro stringx_dbt_differs(own, dbts) %}
  {%- for name in ('severity', 'where', 'limit', 'fail_calc', 'warn_if', 'error_if', 'store_failures') if own.get(name) != dbts.get(name) -%}
    {{- return(true) -}}
  {%- endfor -%}
  {{- return(false) -}}
{% endmacro %}


{#- Stands in for `config` while a test is parsed: its arguments are the test's config. -#}
{% macro stringx_dbt_config() %}
  {%- set state = context['stringx_dbt'] -%}
  {%- if varargs | length == 1 and not kwargs and varargs[0] is mapping -%}
    {%- do state.config.update(varargs[0]) -%}
  {%- elif kwargs and not varargs -%}
    {%- do state.config.update(kwargs) -%}
  {%- else -%}
    {%- do state.update({'fault': 'calls config() with neither names nor one dictionary'}) -%}
  {%- endif -%}
  {{- return('') -}}
{% endmacro %}


{#- Stands in for `adapter`: its methods that query nothing, and instead of the others only those in `queries`. -#}
{% macro stringx_dbt_adapter(queries) %}
  {{- return(namespace(dispatch=adapter.dispatch, type=adapter.type, quote=adapter.quote, quote_as_configured=adapter.quote_as_configured,
                       quote_seed_column=adapter.quote_seed_column, Relation=adapter.Relation, Column=adapter.Column, **queries)) -}}
{% endmacro %}


{% macro stringx_no_items() %}
  {%- set ignored = (varargs, kwargs) -%}
  {{- return([]) -}}
{% endmacro %}


{% macro stringx_nothing() %}
  {%- set ignored = (varargs, kwargs) -%}
  {{- return(none) -}}
{% endmacro %}


{#- The project's settings for a test without config of its own: the gate test has these. -#}
{% macro stringx_dbt_defaults() %}
  {{- return({'severity': config.get('severity'), 'where': config.get('where'), 'limit': config.get('limit'), 'fail_calc': config.get('fail_calc'),
              'warn_if': config.get('warn_if'), 'error_if': config.get('error_if')}) -}}
{% endmacro %}


{#- Why a config cannot be followed, or none. -#}
{% macro stringx_fault_of_config(effective, recorded, test) %}
  {%- for name in ('fail_calc', 'warn_if', 'error_if') if effective[name] is not string -%}{{- return('its ' ~ name ~ ' is no text') -}}{%- endfor -%}
  {%- if effective.where is not none and effective.where is not string -%}{{- return('its where is no text') -}}{%- endif -%}
  {%- if effective.limit is not none and (effective.limit is not integer or effective.limit is boolean) -%}{{- return('its limit is no whole number') -}}{%- endif -%}
  {%- if effective.severity | string | lower not in ('warn', 'error') -%}{{- return('its severity is neither warn nor error') -}}{%- endif -%}
  {%- set settings = dict(recorded, **test.own) -%}
  {%- if settings.get('enabled') is sameas false -%}{{- return('is disabled by its config (enabled: false)') -}}{%- endif -%}
  {%- if settings.get('store_failures') or settings.get('store_failures_as') in ('table', 'view') -%}
    {{- return('its config says store_failures, and a check writes nothing into the target; take it off') -}}
  {%- endif -%}
  {%- if settings.get('sql_header') and flags.REQUIRE_SQL_HEADER_IN_TEST_CONFIGS -%}
    {{- return('its config says sql_header, which has no place in a check of several rules') -}}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{% macro stringx_dbt_setting(name, default=none, validator=none) %}
  {{- return(context['stringx_dbt'].effective.get(name, default)) -}}
{% endmacro %}


{% macro stringx_dbt_meta(name, default=none, validator=none) %}
  {{- return((context['stringx_dbt'].effective.get('meta') or {}).get(name, default)) -}}
{% endmacro %}


{#- Facts about a generic test's macro, looked up once per process: {parameters: none if it takes any, reads, sets: whether it, or a macro that it calls, reads or
    sets its config (dbt's own macros are left out), plain: whether it is one of dbt's own tests, unchanged by the project: these set no config}. -#}
{% macro stringx_dbt_macro(call) %}
  {%- set sources = {} -%}
  {%- set next = [call.macro.unique_id] -%}
  {%- for step in range(1000) -%}
    {%- if not next -%}{%- break -%}{%- endif -%}
    {%- set id = next.pop() -%}
    {%- set parts = id.split('.') -%}
    {%- if id not in sources and parts[1] not in ('dbt', 'dbt_postgres') and parts[1] in context and parts[2] in context[parts[1]] -%}
      {%- set macro = context[parts[1]][parts[2]].macro -%}
      {%- do sources.update({id: macro.macro_sql}) -%}
      {%- do next.extend(macro.depends_on.macros) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set text = sources.values() | join('\n') -%}
  {%- set own = call.macro.macro_sql -%}
  {%- set parameters = [] -%}
  {%- set head = none if 'kwargs' in own else modules.re.search('(?s)[{]%-?\\s*(?:test|data_test|macro)\\s+\\w+\\s*[(](.*?)[)]\\s*-?%[}]', own) -%}
  {%- if head -%}
    {%- set plain = modules.re.sub('"[^"]*"|\'[^\']*\'|\\[[^]]*\\]|[(][^()]*[)]|[{][^{}]*[}]', 'x', head.group(1)) -%}
    {%- for parameter in plain.split(',') if parameter.strip() -%}{%- do parameters.append(parameter.split('=')[0].strip()) -%}{%- endfor -%}
  {%- endif -%}
  {%- set body = 'default__' ~ call.macro.name -%}
  {%- set facts = {'parameters': parameters if head else none,
                   'reads': modules.re.search('(?<![.\\w])config\\s*[.]\\s*\\w', text) is not none,
                   'sets': modules.re.search('(?<![.\\w])config\\s*[(]', text) is not none,
                   'plain': call.macro.package_name == 'dbt' and 'postgres__' ~ call.macro.name not in context
                            and body in context and context[body].macro.package_name == 'dbt'} -%}
  {%- do stringx_project().macros.update({call.macro.unique_id: facts}) -%}
  {{- return(facts) -}}
{% endmacro %}


{#- A singular test's code, with macros that read the test's config: dbt's own object would read the gate test's. -#}
{% macro stringx_dbt_reading(code) %}
  {%- set code = modules.re.sub('(?<![.\\w])config\\s*[.]\\s*(get|require)\\s*[(]', 'stringx_dbt_setting(', code) -%}
  {{- return(modules.re.sub('(?<![.\\w])config\\s*[.]\\s*meta_(get|require)\\s*[(]', 'stringx_dbt_meta(', code)) -}}
{% endmacro %}
