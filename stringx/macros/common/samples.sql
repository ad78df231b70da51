{#- Failing rows and their number, from the same parts. A column of the table is never in one scope with a name of these macros: it gets another name (c1, c2, …) where
    it is read. -#}


{#- {sql, columns} of a rule's sample, or none if its failures are no rows. A macro gives under `sample` the parts of stringx_counted; or
    `query`, which returns rows, of which the shown columns are taken as far as they exist; or `keys`, a query of the rule's own columns (k1, k2, …) and a
    count, shown if all of them may be. `shown`: the key and the sample columns. `room`: bytes of its rows. -#}
{% macro stringx_sample(table, rule, shown, state, room) %}
  {%- set limit = ' limit ' ~ table.spec.sample_rows | int -%}
  {%- set violating = {'inside': '(' ~ rule.sql.violation ~ ')'} if 'violation' in rule.sql else none -%}
  {%- set given = rule.sql.get('sample', violating) -%}
  {%- if not given -%}{{- return(none) -}}{%- endif -%}
  {%- set facts = state.facts.get(table.relation, {}) -%}
  {%- if 'keys' in given -%}
    {%- set named = given.get('columns', rule.spec.columns) -%}
    {%- for column in named if column not in shown -%}{{- return(none) -}}{%- endfor -%}
    {%- set keys = [] -%}
    {%- for column in named -%}{%- do keys.append(('k' ~ loop.index, facts.get(column))) -%}{%- endfor -%}
    {{- return({'sql': stringx_rows_as_json(given['keys'] ~ limit, keys, 'everywhere', room), 'columns': named + ['count(*)' if 'count' in named else 'count']}) -}}
  {%- elif 'query' in given -%}
    {{- return(stringx_sample_of_query(rule, given.query, shown, state, limit, room)) -}}
  {%- endif -%}
  {%- set read, columns, values, order = [], [], [], [] -%}
  {%- for column in shown -%}
    {%- set name = 'c' ~ loop.index -%}
    {#- the table's name alone would be the whole row; a name after a dot that is no column would be a function of the row -#}
    {%- set owner = rule.scope.relation ~ '.' if column == table.spec.name else '' -%}
    {%- do read.append(owner ~ stringx_name(column) ~ ' as ' ~ name) -%}
    {%- do columns.append('checked.' ~ name) -%}
    {%- do values.append((name, facts.get(column))) -%}
    {%- do order.append('checked.' ~ name if column in table.spec.key else stringx_text_in_order('checked.' ~ name, facts.get(column))) -%}
  {%- endfor -%}
  {%- set rows = given.get('with', '') ~ 'select ' ~ columns | join(', ') ~ ' from ' ~ stringx_checked(rule.scope, given, read) ~ ' order by ' ~ order | join(', ') ~ limit -%}
  {{- return({'sql': stringx_rows_as_json(rows, values, none, room), 'columns': shown}) -}}
{% endmacro %}


{#- Rows of the checked table and which of them violate, by parts: `select`, expressions over the table's columns under names of the macro's own; `inside`, a
    condition on the table's columns; `with`, common table expressions; `join`, what follows the rows in FROM; `where`, a condition on
    those names, as columns of `checked`. The count and the sample are made of the same parts, so that both are about the same rows, and so is `of_groups`,
    a statement of {g1, …, total: 0, failures} for a rule with `per`. -#}
{% macro stringx_counted(scope, parts) %}
  {%- set counted = {'statement': parts.get('with', '') ~ 'select count(*) as failures, null as measured from ' ~ stringx_checked(scope, parts, []), 'sample': parts} -%}
  {%- if scope.per -%}
    {%- set keys = stringx_keys_of_groups(scope.per, 'checked.') | join(', ') -%}
    {%- do counted.update({'of_groups': parts.get('with', '') ~ 'select ' ~ keys ~ ', 0 as total, count(*) as failures from '
                                        ~ stringx_checked(scope, parts, stringx_named_keys(scope.per)) ~ ' group by ' ~ keys}) -%}
  {%- endif -%}
  {{- return(counted) -}}
{% endmacro %}


{% macro stringx_checked(scope, parts, more) %}
  {%- set read = parts.get('select', []) + more -%}
  {{- return('(select ' ~ (read | join(', ') or '1 as one') ~ ' from ' ~ scope.relation ~ stringx_where(stringx_all([scope.both, parts.get('inside')])) ~ ') as checked'
             ~ parts.get('join', '') ~ stringx_where(parts.get('where'))) -}}
{% endmacro %}
