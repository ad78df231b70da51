{#- A test rendered as dbt does it: {statement, rows, config}, or {fault}. `test` has the macro to `call` or the `node`, the checked `relation`,
    its `own` config and the `base` it goes over, and whether its config is to be found out (`parses`): dbt takes what config(…) says
    while the project is parsed, when nothing is executed, and passes over it when the test runs. No object of Jinja can be called and have
    a `get`, so `config` is a macro while a test sets it, and a namespace where a test reads it. -#}
{% macro stringx_dbt_render(test, values, relations) %}
  {%- set state = {'relations': [], 'ephemeral': {}, 'config': {}, 'config_of_dbt': context['config'], 'fault': none} -%}
  {%- set before = {} -%}
  {%- for name in ('ref', 'source', 'config', 'execute', 'adapter') -%}{%- do before.update({name: context[name]}) -%}{%- endfor -%}
  {%- do context.update({'stringx_dbt': state, 'ref': stringx_ref, 'source': stringx_source}) -%}
  {%- set use = {'reads': false, 'sets': false} if test.call is none else stringx_dbt_use_of_config(test.call) -%}
  {%- if use.reads and use.sets -%}
    {%- do state.update({'fault': 'it both reads its own config (config.get) and sets it, which a rule cannot follow'}) -%}
  {%- elif test.parses and not use.reads -%}
    {%- do context.update({'execute': false, 'config': stringx_dbt_config, 'adapter': stringx_dbt_adapter()}) -%}
    {%- do test.call(model=test.relation, **stringx_dbt_put(values, {}, true)) -%}
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
  {%- if test.get('node') and test.call is not none -%}
    {%- set arguments = {} -%}
    {%- for key, value in test.node.test_metadata.kwargs.items() -%}{%- do arguments.update({key: stringx_dbt_rendered(value, key)}) -%}{%- endfor -%}
  {%- elif test.call is not none -%}
    {%- set arguments = dict(stringx_dbt_put(values, {}, true), model=get_where_subquery(test.relation)) -%}
  {%- endif -%}
  {%- do context.update({'config': settings if use.reads else before.config}) -%}
  {%- set sql = render(stringx_dbt_reading(test.node.raw_code)) if test.call is none else test.call(**arguments) -%}
  {%- do context.update({'config': settings}) -%}
  {%- set main = get_limit_subquery_sql(sql, effective.limit) -%}
  {%- set counted = get_test_sql(main, effective.fail_calc, effective.warn_if, effective.error_if, limit=none) -%}
  {%- do context.update(before) -%}
  {%- do relations.extend(state.relations) -%}
  {%- set queries = [] -%}
  {%- for name, query in state.ephemeral.items() -%}{%- do queries.append(name ~ ' as (\n' ~ query ~ '\n)') -%}{%- endfor -%}
  {%- set head = '\nwith ' ~ queries | join(', ') if queries else '' -%}
  {{- return({'statement': (head ~ '\nselect failures, should_warn, should_error from (\n' ~ counted ~ '\n) as decided') if queries else counted,
              'rows': head ~ '\nselect * from (\n' ~ sql ~ '\n) as found' if queries else '\n' ~ sql ~ '\n', 'config': effective, 'fault': none}) -}}
{% endmacro %}


{#- Stands for `config` while a test is parsed: what it is called with is the test's config. -#}
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


{#- Stands for `adapter` while a test is parsed: what would ask the database gives nothing. -#}
{% macro stringx_dbt_adapter() %}
  {{- return(namespace(dispatch=adapter.dispatch, type=adapter.type, quote=adapter.quote, quote_as_configured=adapter.quote_as_configured,
                       quote_seed_column=adapter.quote_seed_column, Relation=adapter.Relation, Column=adapter.Column,
                       get_columns_in_relation=stringx_no_items, get_missing_columns=stringx_no_items, list_relations=stringx_no_items,
                       list_schemas=stringx_no_items, get_column_schema_from_query=stringx_no_items, check_schema_exists=stringx_nothing,
                       get_relation=stringx_nothing, execute=stringx_no_items, add_query=stringx_nothing)) -}}
{% endmacro %}


{% macro stringx_no_items() %}
  {%- set ignored = (varargs, kwargs) -%}
  {{- return([]) -}}
{% endmacro %}


{% macro stringx_nothing() %}
  {%- set ignored = (varargs, kwargs) -%}
  {{- return(none) -}}
{% endmacro %}


{#- The project's own settings for a test that says nothing: the gate test has no others. -#}
{% macro stringx_dbt_defaults() %}
  {%- set found = {} -%}
  {%- for name in ('severity', 'where', 'limit', 'fail_calc', 'warn_if', 'error_if') -%}{%- do found.update({name: config.get(name)}) -%}{%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- What keeps a config from being obeyed, or none. -#}
{% macro stringx_fault_of_config(effective, recorded, test) %}
  {%- for name in ('fail_calc', 'warn_if', 'error_if') if effective[name] is not string -%}{{- return('its ' ~ name ~ ' is no text') -}}{%- endfor -%}
  {%- if effective.where is not none and effective.where is not string -%}{{- return('its where is no text') -}}{%- endif -%}
  {%- if effective.limit is not none and (effective.limit is not integer or effective.limit is boolean) -%}{{- return('its limit is no whole number') -}}{%- endif -%}
  {%- if effective.severity | string | lower not in ('warn', 'error') -%}{{- return('its severity is neither warn nor error') -}}{%- endif -%}
  {%- set said = dict(recorded, **test.own) -%}
  {%- if said.get('enabled') is sameas false -%}{{- return('is disabled by its config (enabled: false)') -}}{%- endif -%}
  {%- if said.get('store_failures') or said.get('store_failures_as') in ('table', 'view') -%}
    {{- return('its config says store_failures, and a check writes nothing into the target; take it off') -}}
  {%- endif -%}
  {%- if said.get('sql_header') and flags.REQUIRE_SQL_HEADER_IN_TEST_CONFIGS -%}
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


{#- Whether a test's macro, or one that it calls, reads or sets its config; dbt's own are left out. Looked up once. -#}
{% macro stringx_dbt_use_of_config(call) %}
  {%- set known = stringx_project().uses -%}
  {%- if call.macro.unique_id in known -%}{{- return(known[call.macro.unique_id]) -}}{%- endif -%}
  {%- set found = {} -%}
  {%- set next = [call.macro.unique_id] -%}
  {%- for step in range(1000) if next -%}
    {%- set id = next.pop() -%}
    {%- set parts = id.split('.') -%}
    {%- if id not in found and parts[1] not in ('dbt', 'dbt_postgres') and parts[1] in context and parts[2] in context[parts[1]] -%}
      {%- set macro = context[parts[1]][parts[2]].macro -%}
      {%- do found.update({id: macro.macro_sql}) -%}
      {%- do next.extend(macro.depends_on.macros) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set text = found.values() | join('\n') -%}
  {%- do known.update({call.macro.unique_id: {'reads': modules.re.search('(?<![.\\w])config\\s*[.]\\s*\\w', text) is not none,
                                             'sets': modules.re.search('(?<![.\\w])config\\s*[(]', text) is not none}}) -%}
  {{- return(known[call.macro.unique_id]) -}}
{% endmacro %}


{#- A singular test's code that reads the test's config, where dbt's own object would answer for the gate test. -#}
{% macro stringx_dbt_reading(code) %}
  {%- set code = modules.re.sub('(?<![.\\w])config\\s*[.]\\s*(get|require)\\s*[(]', 'stringx_dbt_setting(', code) -%}
  {{- return(modules.re.sub('(?<![.\\w])config\\s*[.]\\s*meta_(get|require)\\s*[(]', 'stringx_dbt_meta(', code)) -}}
{% endmacro %}


{#- Whether it is one of dbt's own generic tests, untouched by the project: these set no config. -#}
{% macro stringx_dbt_is_plain(call) %}
  {%- set body = 'default__' ~ call.macro.name -%}
  {{- return(call.macro.package_name == 'dbt' and 'postgres__' ~ call.macro.name not in context
             and body in context and context[body].macro.package_name == 'dbt') -}}
{% endmacro %}
