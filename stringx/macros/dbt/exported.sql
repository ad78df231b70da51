{#- Rules as generic tests of any dbt project that has this one as a package: `dataops rules export --as dbt` writes them. A test reads one row, whose `failures` are
    those of the rule if its thresholds are counts; otherwise 0 if the rule passes, 1 if it warns, 2 if it fails. `settings` are the rule's arguments. -#}
{% macro test_stringx_rule(model, type, columns=[], settings={}, only_where=none, warn_above=none, fail_above=none, on_empty='fail') %}
  {%- set fail_above = 0 if warn_above is none and fail_above is none else fail_above -%}
  {%- set counts = stringx.stringx_exported_counts(type, warn_above, fail_above) -%}
  {{- config(fail_calc='coalesce(max(failures), 0)',
             severity='error' if not counts or fail_above is not none else 'warn',
             error_if='> ' ~ (fail_above or 0) if counts else '> 1',
             warn_if='> ' ~ (warn_above if warn_above is not none else fail_above or 0) if counts else '> 0') -}}
  {%- if execute -%}
    {%- if model is string -%}{{ exceptions.raise_compiler_error('stringx_rule takes no `where` in its config; give it the argument only_where') }}{%- endif -%}
    {%- set rule = {'id': type, 'type': type, 'columns': columns, 'arguments': settings, 'where': only_where} -%}
    {#- in a test of another project the macros of this one know each other by the project's name alone -#}
    {%- do context.update(context['stringx']) -%}
    {%- set scope = stringx.stringx_exported_scope(model, rule) -%}
    {%- set sql = stringx.stringx_exported_sql(type, rule, scope) -%}
    {%- if sql.fault -%}{{ exceptions.raise_compiler_error('stringx_rule ' ~ type ~ ': ' ~ sql.fault) }}{%- endif -%}
    {{- stringx.stringx_exported_row(rule, scope, sql, {'warn_above': warn_above, 'fail_above': fail_above, 'counts': counts, 'on_empty': on_empty}) -}}
  {%- endif -%}
{% endmacro %}


{#- Rows that a query returns, for rules of the type `sql`. -#}
{% macro test_stringx_query(model, query) %}
select * from (
{{ query }}
) as found
{% endmacro %}


{#- Whether the number of failures decides: thresholds are counts, and the type counts failures. -#}
{% macro stringx_exported_counts(type, warn_above, fail_above) %}
  {%- set measured = type in ('row_count', 'aggregate', 'freshness', 'row_count_matches', 'aggregate_matches', 'column_count', 'change', 'unusual', 'quantiles', 'correlation', 'distribution', 'activity') -%}
  {{- return(not measured and not (warn_above is string or fail_above is string)) -}}
{% endmacro %}


{#- What the macro of a rule type gets: the facts of all columns of the table and of the other table that it reads. -#}
{% macro stringx_exported_scope(model, rule) %}
  {%- set relation = stringx_name(model.schema) ~ '.' ~ stringx_name(model.identifier) -%}
  {%- set relations = [relation] -%}
  {%- for name in ('to_table', 'other_table') if rule.arguments.get(name) -%}{%- do relations.append(stringx_relation(rule.arguments[name])) -%}{%- endfor -%}
  {%- set texts = 'array[' ~ stringx_literals(relations) ~ ']::text[]' -%}
  {%- set names = 'array(select attname::text from pg_catalog.pg_attribute where attrelid = any(' ~ texts ~ '::regclass[]) and attnum > 0)' -%}
  {%- set types, special, shape = adapter.add_query(stringx_columns(texts, names), auto_begin=false)[1].fetchone() -%}
  {%- if special -%}
    {%- set types = adapter.add_query(stringx_columns_of_all_types(texts, names), auto_begin=false)[1].fetchone()[0] -%}
  {%- endif -%}
  {%- set facts = stringx_facts(relations, fromjson(types) if types is string else types) -%}
  {%- set where = stringx_condition(rule.where) -%}
  {{- return({'relation': relation, 'schema': model.schema, 'name': model.identifier, 'window': none, 'where': where, 'both': where,
              'types': facts[relation], 'others': facts, 'parallel': false, 'shown': []}) -}}
{% endmacro %}


{#- Calls the macro of the type by its name: dbt gives a generic test only those macros that its text names. -#}
{% macro stringx_exported_sql(type, rule, scope) %}
  {%- if type == 'not_null' -%}{{- return(stringx_rule__not_null(rule, scope)) -}}
  {%- elif type == 'not_blank' -%}{{- return(stringx_rule__not_blank(rule, scope)) -}}
  {%- elif type == 'is_null' -%}{{- return(stringx_rule__is_null(rule, scope)) -}}
  {%- elif type == 'accepted_values' -%}{{- return(stringx_rule__accepted_values(rule, scope)) -}}
  {%- elif type == 'rejected_values' -%}{{- return(stringx_rule__rejected_values(rule, scope)) -}}
  {%- elif type == 'between' -%}{{- return(stringx_rule__between(rule, scope)) -}}
  {%- elif type == 'length' -%}{{- return(stringx_rule__length(rule, scope)) -}}
  {%- elif type == 'regex' -%}{{- return(stringx_rule__regex(rule, scope)) -}}
  {%- elif type == 'like' -%}{{- return(stringx_rule__like(rule, scope)) -}}
  {%- elif type == 'format' -%}{{- return(stringx_rule__format(rule, scope)) -}}
  {%- elif type == 'compare_rows' -%}{{- return(stringx_rule__compare_rows(rule, scope)) -}}
  {%- elif type == 'json_schema' -%}{{- return(stringx_rule__json_schema(rule, scope)) -}}
  {%- elif type == 'castable' -%}{{- return(stringx_rule__castable(rule, scope)) -}}
  {%- elif type == 'not_in_future' -%}{{- return(stringx_rule__not_in_future(rule, scope)) -}}
  {%- elif type == 'compare' -%}{{- return(stringx_rule__compare(rule, scope)) -}}
  {%- elif type == 'max_lag' -%}{{- return(stringx_rule__max_lag(rule, scope)) -}}
  {%- elif type == 'expression' -%}{{- return(stringx_rule__expression(rule, scope)) -}}
  {%- elif type == 'unique' -%}{{- return(stringx_rule__unique(rule, scope)) -}}
  {%- elif type == 'relationship' -%}{{- return(stringx_rule__relationship(rule, scope)) -}}
  {%- elif type == 'outliers' -%}{{- return(stringx_rule__outliers(rule, scope)) -}}
  {%- elif type == 'monotonic' -%}{{- return(stringx_rule__monotonic(rule, scope)) -}}
  {%- elif type == 'distinct_values' -%}{{- return(stringx_rule__distinct_values(rule, scope)) -}}
  {%- elif type == 'most_common_value' -%}{{- return(stringx_rule__most_common_value(rule, scope)) -}}
  {%- elif type == 'no_gaps' -%}{{- return(stringx_rule__no_gaps(rule, scope)) -}}
  {%- elif type == 'row_count' -%}{{- return(stringx_rule__row_count(rule, scope)) -}}
  {%- elif type == 'aggregate' -%}{{- return(stringx_rule__aggregate(rule, scope)) -}}
  {%- elif type == 'distribution' -%}{{- return(stringx_rule__distribution(rule, scope)) -}}
  {%- elif type == 'quantiles' -%}{{- return(stringx_rule__quantiles(rule, scope)) -}}
  {%- elif type == 'correlation' -%}{{- return(stringx_rule__correlation(rule, scope)) -}}
  {%- elif type == 'change' -%}{{- return(stringx_rule__change(rule, scope)) -}}
  {%- elif type == 'unusual' -%}{{- return(stringx_rule__unusual(rule, scope)) -}}
  {%- elif type == 'freshness' -%}{{- return(stringx_rule__freshness(rule, scope)) -}}
  {%- elif type == 'row_count_matches' -%}{{- return(stringx_rule__row_count_matches(rule, scope)) -}}
  {%- elif type == 'aggregate_matches' -%}{{- return(stringx_rule__aggregate_matches(rule, scope)) -}}
  {%- elif type == 'column_count' -%}{{- return(stringx_rule__column_count(rule, scope)) -}}
  {%- elif type == 'columns' -%}{{- return(stringx_rule__columns(rule, scope)) -}}
  {%- elif type == 'column_type' -%}{{- return(stringx_rule__column_type(rule, scope)) -}}
  {%- elif type == 'schema_change' -%}{{- return(stringx_rule__schema_change(rule, scope)) -}}
  {%- elif type == 'activity' -%}{{- return(stringx_rule__activity(rule, scope)) -}}
  {%- endif -%}
  {{- return({'fault': 'there is no rule type of this name that is a dbt test'}) -}}
{% endmacro %}


{#- The SELECT of one row with `failures`. -#}
{% macro stringx_exported_row(rule, scope, sql, given) %}
  {%- set total = 'count(*)' ~ stringx_filter([scope.both]) -%}
  {%- if 'statement' in sql -%}
    {%- set scanned = '(select ' ~ total ~ ' from ' ~ scope.relation ~ ')' -%}
    {%- set source = {'own': 'total', 'none': 'null::bigint'}.get(sql.get('total', 'scan'), scanned) -%}
    {%- set failures = 'failures' if scope.where is none or source != scanned else 'case when ' ~ scanned ~ ' = 0 then 0 else failures end' -%}
    {%- if sql.get('found') -%}{%- set failures = 'case when ' ~ stringx_exported_fault() ~ ' is not null then ' ~ stringx_exported_fault() ~ '::bigint else ' ~ failures ~ ' end' -%}{%- endif -%}
    {%- set counted = 'select ' ~ failures ~ ' as failures, ' ~ source ~ ' as total from (' ~ sql.statement ~ ') as counted' -%}
  {%- elif 'violation' in sql -%}
    {%- set counted = 'select count(*)' ~ stringx_filter([scope.both, '(' ~ sql.violation ~ ')']) ~ ' as failures, ' ~ total ~ ' as total from ' ~ scope.relation -%}
  {%- else -%}
    {{- return(stringx_exported_measure(rule, scope, sql, given, total)) -}}
  {%- endif -%}
  {%- if given.counts -%}{{- return('select failures::bigint as failures from (' ~ counted ~ ') as decided') -}}{%- endif -%}
  {{- return('select case when ' ~ stringx_exported_above(given.fail_above) ~ ' then 2 when ' ~ stringx_exported_above(given.warn_above)
             ~ ' then 1 else 0 end as failures from (' ~ counted ~ ') as decided') -}}
{% endmacro %}


{#- Why a statement cannot decide, or NULL. It is read as a number, which ends the test with an error that has the words. -#}
{% macro stringx_exported_fault() %}
  {{- return("(found::text::json ->> 'fault')") -}}
{% endmacro %}


{#- 0, 1 or 2 for a measure: without a value it is out of bounds, unless its `where` matches no row, or the table is empty and `on_empty` says otherwise. -#}
{% macro stringx_exported_measure(rule, scope, sql, given, total) %}
  {%- set bounds = sql.get('bounds', rule.arguments) -%}
  {%- set worst = 2 if bounds.get('min') is not none or bounds.get('max') is not none else 1 -%}
  {%- if 'measured' in sql -%}
    {%- set read = sql.measured -%}
  {%- else -%}
    {%- set fails = stringx_outside(sql.measure, bounds, sql.get('fact')) -%}
    {%- set warns = stringx_outside(sql.measure, sql.get('warn_bounds', rule.arguments.get('warn') or {}), sql.get('fact')) -%}
    {%- set read = 'select ' ~ total ~ ' as total, (' ~ sql.measure ~ ')::text as measured, ' ~ fails ~ ' as fails, ' ~ warns ~ ' as warns from ' ~ scope.relation -%}
  {%- endif -%}
  {%- set empty = {'pass': 0, 'warn': 1}.get(given.on_empty) if not sql.get('decides_empty') else none -%}
  {%- set row -%}
    select case
      {% if 'measured' in sql and sql.get('found') %}when {{ stringx_exported_fault() }} is not null then {{ stringx_exported_fault() }}::integer{% endif %}
      {% if scope.where is not none and not sql.get('counts_rows') %}when total = 0 then 0{% endif %}
      {% if empty is not none %}when measured is null and not exists (select from {{ scope.relation }}) then {{ empty }}{% endif %}
      when fails then 2
      when measured is null {% if scope.where is not none %}and total > 0{% endif %} then {{ worst }}
      when warns then 1 else 0 end as failures
    from ({{ read }}) as measured
  {%- endset -%}
  {{- return(row | string) -}}
{% endmacro %}


{#- Whether the failures are above a count or a share. -#}
{% macro stringx_exported_above(threshold) %}
  {%- if threshold is none -%}{{- return('false') -}}{%- endif -%}
  {%- if threshold is not string -%}{{- return('failures > ' ~ threshold) -}}{%- endif -%}
  {{- return('failures > 0 and failures * 100::numeric > ' ~ stringx_literal(threshold.replace('%', '') | trim) ~ '::numeric * total') -}}
{% endmacro %}
