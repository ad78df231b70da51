{#- Rows of two tables by their key: rows that only one of them has, and rows whose columns differ. A key with any NULL is the key of no row of the other table.
    A key that occurs several times in a table says not which rows to compare, and the rule is an error; the numbers of pairs and rows show it. -#}
{% macro stringx_rule__compare_rows(rule, scope) %}
  {%- set other = stringx_relation(rule.arguments.other_table) -%}
  {%- set key = [rule.arguments.key] if rule.arguments.key is string else rule.arguments.key -%}
  {%- set facts = scope.types, scope.others.get(other, {}) -%}
  {%- set compared = rule.columns | reject('in', key) | list -%}
  {%- set all = rule.get('column_globs', {}) and '*' in rule.column_globs -%}
  {%- if not facts[0] or not facts[1] -%}{{- return({'fault': 'there is no table ' ~ rule.arguments.other_table ~ ', or it has no columns', 'relations': [other]}) -}}{%- endif -%}
  {%- for column in facts[1] if all and column not in facts[0] -%}
    {{- return({'fault': 'this table has no column "' ~ column ~ '", and the other one has; name the columns that are to be compared', 'relations': [other]}) -}}
  {%- endfor -%}
  {%- set mine, theirs, equal, shown, differs = [], [], [], [], [] -%}
  {%- for column in key -%}
    {%- do mine.append(stringx_beside(column, facts[0].get(column), facts[1].get(column)) ~ ' as k' ~ loop.index) -%}
    {%- do theirs.append(stringx_beside(column, facts[1].get(column), facts[0].get(column)) ~ ' as k' ~ loop.index) -%}
    {%- do equal.append('mine.k' ~ loop.index ~ ' = theirs.k' ~ loop.index) -%}
    {%- do shown.append('coalesce(mine.k' ~ loop.index ~ ', theirs.k' ~ loop.index ~ ') as ' ~ stringx_name(column)) -%}
  {%- endfor -%}
  {%- for column in compared -%}
    {%- set one, two = facts[0].get(column), facts[1].get(column) -%}
    {%- do mine.append(stringx_beside(column, one, two) ~ ' as c' ~ loop.index) -%}
    {%- do theirs.append(stringx_beside(column, two, one) ~ ' as c' ~ loop.index) -%}
    {%- do differs.append(stringx_differ('mine.c' ~ loop.index, 'theirs.c' ~ loop.index, one, two, rule.arguments.get('tolerance'))) -%}
    {%- do shown.append('mine.c' ~ loop.index ~ ' as ' ~ stringx_name(column)) -%}
  {%- endfor -%}
  {%- set joined -%}
    (select {{ mine | join(', ') }}, true as is_there from {{ scope.relation }}{{ stringx_where(scope.both) }}) as mine
    full join (select {{ theirs | join(', ') }}, true as is_there from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as theirs
      on {{ equal | join(' and ') }}
  {%- endset -%}
  {%- set unlike = '(' ~ differs | join(' or ') ~ ')' if differs else 'false' -%}
  {%- set numbers, by_column = [], [] -%}
  {%- for condition in differs -%}
    {%- do numbers.append('count(*) filter (where mine.is_there and theirs.is_there and ' ~ condition ~ ') as n' ~ loop.index) -%}
    {%- do by_column.append('case when counted.n' ~ loop.index ~ ' > 0 then ' ~ stringx_literal(compared[loop.index0] ~ ' ') ~ ' || counted.n' ~ loop.index ~ ' end') -%}
  {%- endfor -%}
  {%- set told = 'list_filter([' ~ by_column[:100] | join(', ') ~ '], lambda one: one is not null)' -%}
  {%- set statement -%}
    select missing + extra + different as failures, null as measured, missing + extra + pairs as total, json_object(
      'fault', case when pairs <> own - extra or pairs <> others - missing then 'the key does not identify rows: its values repeat in one of the two tables' end,
      'missing', nullif(missing, 0), 'extra', nullif(extra, 0), 'different', nullif(different, 0),
      'by_column', {{ 'case when len(' ~ told ~ ') > 0 then ' ~ told ~ ' end' if by_column else 'null' }}) as found
    from (
      select count(*) filter (where mine.is_there and theirs.is_there) as pairs,
             count(*) filter (where theirs.is_there and mine.is_there is null) as missing,
             count(*) filter (where mine.is_there and theirs.is_there is null) as extra,
             count(*) filter (where mine.is_there and theirs.is_there and {{ unlike }}) as different{{ ', ' if numbers }}{{ numbers | join(', ') }}
      from {{ joined }}) as counted,
      (select count(*) as own from {{ scope.relation }}{{ stringx_where(scope.both) }}) as this_table,
      (select count(*) as others from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as other_table
  {%- endset -%}
  {%- set sample = 'select ' ~ shown | join(', ') ~ ' from ' ~ joined ~ ' where mine.is_there is null or theirs.is_there is null or ' ~ unlike -%}
  {{- return({'statement': statement | string, 'total': 'own', 'counts_rows': true, 'found': true, 'relations': [other], 'sample': {'query': sample}}) -}}
{% endmacro %}


{#- Whether two values differ; NULL is like NULL. Texts are compared by their bytes. Numbers may differ by `tolerance`: a number, or a share of the other table's value. Infinities and
    NaN have no tolerance. -#}
{% macro stringx_differ(mine, theirs, fact, other_fact, tolerance) %}
  {%- set numbers, floats = ('integer', 'decimal', 'float'), 'float' in (fact.family, other_fact.family) -%}
  {%- set unlike = 'encode(' ~ mine ~ ') <> encode(' ~ theirs ~ ')' if fact.family == 'text' else mine ~ ' <> ' ~ theirs -%}
  {%- if tolerance is not none and fact.family in numbers and other_fact.family in numbers -%}
    {%- set text, of_value = tolerance | string | trim, stringx_fact_of_double() if floats else stringx_fact_of_count() -%}
    {%- set one = mine ~ ('::double' if floats else '::hugeint' if fact.family == 'integer' else '') -%}
    {%- set two = theirs ~ ('::double' if floats else '::hugeint' if other_fact.family == 'integer' else '') -%}
    {%- set beyond = 'abs(' ~ one ~ ' - ' ~ two ~ ') > ' ~ stringx_value(text, of_value) -%}
    {%- if text.endswith('%') -%}{%- set beyond = 'abs(' ~ one ~ ' - ' ~ two ~ ') * 100 > abs(' ~ two ~ ') * ' ~ stringx_value(text[:-1] | trim, of_value) -%}{%- endif -%}
    {%- set odd = 'when not isfinite(' ~ one ~ ') or not isfinite(' ~ two ~ ') then true ' if floats else '' -%}
    {%- set unlike = '(' ~ unlike ~ ' and case ' ~ odd ~ 'when ' ~ beyond ~ ' then true else false end)' -%}
  {%- endif -%}
  {{- return('coalesce(' ~ unlike ~ ', (' ~ mine ~ ' is null) <> (' ~ theirs ~ ' is null))') -}}
{% endmacro %}
