{#- Run a specification and leave the outcome in dbt's result: two round trips where every rule passes.

    1. probe: try each relation, so that a missing one makes only its own rules `error`;
    2. main: one snapshot, one scan a table, a statement each for what needs its own, every one isolated;
    3. only where a table's scan failed: its rules one by one, in the same snapshot;
    4. only where rules found something: samples, in the same snapshot too.

    What has columns of other types than when it was probed, or could not be locked and changed meanwhile, is looked at again, and
    after three times is an error. Rules that a constraint should prove are scanned, in the same snapshot, only where it does not. -#}
{% macro stringx_gate(spec) %}
  {%- if spec is none -%}
    {{ exceptions.raise_compiler_error("the gate test needs its specification: --vars '{\"gate\": {...}}'") }}
  {%- endif -%}
  {#- a dbt test, or a rule type of the project's own, may ask the database when it is planned -#}
  {%- set early = not spec.get('plan_only') and spec.tables | map(attribute='rules') | sum(start=[]) | rejectattr('typed') | list | length > 0 -%}
  {%- if early -%}{%- do adapter.add_query('begin; ' ~ stringx_session() ~ ' commit;', auto_begin=false) -%}{%- endif -%}
  {%- do stringx_project() if spec.get('looks_up_project') -%}
  {%- set tables = stringx_plan(spec) -%}
  {%- if spec.get('plan_only') -%}
    {%- do stringx_leave({'format': 'stringx-plan/1', 'verdict': 'pass', 'counts': {'fail': 0, 'error': 0}}) -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set last = namespace(state=none, read={'changed': []}, given_up=[]) -%}
  {%- for attempt in range(1000) if attempt == 0 or last.read.changed -%}
    {%- set last.given_up = last.given_up + (last.read.changed if attempt >= 3 else []) -%}
    {%- set last.state = stringx_probe(spec, tables, attempt == 0 and not early) -%}
    {%- if last.state.odd -%}{%- do stringx_use_operators(tables, last.state) -%}{%- endif -%}
    {%- do stringx_use_types(tables, last.state) -%}
    {%- for relation in last.given_up -%}
      {%- do last.state.relations[relation].update({'reason': 'it was refreshed, altered or replaced each of three times that it was read'}) -%}
    {%- endfor -%}
    {%- set last.read = stringx_read(spec, tables, last.state) -%}
  {%- endfor -%}
  {%- set outcome = stringx_outcome(tables, last.state, last.read) -%}
  {%- do stringx_name_arguments(spec, tables, last.state, outcome) -%}
  {%- set samples = stringx_samples(tables, last.state, outcome) -%}
  {%- if samples -%}
    {%- do stringx_add_samples(outcome, samples, stringx_run('', spec, samples).slots) -%}
  {%- endif -%}
  {%- do stringx_leave(outcome, last.read.nothing) -%}
{% endmacro %}


{#- All rules in one snapshot. -#}
{% macro stringx_read(spec, tables, state) %}
  {%- set asked = stringx_asked_proofs(tables) -%}
  {%- set slots = stringx_slots(tables, state, asked) -%}
  {%- set begin = stringx_begin(spec, state.relations) -%}
  {%- set read = stringx_run(begin ~ stringx_prove(asked, state.server_version), spec, slots, state, asked) -%}
  {%- if not read.proved -%}
    {%- set slots = stringx_slots(tables, state, asked) -%}
    {%- set read = stringx_run('', spec, slots, state) -%}
  {%- endif -%}
  {%- set again = stringx_slots_again(tables, state, slots, read.slots) -%}
  {%- if again -%}
    {%- set second = stringx_run('', spec, again, state) -%}
    {%- do read.slots.update(second.slots) -%}
    {%- do read.update({'changed': second.changed}) -%}
  {%- endif -%}
  {{- return(read) -}}
{% endmacro %}


{#- The tables of the specification with their SQL: relation, window, and what each rule's macro says; a `fault` where
    there is no macro, so that this rule is the only one that is not decided. A `typed` rule's macro is called when the types of its
    columns are known (stringx_use_types). Here and in other loops over rules simple steps are inlined on purpose: a macro call costs as much
    as about 30 inline lines. -#}
{% macro stringx_plan(spec) %}
  {%- set tables = [] -%}
  {%- for table in spec.tables -%}
    {%- set relation = stringx_name(table.schema) ~ '.' ~ stringx_name(table.name) -%}
    {%- set place = {'number': loop.index0, 'spec': table, 'relation': relation,
                     'window': stringx_window(table.get('window'), none), 'rules': []} -%}
    {%- set shown = (table.key or []) + (table.sample_columns or []) -%}
    {%- for rule in table.rules -%}
      {%- set windowed, typed = rule.get('windowed', true), 'typed' in rule -%}
      {%- set window = place.window if windowed else none -%}
      {%- set where = rule.get('where') -%}
      {%- set where = stringx_condition(where) if where is not none else none -%}
      {%- set both = window ~ ' and ' ~ where if window is not none and where is not none else where if window is none else window -%}
      {%- set scope = {'relation': relation, 'schema': table.schema, 'name': table.name, 'window': window, 'where': where, 'both': both,
                       'types': {}, 'others': {}, 'parallel': false, 'shown': shown} -%}
      {%- set macro_name = 'stringx_rule__' ~ rule.type -%}
      {%- if rule.get('fault') or macro_name not in context -%}
        {%- set sql = {'fault': rule.get('fault') or 'the project has no macro ' ~ macro_name} -%}
      {%- elif typed and not spec.get('plan_only') -%}
        {%- set sql = {} -%}
      {%- else -%}
        {%- set sql = context[macro_name](rule, scope) -%}
      {%- endif -%}
      {%- set relations = sql.get('relations', []) -%}
      {%- for parts in rule.get('relations', []) -%}
        {%- set other = stringx_names(parts) | join('.') -%}
        {%- if other not in relations -%}{%- do relations.append(other) -%}{%- endif -%}
      {%- endfor -%}
      {%- do place.rules.append({'number': loop.index0, 'spec': rule, 'scope': scope, 'sql': sql, 'relations': relations,
                                 'whole_table': not windowed and place.window is not none,
                                 'runs_custom': where is not none or not typed or 'custom' in rule}) -%}
    {%- endfor -%}
    {%- do tables.append(place) -%}
  {%- endfor -%}
  {{- return(tables) -}}
{% endmacro %}


{#- The SQL of the `typed` rules, and of others in a window, now that the types of columns are known, and whether the server would give a statement more
    than one process. A rule on a column of a type that has no meaning for it is not decided. -#}
{% macro stringx_use_types(tables, state) %}
  {%- set others, parallel = state.facts, state.parallel -%}
  {%- for table in tables -%}
    {%- set types, name = others.get(table.relation, {}), table.spec.name -%}
    {%- if table.spec.get('window') -%}{%- do table.update({'window': stringx_window(table.spec.window, types.get(table.spec.window.column))}) -%}{%- endif -%}
    {%- for rule in table.rules -%}
      {%- set spec, scope = rule.spec, rule.scope -%}
      {%- set columns, accepts = spec.columns, spec.get('accepts') -%}
      {%- set windowed = scope.window is not none -%}
      {%- if windowed -%}
        {%- do scope.update({'window': table.window, 'both': table.window if scope.where is none else table.window ~ ' and ' ~ scope.where}) -%}
      {%- endif -%}
      {%- set may_miss = name in columns or 'named' in spec or rule.relations or name in spec.get('other_columns', []) -%}
      {%- set missing = stringx_missing(rule, table, state) if may_miss else none -%}
      {%- set called = rule.qualified | select('in', state.calls) | list if 'qualified' in spec else [] -%}
      {%- if missing is not none -%}{%- do rule.update({'sql': {'fault': 'column "' ~ missing ~ '" does not exist'}}) -%}
      {%- elif called -%}{%- do rule.update({'sql': {'fault': stringx_called(rule.qualified[called[0]])}}) -%}
      {%- elif rule.get('untrusted') -%}{%- do rule.update({'sql': {'fault': rule.untrusted}}) -%}
      {%- elif 'broken' in rule -%}{%- do rule.update({'sql': {'fault': rule.broken}}) -%}
      {%- elif ('typed' in spec or windowed) and not spec.get('fault') and 'stringx_rule__' ~ spec.type in context -%}
        {%- do scope.update({'types': types, 'others': others, 'parallel': parallel}) -%}
        {%- set refused = [] -%}
        {%- if accepts is not none -%}
          {%- for column in columns if column in types and types[column].family not in accepts -%}{%- do refused.append(column) -%}{%- endfor -%}
        {%- endif -%}
        {%- if refused -%}
          {%- do rule.update({'sql': {'fault': spec.type ~ ' means nothing for a column of type ' ~ types[refused[0]].type ~ ': ' ~ refused[0]}}) -%}
        {%- else -%}
          {%- do rule.update({'sql': context['stringx_rule__' ~ spec.type](spec, scope)}) -%}
        {%- endif -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}


{#- A column of the rule's, or a name in its conditions, that is called like its table and is not there, or none: PostgreSQL would take the name for the whole row. -#}
{% macro stringx_missing(rule, table, state) %}
  {%- set more = rule.spec.get('other_columns', []) -%}
  {%- set named = [(table.relation, table.spec.name, rule.spec.columns + ([] if rule.relations else more))] -%}
  {%- for condition, names in rule.spec.get('named', {}).items() -%}
    {%- if condition == 'where' or not rule.relations -%}{%- do named.append((table.relation, table.spec.name, names)) -%}
    {%- else -%}{%- do named.append((rule.relations[0], rule.spec.relations[0][-1], names)) -%}{%- endif -%}
  {%- endfor -%}
  {%- if rule.relations and rule.spec.get('typed') -%}
    {%- do named.append((rule.relations[0], rule.spec.relations[0][-1], more or rule.spec.columns)) -%}
  {%- endif -%}
  {%- for relation, name, columns in named if name in columns and name not in state.facts[relation] and state.relations[relation].reason is none -%}
    {{- return(name) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{#- Half-open; bounds are read as the column's type, of which `fact` tells. None without a window. -#}
{% macro stringx_window(window, fact) %}
  {%- if not window -%}{{- return(none) -}}{%- endif -%}
  {%- set column = stringx_compared(window.column, fact) -%}
  {%- set parts = [] -%}
  {%- if window.get('from') is not none -%}{%- do parts.append(column ~ stringx_operator(fact, '>=') ~ stringx_value(window.from, fact)) -%}{%- endif -%}
  {%- if window.get('to') is not none -%}{%- do parts.append(column ~ stringx_operator(fact, '<') ~ stringx_value(window.to, fact)) -%}{%- endif -%}
  {{- return('(' ~ parts | join(' and ') ~ ')') -}}
{% endmacro %}


{#- The dbt result: failures is the number of rules that fail or could not be decided. `nothing`, which came with the rules' values,
    says that there is none, and then dbt ends the snapshot and its locks with the connection, at once; else it takes one more round
    trip, which ends them too. -#}
{% macro stringx_leave(outcome, nothing=none) %}
  {%- set result = nothing -%}
  {%- if nothing is none or outcome.verdict != 'pass' or outcome.counts.fail + outcome.counts.error > 0 -%}
    {%- call statement('stringx_end', fetch_result=true, auto_begin=false) -%}
      rollback;
      select {{ outcome.counts.fail + outcome.counts.error }} as failures,
             {{ outcome.verdict == 'warn' }} as should_warn,
             {{ outcome.verdict in ('fail', 'error') }} as should_error
    {%- endcall -%}
    {%- set result = load_result('stringx_end')['table'] -%}
  {%- endif -%}
  {%- do store_raw_result('main', message=tojson(outcome), code=none, rows_affected=none, agate_table=result) -%}
{% endmacro %}
