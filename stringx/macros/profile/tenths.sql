{#- How steady columns are along the table, and which of them are never above others. -#}

{#- {tenths: {column number: {measures}}, comparisons: [{column, other_column, rows, at_most, at_least}]}: over about 50,000 rows. A tenth is one of the rows, or of a large table's blocks, as they lie there, mostly in the
    order in which rows were loaded: what differs between tenths by more than chance moves with time. Views, partitioned and foreign tables have no such order, small
    tables too little of it. If a statement fails, nothing is known of its columns. -#}
{% macro stringx_profile_tenths(spec, table, relation, catalog, sampling, columns, scan) %}
  {%- set nothing = {'tenths': {}, 'comparisons': []} -%}
  {%- if scan.rows is none or scan.rows < 100 -%}{{- return(nothing) -}}{%- endif -%}
  {%- set along = stringx_along(relation, catalog, 50000, [sampling.estimate or 0, scan.rows] | max if sampling.sample else scan.rows, spec.profile.seed) -%}
  {%- if along is none -%}{{- return(nothing) -}}{%- endif -%}
  {%- set double = stringx_type_names().double -%}
  {%- set pairs, slots, kept = stringx_profile_comparable(columns), {}, [] -%}
  {%- for some in columns[:300] | selectattr('readable') | batch(along.columns_at_once) -%}
    {%- set inner, outer, names = ['count(*) as n'], ["count(*)"], [] -%}
    {%- for column in some -%}
      {%- set name, number, value = stringx_name(column.name), column.number | string, stringx_compared(column.name, column.fact) -%}
      {%- do inner.append('count(' ~ name ~ ') as v' ~ number) -%}
      {%- set missing = '(1 - cast(v' ~ number ~ ' as ' ~ double ~ ') / n)' -%}
      {%- do outer.extend(['min' ~ missing, 'max' ~ missing]) -%}
      {%- do names.extend([(column.number, 'fewest_nulls'), (column.number, 'most_nulls')]) -%}
      {%- if column.fact.family in ('integer', 'decimal', 'float') -%}
        {%- do inner.append(stringx_of_finite('avg', value, stringx_profile_odd(value, column.fact)) ~ ' as a' ~ number) -%}
        {%- set enough = ' filter (where v' ~ number ~ ' >= 5)' -%}
        {%- do outer.extend(['min(a' ~ number ~ ')' ~ enough, 'max(a' ~ number ~ ')' ~ enough, 'min(v' ~ number ~ ')' ~ enough]) -%}
        {%- do names.extend([(column.number, 'least_mean'), (column.number, 'greatest_mean'), (column.number, 'tenth')]) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- for one, other in (pairs if loop.first else []) -%}
      {%- set a, b, at = stringx_compared(one.name, one.fact), stringx_compared(other.name, other.fact), loop.index0 | string -%}
      {%- do inner.extend([stringx_count([a ~ ' <= ' ~ b]) ~ ' as l' ~ at, stringx_count([a ~ ' >= ' ~ b]) ~ ' as g' ~ at,
                           stringx_count([stringx_is_not_null(one.name), stringx_is_not_null(other.name)]) ~ ' as r' ~ at]) -%}
      {%- do outer.extend(['sum(r' ~ at ~ ')', 'sum(l' ~ at ~ ')', 'sum(g' ~ at ~ ')']) -%}
    {%- endfor -%}
    {%- set grouped = 'select ' ~ inner | join(', ') ~ ' from ' ~ along.source ~ ' group by ' ~ along.tenth -%}
    {%- do kept.append(names) -%}
    {%- do slots.update({loop.index0 | string: {'timezone': table.timezone, 'sql': 'select ' ~ stringx_list(outer) ~ ' from (' ~ grouped ~ ') as p where n >= 10'}}) -%}
  {%- endfor -%}
  {%- set read, tenths, comparisons = stringx_profile_run(spec, slots), {}, [] -%}
  {%- for names in kept -%}
    {%- set answer = read[loop.index0 | string] -%}
    {%- set is_known = answer is not mapping and answer[0] | int >= 3 -%}
    {%- for number, measure in (names if is_known else []) -%}
      {%- do tenths.update({number: dict(tenths.get(number, {}), **{measure: answer[loop.index]})}) -%}
    {%- endfor -%}
    {%- for one, other in (pairs if is_known and loop.first else []) -%}
      {%- set first = 1 + names | length + 3 * loop.index0 -%}
      {%- set rows, at_most, at_least = (answer[first] or 0) | int, (answer[first + 1] or 0) | int, (answer[first + 2] or 0) | int -%}
      {%- if [at_most, at_least] | max * 100 >= rows * 98 and rows > 0 -%}
        {%- do comparisons.append({'column': one.name, 'other_column': other.name, 'rows': rows, 'at_most': at_most, 'at_least': at_least}) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return({'tenths': tenths, 'comparisons': comparisons}) -}}
{% endmacro %}


{#- [(column, column)]: pairs of the first eight moments of a type, and of the first ten numbers. -#}
{% macro stringx_profile_comparable(columns) %}
  {%- set kinds, pairs = {}, [] -%}
  {%- for column in columns if column.readable -%}
    {%- set kind = column.fact.type if column.fact.family in ('date', 'timestamp') else 'number' if column.fact.family in ('integer', 'decimal', 'float') else none -%}
    {%- if kind is not none and kinds.get(kind, []) | length < (10 if kind == 'number' else 8) -%}
      {%- do kinds.update({kind: kinds.get(kind, []) + [column]}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for some in kinds.values() -%}
    {%- for one in some -%}
      {%- for other in some[loop.index:] -%}{%- do pairs.append((one, other)) -%}{%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(pairs) -}}
{% endmacro %}
