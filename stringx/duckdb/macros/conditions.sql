{#- Conditions on a column that each engine writes in its own way. -#}


{#- IN these values, of which there are more than 20. Of a query's rows DuckDB makes a table that it joins; in a list it would look at each for each row. -#}
{% macro stringx_in_many(values) %}
  {{- return(' in (select unnest([' ~ values ~ ']))') -}}
{% endmacro %}


{#- Whether a text has a match of a regular expression; `negated`: whether it has none. Only patterns that PostgreSQL reads alike come here (refusals.sql); `s` lets a dot match the end
    of a line, as there. -#}
{% macro stringx_matches(column, fact, pattern, negated) %}
  {{- return(('not ' if negated else '') ~ stringx_has_match(stringx_text(column, fact), pattern)) -}}
{% endmacro %}


{% macro stringx_has_match(text, pattern) %}
  {{- return('regexp_matches(' ~ text ~ ', ' ~ stringx_literal(pattern) ~ ", 's')") -}}
{% endmacro %}


{#- The same for the whole text and a pattern of LIKE. With ESCAPE DuckDB does without its fast ways to search a text, so it is written for patterns that need it. -#}
{% macro stringx_like(column, fact, pattern, negated, case_sensitive) %}
  {{- return(stringx_text(column, fact) ~ (' not ' if negated else ' ') ~ ('like ' if case_sensitive else 'ilike ') ~ stringx_literal(pattern)
             ~ (" escape '\\'" if '\\' in pattern else '')) -}}
{% endmacro %}


{#- The length of a value: in characters of a text, bytes, or elements of a list. -#}
{% macro stringx_length(column, fact) %}
  {{- return({'array': 'len(', 'bytes': 'octet_length('}.get(fact.family if fact else 'text', 'length(') ~ stringx_name(column) ~ ')') -}}
{% endmacro %}


{#- Whether a number is NaN; none if the type has no such value. -#}
{% macro stringx_is_nan(expression, fact, negated=false) %}
  {{- return(('not ' if negated else '') ~ 'isnan(' ~ expression ~ ')' if fact.family == 'float' else none) -}}
{% endmacro %}


{#- A moment with a zone; one without is in the document's. DuckDB's cast asks a calendar about each value, which takes ten times as long as reading it. In UTC, which DuckDB knows when it
    plans, there is nothing to ask; infinite moments alone have no microseconds. -#}
{% macro stringx_zoned(column, fact) %}
  {%- if fact is not none and fact.type == 'TIMESTAMP WITH TIME ZONE' -%}{{- return(stringx_name(column)) -}}{%- endif -%}
  {%- set moment = stringx_name(column) ~ '::timestamp' -%}
  {{- return("(case when current_setting('TimeZone') = 'UTC' and isfinite(" ~ moment ~ ') then make_timestamptz(epoch_us(' ~ moment ~ ')) else ' ~ moment ~ '::timestamptz end)') -}}
{% endmacro %}


{#- Whether a moment is later than the snapshot plus a duration. -#}
{% macro stringx_is_later(column, fact, duration) %}
  {{- return(stringx_zoned(column, fact) ~ ' > ' ~ stringx_now_in_sql() ~ ' + ' ~ stringx_interval(duration)) -}}
{% endmacro %}


{#- The number of rows, and a value, of those rows for which the conditions hold: NULL for the others. DuckDB takes a time for filters of aggregates that grows with
    the square of their number. Of no rows count_if is NULL. -#}
{% macro stringx_count(conditions) %}
  {%- set condition = stringx_all(conditions) -%}
  {{- return('count(*)' if condition is none else 'coalesce(count_if(' ~ condition ~ '), 0)') -}}
{% endmacro %}

{% macro stringx_when(value, conditions) %}
  {%- set condition = stringx_all(conditions) -%}
  {{- return(value if condition is none else 'case when ' ~ condition ~ ' then ' ~ value ~ ' end') -}}
{% endmacro %}


{#- A column whose equality is that of its values, whatever its type, beside another's (`other`). -#}
{% macro stringx_comparable(column, fact, other=none) %}
  {{- return(stringx_beside(column, fact, other)) -}}
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


{#- Counting distinct values is not faster here than grouping them. -#}
{% macro stringx_unique_by_counting(name, scope, sums, inside, rows) %}{{- return(none) -}}{% endmacro %}


{#- FROM for an expression whose constants are to fail: a row without values, as DuckDB computes nothing of a query with LIMIT 0. -#}
{% macro stringx_from_no_row(relation) %}{{- return(' from (select 1) as stringx_no_row left join ' ~ relation ~ ' on false') -}}{% endmacro %}
