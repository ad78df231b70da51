{#- The statements of samples. A column of the table is never in one scope with a name of these macros: it gets another name (c1, c2, …) where it
    is read. -#}

{#- A JSON list of those of the columns that the relation does not have. -#}
{% macro stringx_absent(relation, columns) %}
  {{- return('select to_json(list(name))::varchar from (select unnest([' ~ stringx_literals(columns) ~ ']) as name) as shown where name not in (select column_name from (describe select * from '
             ~ relation ~ '))') -}}
{% endmacro %}


{#- {sql, columns} of a rule's sample, or none if its failures are no rows; as PostgreSQL's macro of the name. -#}
{% macro stringx_sample(table, rule, shown, state, room) %}
  {%- set limit, facts = ' limit ' ~ table.spec.sample_rows | int, state.facts[table.relation] -%}
  {%- set violating = {'inside': '(' ~ rule.sql.violation ~ ')'} if 'violation' in rule.sql else none -%}
  {%- set given = rule.sql.get('sample', violating) -%}
  {%- if not given -%}{{- return(none) -}}{%- endif -%}
  {%- if 'keys' in given -%}
    {%- set named = given.get('columns', rule.spec.columns) -%}
    {%- for column in named if column not in shown -%}{{- return(none) -}}{%- endfor -%}
    {%- set values = [] -%}
    {%- for column in named -%}{%- do values.append(stringx_json('chosen.k' ~ loop.index, facts.get(column))) -%}{%- endfor -%}
    {{- return({'sql': stringx_as_rows(values + ['to_json(chosen.everywhere)'], given['keys'] ~ limit, room), 'columns': named + ['count(*)' if 'count' in named else 'count']}) -}}
  {%- elif 'query' in given -%}
    {%- set described = stringx_one('select to_json(list([column_name, column_type]))::varchar from (describe select * from (' ~ given.query ~ '\n) as violating)') -%}
    {%- set known, names, values, order = stringx_facts(fromjson(described or '[]')), [], [], [] -%}
    {%- for column in shown if column in known -%}
      {%- do names.append(column) -%}
      {%- do values.append(stringx_json('chosen.' ~ stringx_name(column), known[column])) -%}
      {%- do order.append('violating.' ~ stringx_name(column) ~ ' asc nulls last') -%}
    {%- endfor -%}
    {%- if not names -%}{{- return(none) -}}{%- endif -%}
    {{- return({'sql': stringx_as_rows(values, 'select violating.* from (' ~ given.query ~ '\n) as violating order by ' ~ order | join(', ') ~ limit, room), 'columns': names}) -}}
  {%- endif -%}
  {%- set read, columns, values, order = [], [], [], [] -%}
  {%- for column in shown -%}
    {%- set name = 'c' ~ loop.index -%}
    {#- the table's name alone would be the whole row -#}
    {%- set owner = rule.scope.relation ~ '.' if column == table.spec.name else '' -%}
    {%- do read.append(owner ~ stringx_name(column) ~ ' as ' ~ name) -%}
    {%- do columns.append('checked.' ~ name) -%}
    {%- do values.append(stringx_json('chosen.' ~ name, facts.get(column))) -%}
    {%- do order.append(('checked.' ~ name if column in table.spec.key else 'checked.' ~ name ~ '::varchar collate "binary"') ~ ' asc nulls last') -%}
  {%- endfor -%}
  {%- set rows = given.get('with', '') ~ 'select ' ~ columns | join(', ') ~ ' from ' ~ stringx_checked(rule.scope, given, read) ~ ' order by ' ~ order | join(', ') ~ limit -%}
  {{- return({'sql': stringx_as_rows(values, rows, room), 'columns': shown}) -}}
{% endmacro %}


{#- Rows of the checked table and which of them violate, by the parts that PostgreSQL's macro of the name has. The count and the sample are made of the same parts,
    and so is `of_groups`. -#}
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


{#- A value as JSON: numbers of up to 15 digits and truth values as such, all else as text, of which the beginning is shown. -#}
{% macro stringx_json(value, fact=none) %}
  {%- set family = fact.family if fact else 'text' -%}
  {%- set text = value ~ '::varchar' -%}
  {%- set digits = 'length(regexp_replace(' ~ text ~ ", '[^0-9]', '', 'g')) <= 15" -%}
  {%- set short = 'case when length(' ~ text ~ ') > 200 then to_json(left(' ~ text ~ ", 200) || '...') else to_json(" ~ text ~ ') end' -%}
  {%- if family == 'boolean' -%}{{- return('to_json(' ~ value ~ ')') -}}{%- endif -%}
  {%- if family in ('integer', 'decimal') -%}{{- return('case when ' ~ digits ~ ' then json(' ~ text ~ ') else to_json(' ~ text ~ ') end') -}}{%- endif -%}
  {%- if family == 'float' -%}
    {{- return("case when isnan(" ~ value ~ ") then to_json('NaN') when isinf(" ~ value ~ ') then to_json(case when ' ~ value ~ " > 0 then 'Infinity' else '-Infinity' end) when "
               ~ digits ~ ' then to_json(' ~ value ~ ') else to_json(' ~ text ~ ') end') -}}
  {%- elif family == 'timestamp' -%}
    {{- return("to_json(regexp_replace(replace(" ~ text ~ ", ' ', 'T'), '([+-][0-9]{2})$', '\\1:00'))") -}}
  {%- elif family in ('json', 'array', 'composite') -%}
    {{- return('case when length(' ~ text ~ ") <= 200 and not regexp_matches(to_json(" ~ value ~ ")::varchar, '[0-9.]{17}|NaN|inf') then to_json(" ~ value ~ ') else ' ~ short ~ ' end') -}}
  {%- endif -%}
  {{- return(short) -}}
{% endmacro %}


{#- The rows of a query, each as a list of these JSON values of `chosen`, as many as there is `room` for, and whether there are more. -#}
{% macro stringx_as_rows(values, query, room) %}
select json_array(coalesce(to_json(list(sized.shown order by sized.n) filter (where sized.bytes <= {{ room }})), json('[]')),
                  coalesce(bool_or(sized.bytes > {{ room }}), false))::varchar
from (
  select listed.n, listed.shown, sum(strlen(listed.shown::varchar)) over (order by listed.n) as bytes
  from (
    select chosen.stringx_place as n, json_array({{ values | join(', ') }}) as shown
    from (select row_number() over () as stringx_place, found.* from ({{ query }}) as found) as chosen
  ) as listed
) as sized
{% endmacro %}
