{#- What depends on the types of columns. DuckDB reads texts leniently: '5.5' as the whole number 6, '2026-01-01 10:00' as a date. So a value of a document is looked at
    here, by its column's family, and written with an exact type. What is no such value is a call of system.main.stringx_no_value, a function that does not exist and that no file can make: the rule
    is then an error, as it is where PostgreSQL cannot read the value. -#}


{#- The names of the types of texts, of numbers of rows and their sums, and of numbers in double precision. -#}
{% macro stringx_type_names() %}{{- return({'text': 'varchar', 'count': 'hugeint', 'double': 'double'}) -}}{% endmacro %}


{% macro stringx_no_value(value) %}{{- return('system.main.stringx_no_value(' ~ stringx_literal(value) ~ ')') -}}{% endmacro %}


{#- A value of a document beside a column or a measure of this type. -#}
{% macro stringx_value(value, fact=none) %}
  {%- if fact is none -%}{{- return(stringx_literal(value)) -}}{%- endif -%}
  {%- set family, literal, text = fact.family, stringx_literal(value), (value | string | lower if value is boolean else value | string) | trim -%}
  {%- set cast = 'cast(' ~ stringx_literal(text) ~ ' as ' -%}
  {%- if family in ('text', 'enum') -%}
    {{- return('cast(' ~ literal ~ ' as varchar)') -}}
  {%- elif family in ('integer', 'decimal') -%}
    {%- if family == 'integer' and modules.re.fullmatch('[+-]?[0-9]{1,38}', text) -%}
      {{- return(cast ~ (fact.type if fact.type in ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT') else 'hugeint') ~ ')') -}}
    {%- endif -%}
    {{- return(stringx_exact(text)) -}}
  {%- elif family == 'float' -%}
    {%- set number = modules.re.fullmatch('[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?', text | lower) -%}
    {%- set most = 3.4028235e38 if fact.type == 'FLOAT' else 1.7976931348623157e308 -%}
    {%- set is_lost = number and (text | float | abs > most or text | float | abs < (7.01e-46 if fact.type == 'FLOAT' else 5e-324) and modules.re.search('[1-9]', (text | lower).split('e')[0])) -%}
    {%- if is_lost or not number and not modules.re.fullmatch('[+-]?inf(inity)?|nan', text | lower) -%}{{- return(stringx_no_value(text)) -}}{%- endif -%}
    {{- return(cast ~ fact.type ~ ')') -}}
  {%- elif family == 'boolean' -%}
    {%- set meant = {'true': 'true', 't': 'true', 'yes': 'true', 'y': 'true', 'on': 'true', '1': 'true', 'false': 'false', 'f': 'false', 'no': 'false', 'n': 'false', 'off': 'false',
                     '0': 'false'}.get(text | lower) -%}
    {{- return(meant or stringx_no_value(text)) -}}
  {%- elif family in ('date', 'timestamp') -%}
    {{- return(stringx_moment(text, fact)) -}}
  {%- elif family == 'time' and modules.re.fullmatch('([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?', text) -%}
    {{- return(cast ~ 'time)') -}}
  {%- elif family == 'uuid' and modules.re.fullmatch('[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}', text | lower) -%}
    {{- return(cast ~ 'uuid)') -}}
  {%- endif -%}
  {{- return(stringx_no_value(text)) -}}
{% endmacro %}


{#- A decimal number with just the digits that it has: DuckDB would round others away. -#}
{% macro stringx_exact(text) %}
  {%- set parts = modules.re.fullmatch('([+-]?)([0-9]*)(?:[.]([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?', text) -%}
  {%- if not parts or not (parts.group(2) or parts.group(3)) -%}{{- return(stringx_no_value(text)) -}}{%- endif -%}
  {%- set whole, fraction, power = parts.group(2), parts.group(3) or '', (parts.group(4) or '0') | int -%}
  {%- if power > 0 -%}
    {%- set fraction = fraction ~ '0' * ([power - fraction | length, 0] | max) -%}
    {%- set whole, fraction = whole ~ fraction[:power], fraction[power:] -%}
  {%- elif power < 0 -%}
    {%- set whole = '0' * ([-power - whole | length, 0] | max) ~ whole -%}
    {%- set whole, fraction = whole[:whole | length + power], whole[whole | length + power:] ~ fraction -%}
  {%- endif -%}
  {%- set whole, fraction = whole.lstrip('0') or '0', fraction.rstrip('0') -%}
  {%- set digits = whole | length + fraction | length -%}
  {%- if digits > 38 -%}{{- return(stringx_no_value(text)) -}}{%- endif -%}
  {{- return("cast('" ~ parts.group(1) ~ whole ~ ('.' ~ fraction if fraction else '') ~ "' as decimal(" ~ digits ~ ', ' ~ fraction | length ~ '))') -}}
{% endmacro %}


{#- A day or moment. One with an offset beside a column without a zone is converted into the document's zone; one with a time beside a date stays a moment. -#}
{% macro stringx_moment(text, fact) %}
  {%- if text | lower in ('infinity', '-infinity') -%}{{- return("cast('" ~ text | lower ~ "' as " ~ fact.type ~ ')') -}}{%- endif -%}
  {%- set parts = modules.re.fullmatch('([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?:[ Tt]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?)\\s*([zZ]|[+-][0-9]{2}(?::?[0-9]{2}(?::[0-9]{2})?)?)?)?', text) -%}
  {%- if not parts -%}{{- return(stringx_no_value(text)) -}}{%- endif -%}
  {%- set day, time, zone = parts.group(1), parts.group(2), parts.group(3) -%}
  {%- set zone = '' if not zone else '+00:00' if zone | lower == 'z' else zone[:3] ~ ':' ~ (zone[3:].lstrip(':') or '00') -%}
  {%- set literal = "cast('" ~ day ~ (' ' ~ time if time else '') ~ zone ~ "' as " -%}
  {%- if fact.type == 'TIMESTAMP WITH TIME ZONE' -%}{{- return(literal ~ 'timestamptz)') -}}{%- endif -%}
  {%- if zone -%}{{- return('cast(' ~ literal ~ 'timestamptz) as timestamp)') -}}{%- endif -%}
  {{- return(literal ~ ('date)' if fact.family == 'date' and not time else 'timestamp)')) -}}
{% endmacro %}


{% macro stringx_values(values, fact=none) %}
  {%- set written = [] -%}
  {%- if fact is not none and fact.family in ('integer', 'decimal') and not stringx_fit_together(values) -%}{{- return(stringx_no_value(values | first)) -}}{%- endif -%}
  {%- for value in values -%}{%- do written.append(stringx_value(value, fact)) -%}{%- endfor -%}
  {{- return(written | join(', ')) -}}
{% endmacro %}


{#- Values as a list of SQL, for a list of rows. -#}
{% macro stringx_each_value(values, fact) %}
  {%- set written, fit = [], not fact or fact.family not in ('integer', 'decimal') or stringx_fit_together(values) -%}
  {%- for value in values -%}{%- do written.append(stringx_value(value, fact) if fit else stringx_no_value(value)) -%}{%- endfor -%}
  {{- return(written) -}}
{% endmacro %}


{#- A query of values of a document, beside stringx_times_of (distinct_values.sql). -#}
{% macro stringx_typed_list(scope, column, values) %}
  {%- set written = stringx_each_value(values, scope.types.get(column)) -%}
  {{- return('select v from (values (' ~ written | join('), (') ~ ')) as given(v)' if written else 'select stringx_value from stringx_times_of where false') -}}
{% endmacro %}


{#- Whether numbers have at most 38 digits together, before and behind the point: DuckDB gives a list one type, and would round them to it. -#}
{% macro stringx_fit_together(values) %}
  {%- set most = namespace(whole=1, fraction=0) -%}
  {%- for value in values -%}
    {%- set digits = modules.re.search('decimal[(]([0-9]+), ([0-9]+)[)]', stringx_exact(value | string | trim)) -%}
    {%- if digits -%}
      {%- set most.fraction = [most.fraction, digits.group(2) | int] | max -%}
      {%- set most.whole = [most.whole, digits.group(1) | int - digits.group(2) | int] | max -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(most.whole + most.fraction <= 38) -}}
{% endmacro %}


{#- A column beside an operator. -#}
{% macro stringx_compared(column, fact) %}
  {{- return(stringx_name(column) ~ (fact.cast if fact is not none and fact is defined else '')) -}}
{% endmacro %}


{#- A column beside one of another type: a moment without a zone beside one with a zone is in the document's zone; a FLOAT beside another number is compared in double precision, as PostgreSQL
    does. -#}
{% macro stringx_beside(column, fact, other) %}
  {%- if fact and other and fact.type != other.type and other.type == 'TIMESTAMP WITH TIME ZONE' -%}{{- return(stringx_zoned(column, fact)) -}}{%- endif -%}
  {%- if fact and other and fact.type != other.type and 'FLOAT' in (fact.type, other.type) -%}{{- return(stringx_name(column) ~ '::double') -}}{%- endif -%}
  {{- return(stringx_compared(column, fact)) -}}
{% endmacro %}


{#- The same where tables are joined by it. -#}
{% macro stringx_key(column, fact, other) %}{{- return(stringx_beside(column, fact, other)) -}}{% endmacro %}


{#- A column whose values are compared with each other. -#}
{% macro stringx_ordered(column, fact) %}{{- return(stringx_compared(column, fact)) -}}{% endmacro %}


{#- Operators have one meaning for all types. -#}
{% macro stringx_operator(fact, name) %}{{- return(' ' ~ name ~ ' ') -}}{% endmacro %}


{#- The text of a column's value. -#}
{% macro stringx_text(column, fact=none) %}{{- return(stringx_name(column) ~ '::varchar') -}}{% endmacro %}


{#- The types whose values a message may show. -#}
{% macro stringx_number_types() %}
  {{- return(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'FLOAT', 'DOUBLE']) -}}
{% endmacro %}
