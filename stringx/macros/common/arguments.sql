{#- Which of a rule's own texts a data exception (SQLSTATE class 22) is about: a value or bound that the column's type cannot hold, a broken
    pattern, a literal in its `where` or in the request's window. Each is tried alone, without reading a row, and only for rules with such an
    error. If none fails by itself, a row's value was the cause, and the reason stays as it is. -#}

{#- {rule_key: {reason}}, for rules with an argument that fails by itself. -#}
{% macro stringx_reasons_of_arguments(spec, tables, state, outcome) %}
  {%- set slots = {} -%}
  {%- for table in tables -%}
    {%- for rule in table.rules if (outcome.tables[table.number].rules[rule.number].sqlstate or '').startswith('22') -%}
      {%- for name, test in stringx_argument_tests(rule).items() -%}
        {%- do slots.update({table.number ~ '/' ~ rule.number ~ '/' ~ name: {'sql': 'select coalesce((' ~ test ~ '), \'""\')', 'timezone': table.spec.timezone,
                                                                           'path': state.path if rule.runs_custom else none}}) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set reasons = {} -%}
  {%- if slots -%}
    {%- for slot, result in stringx_run('', spec, slots).results.items() if result is mapping and result.sqlstate[:2] == '22' -%}
      {%- set table, rule, name = slot.split('/', 2) -%}
      {%- do reasons.setdefault(table ~ '/' ~ rule, {'reason': name ~ ': ' ~ stringx_reason(result)}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(reasons) -}}
{% endmacro %}


{#- {name of a text: a SELECT that fails if the text is at fault}. -#}
{% macro stringx_argument_tests(rule) %}
  {%- set arguments, tests, text = rule.spec.arguments, {}, stringx_type_names().text -%}
  {%- set nothing = ' as ' ~ text ~ ') from ' ~ rule.scope.relation ~ ' limit 0' -%}
  {%- if rule.scope.window is not none -%}{%- do tests.update({"the request's window": "select '' from " ~ rule.scope.relation ~ ' where ' ~ rule.scope.window ~ ' limit 0'}) -%}{%- endif -%}
  {%- if rule.scope.where is not none -%}{%- do tests.update({'where': "select '' from " ~ rule.scope.relation ~ ' where ' ~ rule.scope.where ~ ' limit 0'}) -%}{%- endif -%}
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
