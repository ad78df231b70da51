{#- Which of a rule's own texts a data exception (SQLSTATE class 22) is about: a value or bound that the column's type cannot hold, a broken
    pattern, a literal in its `where` or in the request's window. Each is tried alone, without reading a row, and only for rules with such an
    error. If none fails by itself, a row's value was the cause: then its custom SQL is tried on the rows, up to five texts in a check. If that
    does not fail either, the reason stays as it is. -#}

{#- {rule_key: {reason}}, for rules with a text that fails. -#}
{% macro stringx_reasons_of_arguments(spec, tables, state, outcome) %}
  {%- set reasons, failed = {}, [] -%}
  {%- for table in tables -%}
    {%- for rule in table.rules if (outcome.tables[table.number].rules[rule.number].sqlstate or '').startswith('22') -%}
      {%- do failed.append({'key': table.number ~ '/' ~ rule.number, 'table': table, 'rule': rule}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- for tests_of, most in (('stringx_argument_tests', none), ('stringx_custom_sql_tests', 5)) -%}
    {%- set slots, names, meant = {}, {}, {} -%}  {#- rules with the same text share a test -#}
    {%- for one in failed if one.key not in reasons -%}
      {%- for name, test in context[tests_of](one.rule).items() -%}
        {%- set same = test ~ ' ' ~ one.table.spec.timezone -%}
        {%- if same not in names and (most is none or slots | length < most) -%}
          {%- do names.update({same: one.key ~ '/' ~ name}) -%}
          {%- do slots.update({names[same]: {'sql': 'select coalesce((' ~ test ~ '), \'""\')', 'timezone': one.table.spec.timezone, 'path': state.path if one.rule.runs_custom else none}}) -%}
        {%- endif -%}
        {%- do meant.setdefault(names.get(same), []).append((one.key, name)) -%}
      {%- endfor -%}
    {%- endfor -%}
    {%- for slot, result in (stringx_run('', spec, slots).results if slots else {}).items() if result is mapping and result.sqlstate[:2] == '22' -%}
      {%- for key, name in meant[slot] -%}{%- do reasons.setdefault(key, {'reason': name ~ ': ' ~ stringx_reason(result)}) -%}{%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(reasons) -}}
{% endmacro %}


{#- {name of a text: a SELECT that fails if its custom SQL fails for a row}. -#}
{% macro stringx_custom_sql_tests(rule) %}
  {%- set tests, begin = {}, 'select cast(count(*) as ' ~ stringx_type_names().text ~ ') from ' -%}
  {%- if rule.spec.type == 'sql' and 'sample' in rule.sql -%}
    {%- do tests.update({'argument query': begin ~ '(' ~ rule.sql.sample.query ~ ') as violating'}) -%}
  {%- else -%}
    {%- if rule.scope.where is not none -%}{%- do tests.update({'where': begin ~ rule.scope.relation ~ stringx_where(rule.scope.both)}) -%}{%- endif -%}
    {%- if rule.spec.type == 'expression' and 'violation' in rule.sql -%}
      {%- do tests.update({'argument sql': begin ~ rule.scope.relation ~ stringx_where(stringx_all([rule.scope.both, '(' ~ rule.sql.violation ~ ')']))}) -%}
    {%- endif -%}
  {%- endif -%}
  {{- return(tests) -}}
{% endmacro %}


{#- {name of a text: a SELECT that fails if the text is at fault}. -#}
{% macro stringx_argument_tests(rule) %}
  {%- set arguments, tests, text = rule.spec.arguments, {}, stringx_type_names().text -%}
  {%- set nothing = ' as ' ~ text ~ ')' ~ stringx_from_no_row(rule.scope.relation) -%}
  {%- if rule.scope.window is not none -%}{%- do tests.update({"the request's window": 'select cast((' ~ rule.scope.window ~ ')' ~ nothing}) -%}{%- endif -%}
  {%- if rule.scope.where is not none -%}{%- do tests.update({'where': 'select cast(' ~ rule.scope.where ~ nothing}) -%}{%- endif -%}
  {%- if arguments.get('values') and rule.spec.columns -%}
    {%- set fact = rule.scope.types.get(rule.spec.columns[0]) -%}
    {%- do tests.update({'argument values': 'select cast(' ~ stringx_compared(rule.spec.columns[0], fact) ~ ' in (' ~ stringx_values(arguments['values'], fact) ~ ')' ~ nothing}) -%}
  {%- endif -%}
  {%- for name in ('weights', 'bins') if arguments.get(name) and rule.spec.columns and (name == 'bins' or arguments.weights is mapping) -%}
    {%- set fact = rule.scope.types.get(rule.spec.columns[0]) -%}
    {%- do tests.update({'argument ' ~ name: 'select cast(' ~ stringx_compared(rule.spec.columns[0], fact) ~ ' in (' ~ stringx_values(arguments[name] | list, fact) ~ ')' ~ nothing}) -%}
  {%- endfor -%}
  {%- if arguments.get('pattern') is not none -%}
    {#- LIKE fails only for the end of a pattern, and only if a text reaches it -#}
    {%- set end = arguments.pattern[arguments.pattern.rstrip('\\') | length:] -%}
    {%- set test = stringx_has_match("''", arguments.pattern) if rule.spec.type == 'regex'
        else stringx_literal('\\' * (end | length // 2) ~ 'x') ~ ' like ' ~ stringx_literal(end) -%}
    {%- do tests.update({'argument pattern': 'select cast(' ~ test ~ ' as ' ~ text ~ ')'}) -%}
  {%- endif -%}
  {%- for bound in ('min', 'max') -%}
    {%- if 'measure' in rule.sql -%}
      {%- for side, bounds in {'': rule.sql.get('bounds', arguments), 'warn.': rule.sql.get('warn_bounds', arguments.get('warn') or {})}.items() if bounds.get(bound) is not none -%}
        {%- do tests.update({'argument ' ~ side ~ bound: 'select cast(' ~ stringx_outside(rule.sql.measure, {bound: bounds[bound]}, rule.sql.get('fact')) ~ nothing}) -%}
      {%- endfor -%}
    {%- elif 'violation' in rule.sql and arguments.get(bound) is not none -%}
      {%- set alone = dict(arguments) -%}
      {%- do alone.pop('max' if bound == 'min' else 'min', none) -%}
      {%- do tests.update({'argument ' ~ bound: 'select cast((' ~ context['stringx_rule__' ~ rule.spec.type](dict(rule.spec, arguments=alone), rule.scope).violation ~ ')' ~ nothing}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(tests) -}}
{% endmacro %}
