{#- Rows of two tables by their key: rows that only one of them has, and rows whose columns differ. A key with any NULL is the key of no row of the other table.
    A key that occurs several times in a table says not which rows to compare, and the rule is an error; the numbers of pairs and rows show it.

    Both tables are read once and joined in one statement of the snapshot. PostgreSQL joins in parts that fit into work_mem. -#}
{% macro stringx_rule__compare_rows(rule, scope) %}
  {%- set other = stringx_relation(rule.arguments.other_table) -%}
  {%- set key = [rule.arguments.key] if rule.arguments.key is string else rule.arguments.key -%}
  {%- set facts = scope.types, scope.others.get(other, {}) -%}
  {%- set all = rule.get('column_globs', {}) and '*' in rule.column_globs -%}
  {%- set compared = rule.columns | reject('in', key) | list -%}
  {%- set fault = stringx_not_comparable(key, compared, facts, all, rule.arguments.other_table) if facts[0] or facts[1] else none -%}
  {%- if fault is not none -%}{{- return({'fault': fault, 'relations': [other]}) -}}{%- endif -%}
  {%- set mine, theirs, equal, shown = [], [], [], [] -%}
  {%- for column in key -%}
    {%- set one, two = facts[0].get(column), facts[1].get(column) -%}
    {%- do mine.append(stringx_beside(column, one, two) ~ ' as k' ~ loop.index) -%}
    {%- do theirs.append(stringx_beside(column, two, one) ~ ' as k' ~ loop.index) -%}
    {%- do equal.append('mine.k' ~ loop.index ~ stringx_operator_of_both(one, two, '=') ~ 'theirs.k' ~ loop.index) -%}
    {%- do shown.append('coalesce(mine.k' ~ loop.index ~ ', theirs.k' ~ loop.index ~ ') as ' ~ stringx_name(column)) -%}
  {%- endfor -%}
  {%- set differs = [] -%}
  {%- for column in compared -%}
    {%- set one, two = facts[0].get(column), facts[1].get(column) -%}
    {%- do mine.append(stringx_comparable(column, one, two) ~ ' as c' ~ loop.index) -%}
    {%- do theirs.append(stringx_comparable(column, two, one) ~ ' as c' ~ loop.index) -%}
    {%- do differs.append(stringx_differ('mine.c' ~ loop.index, 'theirs.c' ~ loop.index, one, two, rule.arguments.get('tolerance'))) -%}
    {%- do shown.append('mine.c' ~ loop.index ~ ' as ' ~ stringx_name(column)) -%}
  {%- endfor -%}
  {%- set joined -%}
    (select {{ mine | join(', ') }}, true as is_there from {{ scope.relation }}{{ stringx_where(scope.both) }}) as mine
    full join (select {{ theirs | join(', ') }}, true as is_there from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as theirs
      on {{ equal | join(' and ') }}
  {%- endset -%}
  {%- set unlike = '(' ~ differs | join(' or ') ~ ')' if differs else 'false' -%}
  {%- set numbers, by_column, text = [], [], stringx_type_names().text -%}
  {%- for condition in differs -%}
    {%- do numbers.append('count(*) filter (where mine.is_there and theirs.is_there and ' ~ condition ~ ') as n' ~ loop.index) -%}
    {%- do by_column.append('case when counted.n' ~ loop.index ~ ' > 0 then ' ~ stringx_literal(compared[loop.index0] ~ ' ') ~ ' || cast(counted.n' ~ loop.index ~ ' as ' ~ text ~ ') end') -%}
  {%- endfor -%}
  {%- set found = stringx_object({
    'fault': "case when pairs <> own - extra or pairs <> others - missing then 'the key does not identify rows: its values repeat in one of the two tables' end",
    'missing': 'nullif(missing, 0)', 'extra': 'nullif(extra, 0)', 'different': 'nullif(different, 0)', 'by_column': stringx_texts_that_are(by_column[:100]) if by_column else 'null'
  }) -%}
  {%- set statement -%}
    select missing + extra + different as failures, null as measured, missing + extra + pairs as total, {{ found }} as found
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


{#- Why the rows cannot be compared, or none: a table or a column that is missing. `all`: the rule names no columns, and both tables have to have the same. -#}
{% macro stringx_not_comparable(key, compared, facts, all, other_table) %}
  {%- if not facts[1] -%}{{- return('there is no table ' ~ other_table ~ ', or it has no columns') -}}{%- endif -%}
  {%- for column in key + compared -%}
    {%- for of_table, words in ((facts[0], 'this table'), (facts[1], 'the other table')) if column not in of_table -%}
      {{- return(words ~ ' has no column "' ~ column ~ '"' ~ ('; name the columns that are to be compared' if all and column not in key else '')) -}}
    {%- endfor -%}
  {%- endfor -%}
  {%- for column in facts[1] if all and column not in facts[0] -%}
    {{- return('this table has no column "' ~ column ~ '", and the other one has; name the columns that are to be compared') -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}
