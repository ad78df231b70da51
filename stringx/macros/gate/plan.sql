{#- The plan: which SQL each rule runs. Nothing here changes a plan; each macro returns a new one. -#}

{#- The tables of the specification: [{number, spec, relation, window, rules: [{number, spec, scope, sql, relations, whole_table, runs_custom}]}].
    `sql` is what the rule's macro returns. If there is no macro it is a `fault`, so that only this rule is not decided. The macro of a `typed` rule, and
    of one whose columns are patterns, is called when its columns are known (stringx_with_types).

    Here and in other loops over rules simple steps are inlined on purpose: a macro call costs as much as about 30 inline lines. -#}
{% macro stringx_plan(spec) %}
  {%- set tables = [] -%}
  {%- for table in spec.tables -%}
    {%- set relation = stringx_name(table.schema) ~ '.' ~ stringx_name(table.name) -%}
    {%- set window_of_table = stringx_window(table.get('window'), none) -%}
    {%- set rules = [] -%}
    {%- set shown = (table.key or []) + (table.sample_columns or []) -%}
    {%- for rule in table.rules -%}
      {%- set windowed, typed = rule.get('windowed', true), 'typed' in rule -%}
      {%- set window = window_of_table if windowed else none -%}
      {%- set where = rule.get('where') -%}
      {%- set where = stringx_condition(where) if where is not none else none -%}
      {%- set both = window ~ ' and ' ~ where if window is not none and where is not none else where if window is none else window -%}
      {%- set scope = {'relation': relation, 'schema': table.schema, 'name': table.name, 'window': window, 'where': where, 'both': both,
                       'types': {}, 'others': {}, 'parallel': false, 'shown': shown, 'per': rule.get('per', [])} -%}
      {%- set macro_name = 'stringx_rule__' ~ rule.type -%}
      {%- if rule.get('fault') or macro_name not in context -%}
        {%- set sql = {'fault': rule.get('fault') or 'the project has no macro ' ~ macro_name} -%}
      {%- elif (typed or 'column_globs' in rule) and not spec.get('plan_only') -%}
        {%- set sql = {} -%}
      {%- else -%}
        {%- set sql = context[macro_name](rule, scope) -%}
      {%- endif -%}
      {%- set relations = sql.get('relations', []) | list -%}
      {%- for parts in rule.get('relations', []) -%}
        {%- set other = stringx_names(parts) | join('.') -%}
        {%- if other not in relations -%}{%- do relations.append(other) -%}{%- endif -%}
      {%- endfor -%}
      {%- do rules.append({'number': loop.index0, 'spec': rule, 'scope': scope, 'sql': sql, 'relations': relations,
                           'whole_table': not windowed and window_of_table is not none,
                           'runs_custom': where is not none or not typed or 'custom' in rule}) -%}
    {%- endfor -%}
    {%- do tables.append({'number': loop.index0, 'spec': table, 'relation': relation, 'window': window_of_table, 'rules': rules}) -%}
  {%- endfor -%}
  {{- return(tables) -}}
{% endmacro %}


{#- What the probe has to look up for a plan: {relations, names: of columns, all_columns: whether all are looked up, for patterns, sql: whether there is custom SQL, code: whether a dbt test or a rule type of the
    project's own may look for any name, casts: types that custom SQL casts to, patterns: regular expressions, qualified: names after a dot,
    each with the key of its `rule`}. -#}
{% macro stringx_wanted(tables) %}
  {%- set relations, names, casts, patterns, qualified = [], [], [], [], [] -%}
  {%- set custom = namespace(sql=false, code=false, all_columns=false) -%}
  {%- for table in tables -%}
    {%- if table.relation not in relations -%}{%- do relations.append(table.relation) -%}{%- endif -%}
    {%- if table.window is not none -%}{%- do names.append(table.spec.window.column) -%}{%- endif -%}
    {%- for rule in table.rules -%}
      {%- set spec = rule.spec -%}
      {%- for relation in rule.relations if relation not in relations -%}{%- do relations.append(relation) -%}{%- endfor -%}
      {%- do names.extend(spec.columns) -%}
      {%- if 'per' in spec -%}{%- do names.extend(spec.per) -%}{%- endif -%}
      {%- if 'other_columns' in spec -%}{%- do names.extend(spec.other_columns) -%}{%- endif -%}
      {%- if 'named' in spec -%}{%- do names.extend([table.spec.name] + spec.get('relations', []) | map('last') | list) -%}{%- endif -%}
      {%- if 'compared' in spec -%}
        {%- for compared in spec.compared.values() -%}{%- do names.extend(compared | map(attribute=2)) -%}{%- endfor -%}
      {%- endif -%}
      {%- if 'qualified' in spec -%}{%- do qualified.extend(stringx_qualified(table, rule, relations)) -%}{%- endif -%}
      {%- if 'casts' in spec -%}{%- do casts.extend(spec.casts) -%}{%- endif -%}
      {%- if 'patterns' in spec -%}{%- do patterns.extend(spec.patterns.values() | sum(start=[])) -%}{%- endif -%}
      {%- if rule.runs_custom -%}{%- set custom.sql = true -%}{%- endif -%}
      {%- if 'column_globs' in spec -%}{%- set custom.all_columns = true -%}{%- endif -%}
      {%- if 'typed' not in spec -%}{%- set custom.code = true -%}{%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return({'relations': relations, 'names': names | unique(true) | list, 'all_columns': custom.all_columns, 'sql': custom.sql, 'code': custom.code, 'casts': casts,
              'patterns': patterns | unique(true) | list, 'qualified': qualified}) -}}
{% endmacro %}


{#- The plan with the SQL of the `typed` rules, and of others in a window, now that the types of columns are known, and whether the server would give a
    statement more than one process. A rule is not decided if its type has no meaning for the type of its column, or if PostgreSQL would read its SQL differently. -#}
{% macro stringx_with_types(tables, state) %}
  {%- set others, parallel = state.facts, state.parallel -%}
  {%- set planned = [] -%}
  {%- for table in tables -%}
    {%- set types, name = others.get(table.relation, {}), table.spec.name -%}
    {%- set window = stringx_window(table.spec.window, types.get(table.spec.window.column)) if table.spec.get('window') else none -%}
    {%- set rules = [] -%}
    {%- for rule in table.rules -%}
      {%- if 'column_globs' in rule.spec and state.relations[table.relation].reason is none -%}{%- set rule = stringx_with_columns(rule, types) -%}{%- endif -%}
      {%- set spec, scope = rule.spec, rule.scope -%}
      {%- set columns, accepts = spec.columns, spec.get('accepts') -%}
      {%- set windowed = scope.window is not none -%}
      {%- set may_miss = name in columns or 'named' in spec or rule.relations or name in spec.get('other_columns', []) or name in spec.get('per', []) -%}
      {%- set missing = stringx_missing(rule, table, state) if may_miss else none -%}
      {%- set called = state.called.get(table.number ~ '/' ~ rule.number) if state.called else none -%}
      {%- set broken = stringx_broken(rule, state) if state.broken and 'patterns' in spec else none -%}
      {%- set fault = rule.unmatched if rule.get('unmatched') else 'column "' ~ missing ~ '" does not exist' if missing is not none else stringx_called(called) if called is not none
                      else rule.get('untrusted') or broken -%}
      {%- if fault -%}
        {%- do rules.append(dict(rule, sql={'fault': fault})) -%}
      {%- elif ('typed' in spec or windowed or 'column_globs' in spec) and not spec.get('fault') and 'stringx_rule__' ~ spec.type in context -%}
        {%- set scope = dict(scope, types=types, others=others, parallel=parallel) -%}
        {%- if windowed -%}
          {%- set scope = dict(scope, window=window, both=window if scope.where is none else window ~ ' and ' ~ scope.where) -%}
        {%- endif -%}
        {%- set refused = [] -%}
        {%- if accepts is not none -%}
          {%- for column in columns if column in types and types[column].family not in accepts -%}{%- do refused.append(column) -%}{%- endfor -%}
        {%- endif -%}
        {%- if refused -%}
          {%- set sql = {'fault': spec.type ~ ' means nothing for a column of type ' ~ types[refused[0]].type ~ ': ' ~ refused[0]} -%}
        {%- else -%}
          {%- set sql = context['stringx_rule__' ~ spec.type](spec, scope) -%}
        {%- endif -%}
        {%- do rules.append(dict(rule, scope=scope, sql=sql)) -%}
      {%- else -%}
        {%- do rules.append(rule) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- do planned.append(dict(table, window=window, rules=rules)) -%}
  {%- endfor -%}
  {{- return(planned) -}}
{% endmacro %}


{#- The rule with the columns that its patterns stand for, of those that its table has (`types`), sorted by name. Without any it is `unmatched`. -#}
{% macro stringx_with_columns(rule, types) %}
  {%- set globs, columns = rule.spec.column_globs, [] -%}
  {%- for column in rule.spec.columns -%}
    {%- if column in globs -%}
      {%- for name in types | sort(case_sensitive=true) if modules.re.match(globs[column], name) and name not in columns -%}{%- do columns.append(name) -%}{%- endfor -%}
    {%- elif column not in columns -%}
      {%- do columns.append(column) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set most = rule.spec.get('most_columns') -%}
  {%- if not columns -%}
    {{- return(dict(rule, unmatched='no column matches ' ~ globs | join(', '))) -}}
  {%- elif most is not none and columns | length > most -%}
    {{- return(dict(rule, unmatched=columns | length ~ ' columns match ' ~ globs | join(', ') ~ ', and ' ~ rule.spec.type ~ ' takes at most ' ~ most)) -}}
  {%- endif -%}
  {{- return(dict(rule, spec=dict(rule.spec, columns=columns))) -}}
{% endmacro %}


{#- A column of the rule, or a name in its conditions, that has the name of its table and does not exist, or none: PostgreSQL would take the name for
    the whole row. -#}
{% macro stringx_missing(rule, table, state) %}
  {%- set more = rule.spec.get('other_columns', []) -%}
  {%- set named = [(table.relation, table.spec.name, rule.spec.columns + rule.spec.get('per', []) + ([] if rule.relations else more))] -%}
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


{#- The condition of a window, or none. It is half-open; bounds are read as the column's type, which `fact` describes. -#}
{% macro stringx_window(window, fact) %}
  {%- if not window -%}{{- return(none) -}}{%- endif -%}
  {%- set column = stringx_compared(window.column, fact) -%}
  {%- set parts = [] -%}
  {%- if window.get('from') is not none -%}{%- do parts.append(column ~ stringx_operator(fact, '>=') ~ stringx_value(window.from, fact)) -%}{%- endif -%}
  {%- if window.get('to') is not none -%}{%- do parts.append(column ~ stringx_operator(fact, '<') ~ stringx_value(window.to, fact)) -%}{%- endif -%}
  {{- return('(' ~ parts | join(' and ') ~ ')') -}}
{% endmacro %}


{#- The rules that a constraint may prove: {rule_key: what their type's stringx_proof__ macro returns}. -#}
{% macro stringx_wanted_proofs(tables) %}
  {%- set wanted = {} -%}
  {%- for table in tables -%}
    {%- for rule in table.rules if rule.spec.get('verify') == 'constraint' and not rule.whole_table and not rule.sql.get('fault') -%}
      {%- set macro_name = 'stringx_proof__' ~ rule.spec.type -%}
      {%- set proof = context[macro_name](rule.spec, rule.scope) if macro_name in context else none -%}
      {%- if proof is not none and 'stringx_proved_by_' ~ proof.kind in context -%}{%- do wanted.update({table.number ~ '/' ~ rule.number: proof}) -%}{%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(wanted) -}}
{% endmacro %}
