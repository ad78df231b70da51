{#- Conditions on a column that each engine writes in its own way. Where most checks come here, simple steps are inlined: a macro call costs as much as about 30 inline lines. -#}


{#- IN these values, of which there are more than 20. -#}
{% macro stringx_in_many(values) %}
  {{- return(' in (' ~ values ~ ')') -}}
{% endmacro %}


{#- Whether a text has a match of a regular expression; `negated`: whether it has none. A type of an extension has operators of its own. -#}
{% macro stringx_matches(column, fact, pattern, negated) %}
  {%- set operator = '!~' if negated else '~' -%}
  {%- if fact is not none and fact.schema is not none -%}
    {{- return(stringx_compared(column, fact) ~ stringx_operator(fact, operator) ~ stringx_value(pattern, fact)) -}}
  {%- endif -%}
  {%- set text = stringx_text(column, fact) if fact is not none and fact.type == 'inet' else stringx_name(column) ~ '::text' -%}
  {{- return(text ~ ' ' ~ operator ~ ' ' ~ stringx_literal(pattern)) -}}
{% endmacro %}


{#- The same of SQL that is a text. -#}
{% macro stringx_has_match(text, pattern) %}
  {{- return(text ~ ' ~ ' ~ stringx_literal(pattern)) -}}
{% endmacro %}


{#- The same for the whole text and a pattern of LIKE. -#}
{% macro stringx_like(column, fact, pattern, negated, case_sensitive) %}
  {%- if fact is not none and fact.schema is not none -%}
    {%- set operator = ('!' if negated else '') ~ ('~~' if case_sensitive else '~~*') -%}
    {{- return(stringx_compared(column, fact) ~ stringx_operator(fact, operator) ~ stringx_value(pattern, fact)) -}}
  {%- endif -%}
  {%- set text = stringx_text(column, fact) if fact is not none and fact.type == 'inet' else stringx_name(column) ~ '::text' -%}
  {{- return(text ~ (' not ' if negated else ' ') ~ ('like ' if case_sensitive else 'ilike ') ~ stringx_literal(pattern)) -}}
{% endmacro %}


{#- The length of a value: in characters of a text, bytes, elements of an array, or bits of a bit string. -#}
{% macro stringx_length(column, fact) %}
  {%- set size = {'array': 'cardinality(', 'bytes': 'octet_length(', 'bit': 'bit_length('}.get(fact.family if fact is not none else 'text') -%}
  {{- return(size ~ stringx_name(column) ~ ')' if size else 'length(' ~ stringx_text(column, fact) ~ ')') -}}
{% endmacro %}


{#- Whether a number is NaN; none if the type has no such value. -#}
{% macro stringx_is_nan(expression, fact, negated=false) %}
  {{- return(expression ~ (" <> 'NaN'" if negated else " = 'NaN'")) -}}
{% endmacro %}


{#- A moment with a zone; one without is in the document's. -#}
{% macro stringx_zoned(column, fact) %}
  {{- return(stringx_name(column) ~ ('' if fact is not none and fact.type == 'timestamp with time zone' else '::timestamptz')) -}}
{% endmacro %}


{#- Whether a moment is later than the snapshot plus a duration. -#}
{% macro stringx_is_later(column, fact, duration) %}
  {{- return(stringx_name(column) ~ ' > now() + ' ~ stringx_interval(duration)) -}}
{% endmacro %}


{#- The number of rows for which the conditions hold. -#}
{% macro stringx_count(conditions) %}
  {%- set condition = stringx_all(conditions) -%}
  {{- return('count(*)' if condition is none else 'count(*) filter (where ' ~ condition ~ ')') -}}
{% endmacro %}


{#- A column in a form that has equality whatever its type: texts by their characters (two tables may have different collations), json as jsonb, and types without equality as
    texts. -#}
{% macro stringx_comparable(column, fact, other=none) %}
  {%- set value = stringx_compared(column, fact) -%}
  {%- if fact is none or fact.schema is not none -%}{{- return(value) -}}
  {%- elif fact.type == 'json' -%}{{- return('(' ~ value ~ ')::jsonb') -}}
  {%- elif fact.family == 'text' -%}{{- return('(' ~ value ~ ')::text collate "C"') -}}
  {%- elif fact.family == 'other' or fact.family == 'array' and fact.type in ('json[]', 'xml[]', 'point[]') -%}{{- return('(' ~ value ~ ')::text collate "C"') -}}
  {%- endif -%}
  {{- return(value) -}}
{% endmacro %}


{#- Whether two values differ; NULL is like NULL. Numbers may differ by `tolerance`: a number, or a share of the other table's value. Infinities and NaN have no tolerance. -#}
{% macro stringx_differ(mine, theirs, fact, other_fact, tolerance) %}
  {%- set numbers = ('integer', 'decimal', 'float') -%}
  {%- set unlike = 'not (' ~ mine ~ stringx_operator_of_both(fact, other_fact, '=') ~ theirs ~ ')' -%}
  {%- if tolerance is not none and fact is not none and other_fact is not none and fact.family in numbers and other_fact.family in numbers -%}
    {%- set text = tolerance | string | trim -%}
    {%- set allowed = 'abs(' ~ theirs ~ '::numeric) * ' ~ stringx_literal(text[:-1] | trim) ~ '::numeric / 100' if text.endswith('%') else stringx_literal(text) ~ '::numeric' -%}
    {%- set odd = "('NaN', 'Infinity', '-Infinity')" -%}
    {%- set unlike = '(' ~ unlike ~ ' and case when ' ~ mine ~ '::text in ' ~ odd ~ ' or ' ~ theirs ~ '::text in ' ~ odd ~ ' then true else abs('
                     ~ mine ~ '::numeric - ' ~ theirs ~ '::numeric) > ' ~ allowed ~ ' end)' -%}
  {%- endif -%}
  {{- return('coalesce(' ~ unlike ~ ', (' ~ mine ~ ' is distinct from null) <> (' ~ theirs ~ ' is distinct from null))') -}}
{% endmacro %}


{#- {statement, in_halves} of `unique` for a single column whose type counts distinct values faster than it groups them; none for other types. First the number of values
    (`present`) and of distinct values (`different`) is counted, and the keys are grouped only if there are fewer distinct values than values.

    One process counts distinct values. If the server has more, each counts the values of one half, by a bit that equal
    values share: the lowest of a whole number, or of a hash. -#}
{% macro stringx_unique_by_counting(name, scope, sums, inside, rows) %}
  {%- if name not in scope.types or scope.types[name].schema is not none -%}{{- return(none) -}}{%- endif -%}
  {%- set type = scope.types[name].type -%}
  {%- set column = stringx_name(name) -%}
  {%- set text = 'hashtext(' ~ column ~ '::text)' -%}
  {%- set bits = {
    'smallint': column, 'integer': column, 'bigint': column,
    'text': text, 'character varying': text,
    'numeric': 'hash_numeric(' ~ column ~ ')', 'real': 'hashfloat8(' ~ column ~ ')', 'double precision': 'hashfloat8(' ~ column ~ ')',
    'uuid': 'uuid_hash(' ~ column ~ ')', 'timestamp without time zone': 'timestamp_hash(' ~ column ~ ')',
    'timestamp with time zone': 'timestamp_hash(' ~ column ~ " at time zone 'UTC')", 'date': none
  } -%}
  {%- if type not in bits -%}{{- return(none) -}}{%- endif -%}
  {%- set count = 'select count(' ~ column ~ ') as present, count(distinct ' ~ column ~ ') as different from ' ~ scope.relation -%}
  {%- set half = bits[type] -%}
  {%- set in_halves = half is not none and scope.parallel -%}
  {%- if in_halves -%}
    {%- set count = 'select sum(present) as present, sum(different) as different from (' ~ count ~ stringx_where(stringx_all([half ~ ' & 1 = 0', rows]))
                    ~ ' union all ' ~ count ~ stringx_where(stringx_all([half ~ ' & 1 = 1', rows])) ~ ') as halves' -%}
  {%- else -%}
    {%- set count = count ~ stringx_where(rows) -%}
  {%- endif -%}
  {#- the condition is placed where no column or table of the user can be meant -#}
  {%- set only_then = '(select where stringx_counted.present <> stringx_counted.different) as stringx_repeats, ' ~ scope.relation -%}
  {{- return({'in_halves': in_halves, 'statement': 'select found.failures, found.measured from (' ~ count ~ ') as stringx_counted, lateral (select ' ~ sums ~ ' from '
             ~ stringx_repeated(only_then, [name], inside, rows) ~ ') as found'}) -}}
{% endmacro %}


{#- FROM for an expression that is looked at, but computed for no row: its constants fail. -#}
{% macro stringx_from_no_row(relation) %}{{- return(' from ' ~ relation ~ ' limit 0') -}}{% endmacro %}
