{#- Conditions on a column that each engine writes in its own way. -#}


{#- IN these values, of which there are more than 20. -#}
{% macro stringx_in_many(values) %}{{- return(' in (' ~ values ~ ')') -}}{% endmacro %}


{#- Whether a text has a match of a regular expression; `negated`: whether it has none. Only patterns that PostgreSQL reads alike come here (refusals.sql). -#}
{% macro stringx_matches(column, fact, pattern, negated) %}
  {{- return(('not ' if negated else '') ~ stringx_has_match(stringx_text(column, fact), pattern)) -}}
{% endmacro %}


{% macro stringx_has_match(text, pattern) %}
  {{- return('regexp_like(' ~ text ~ ', ' ~ stringx_literal(stringx_regex(pattern)) ~ ')') -}}
{% endmacro %}


{#- The same pattern for both of Trino's libraries: a dot matches the end of a line, `^` and `$` are the ends of the text, `\d` is 0 to 9, `&&` between brackets means itself, and
    nothing is lazy, which makes no difference to whether there is a match. Behind `\z` alone Joni would begin its search within a character of several bytes. -#}
{% macro stringx_regex(pattern) %}
  {%- set written = [] -%}
  {%- for part in modules.re.findall('(?s)\\\\.|\\[\\^?(?:\\\\.|[^\\]\\\\])+\\]|(?:[*+?]|\\{[0-9,]+\\})\\??|.', pattern) -%}
    {%- if part.startswith('[') -%}{%- do written.append(part.replace('&', '\\&')) -%}
    {%- elif part[0] in '*+?{' and part | length > 1 and part.endswith('?') -%}{%- do written.append(part[:-1]) -%}
    {%- else -%}{%- do written.append({'^': '\\A', '$': '(?:\\z|\\z.)', '\\d': '[0-9]', '\\v': '\\x0B'}.get(part, part)) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return('(?s)' ~ written | join) -}}
{% endmacro %}


{#- The same for the whole text and a pattern of LIKE, in which Trino lets a backslash stand before no other character than % and _ and itself. -#}
{% macro stringx_like(column, fact, pattern, negated, case_sensitive) %}
  {%- set pattern, text = modules.re.sub('(?s)\\\\([^%_\\\\])|(\\\\.)', '\\1\\2', pattern), stringx_text(column, fact) -%}
  {%- set text, written = (text, stringx_literal(pattern)) if case_sensitive else ('lower(' ~ text ~ ')', 'lower(' ~ stringx_literal(pattern) ~ ')') -%}
  {{- return(text ~ (' not' if negated else '') ~ ' like ' ~ written ~ " escape '\\'") -}}
{% endmacro %}


{#- The length of a value: in characters of a text, bytes, or elements of a list. -#}
{% macro stringx_length(column, fact) %}
  {{- return(('cardinality(' if fact and fact.family == 'array' else 'length(') ~ stringx_compared(column, fact) ~ ')') -}}
{% endmacro %}


{#- Whether a number is NaN; none if the type has no such value. -#}
{% macro stringx_is_nan(expression, fact, negated=false) %}
  {{- return(('not ' if negated else '') ~ 'is_nan(' ~ expression ~ ')' if fact.family == 'float' else none) -}}
{% endmacro %}


{#- A moment with a zone; one without is in the document's. -#}
{% macro stringx_zoned(column, fact) %}
  {%- set name = stringx_name(column) -%}
  {%- if fact is none or fact is not defined or stringx_has_zone(fact) -%}{{- return(name) -}}{%- endif -%}
  {%- set digits = modules.re.search('[(]([0-9]+)[)]', fact.type) -%}
  {{- return(stringx_in_zone('cast(' ~ name ~ ' as timestamp(6))' if fact.family == 'date' else name, [digits.group(1) | int if digits else 6, 6] | max)) -}}
{% endmacro %}


{#- Whether a moment is later than the snapshot plus a duration. -#}
{% macro stringx_is_later(column, fact, duration) %}
  {{- return(stringx_zoned(column, fact) ~ ' > ' ~ stringx_now_in_sql() ~ ' + ' ~ stringx_interval(duration)) -}}
{% endmacro %}


{#- The number of rows for which the conditions hold. -#}
{% macro stringx_count(conditions) %}{{- return('count(*)' ~ stringx_filter(conditions)) -}}{% endmacro %}


{#- A column whose equality is that of its values, whatever its type, beside another's (`other`). -#}
{% macro stringx_comparable(column, fact, other=none) %}{{- return(stringx_beside(column, fact, other)) -}}{% endmacro %}


{#- Whether two values differ; NULL is like NULL, and NaN like NaN. Numbers may differ by `tolerance`: a number, or a share of the other table's value. Infinities and
    NaN have no tolerance. -#}
{% macro stringx_differ(mine, theirs, fact, other_fact, tolerance) %}
  {%- set numbers, floats = ('integer', 'decimal', 'float'), 'float' in (fact.family, other_fact.family) -%}
  {%- set unlike = mine ~ ' is distinct from ' ~ theirs -%}
  {%- if tolerance is none or fact.family not in numbers or other_fact.family not in numbers -%}{{- return(unlike) -}}{%- endif -%}
  {%- set text, of_value = tolerance | string | trim, stringx_fact_of_double() if floats else stringx_fact_of_count() -%}
  {%- set one = 'cast(' ~ mine ~ ' as double)' if floats else stringx_wide(mine, fact) -%}
  {%- set two = 'cast(' ~ theirs ~ ' as double)' if floats else stringx_wide(theirs, other_fact) -%}
  {%- set beyond = 'abs(' ~ one ~ ' - ' ~ two ~ ') > ' ~ stringx_value(text, of_value) -%}
  {%- if text.endswith('%') -%}{%- set beyond = 'abs(' ~ one ~ ' - ' ~ two ~ ') * 100 > abs(' ~ two ~ ') * ' ~ stringx_value(text[:-1] | trim, of_value) -%}{%- endif -%}
  {%- set odd = 'when not is_finite(' ~ one ~ ') or not is_finite(' ~ two ~ ') then true ' if floats else '' -%}
  {{- return('(' ~ unlike ~ ' and case when ' ~ mine ~ ' is null or ' ~ theirs ~ ' is null then true ' ~ odd ~ 'when ' ~ beyond ~ ' then true else false end)') -}}
{% endmacro %}


{#- A whole number in a type that holds its difference from another one. -#}
{% macro stringx_wide(value, fact) %}{{- return('cast(' ~ value ~ ' as decimal(20, 0))' if fact and fact.family == 'integer' else value) -}}{% endmacro %}


{#- Trino counts distinct values by grouping them. -#}
{% macro stringx_unique_by_counting(name, scope, sums, inside, rows) %}{{- return(none) -}}{% endmacro %}


{#- FROM for an expression that is looked at, but computed for no row: its constants fail. -#}
{% macro stringx_from_no_row(relation) %}{{- return(' from ' ~ relation ~ ' limit 0') -}}{% endmacro %}
