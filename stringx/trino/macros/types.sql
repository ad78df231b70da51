{#- What depends on the types of columns. Trino compares values of one type alone, and its numbers with each other. So a value of a document is looked at
    here, by its column's family, and written with an exact type. What is no such value is a call of stringx_no_value, a function that does not exist: the rule
    is then an error, as it is where PostgreSQL cannot read the value. -#}


{#- The names of the types of texts, of numbers of rows and their sums, and of numbers in double precision. -#}
{% macro stringx_type_names() %}{{- return({'text': 'varchar', 'count': 'bigint', 'double': 'double'}) -}}{% endmacro %}


{% macro stringx_no_value(value) %}{{- return('stringx_no_value(' ~ stringx_literal(value) ~ ')') -}}{% endmacro %}


{#- A value of a document beside a column or a measure of this type. NaN is none: Trino compares it with nothing, PostgreSQL sorts it above all numbers. -#}
{% macro stringx_value(value, fact=none) %}
  {%- if fact is none -%}{{- return(stringx_literal(value)) -}}{%- endif -%}
  {%- set family, text = fact.family, (value | string | lower if value is boolean else value | string) | trim -%}
  {%- if family == 'text' -%}
    {{- return(stringx_literal((value | string).rstrip(' ') if fact.padded else value)) -}}
  {%- elif family in ('integer', 'decimal') -%}
    {{- return(stringx_exact(text)) -}}
  {%- elif family == 'float' -%}
    {%- set number = modules.re.fullmatch('[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?', text | lower) -%}
    {%- set most = 3.4028235e38 if fact.type == 'real' else 1.7976931348623157e308 -%}
    {%- set is_lost = number and (text | float | abs > most or text | float | abs < (7.01e-46 if fact.type == 'real' else 5e-324) and modules.re.search('[1-9]', (text | lower).split('e')[0])) -%}
    {%- set endless = modules.re.fullmatch('([+-]?)inf(?:inity)?', text | lower) -%}
    {%- if endless -%}{{- return(fact.type ~ " '" ~ ('-' if endless.group(1) == '-' else '') ~ "Infinity'") -}}{%- endif -%}
    {{- return(stringx_no_value(text) if is_lost or not number else fact.type ~ " '" ~ text ~ "'") -}}
  {%- elif family == 'boolean' -%}
    {%- set meant = {'true': 'true', 't': 'true', 'yes': 'true', 'y': 'true', 'on': 'true', '1': 'true', 'false': 'false', 'f': 'false', 'no': 'false', 'n': 'false', 'off': 'false',
                     '0': 'false'}.get(text | lower) -%}
    {{- return(meant or stringx_no_value(text)) -}}
  {%- elif family in ('date', 'timestamp') -%}
    {{- return(stringx_moment(text, fact)) -}}
  {%- elif family == 'time' and modules.re.fullmatch('([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?', text) -%}
    {{- return("time '" ~ text ~ "'") -}}
  {%- elif family == 'uuid' and modules.re.fullmatch('[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}', text | lower) -%}
    {{- return("uuid '" ~ text | lower ~ "'") -}}
  {%- endif -%}
  {{- return(stringx_no_value(text)) -}}
{% endmacro %}


{#- A number with just the digits that it has: whole numbers as such, others as a decimal, whose type Trino takes from its digits. -#}
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
  {%- set sign, whole, fraction = '-' if parts.group(1) == '-' else '', whole.lstrip('0') or '0', fraction.rstrip('0') -%}
  {%- if whole | length + fraction | length > 38 -%}{{- return(stringx_no_value(text)) -}}{%- endif -%}
  {%- if fraction or whole | length > 18 -%}{{- return("decimal '" ~ sign ~ whole ~ ('.' ~ fraction if fraction else '') ~ "'") -}}{%- endif -%}
  {{- return(sign ~ whole if whole | length < 10 else "bigint '" ~ sign ~ whole ~ "'") -}}
{% endmacro %}


{#- A day or moment. One with an offset beside a column without a zone is converted into the document's zone, which is the session's; one with a time beside a date stays a moment. -#}
{% macro stringx_moment(text, fact) %}
  {%- set parts = modules.re.fullmatch('([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?:[ Tt]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?)\\s*([zZ]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?', text) -%}
  {%- if not parts -%}{{- return(stringx_no_value(text)) -}}{%- endif -%}
  {%- set day, time, zone = parts.group(1), parts.group(2) or '00:00', parts.group(3) -%}
  {%- set zone = '' if not zone else '+00:00' if zone | lower == 'z' else zone[:3] ~ ':' ~ (zone[3:].lstrip(':') or '00') -%}
  {%- if fact.family == 'date' and not parts.group(2) -%}{{- return("date '" ~ day ~ "'") -}}{%- endif -%}
  {%- set literal = "timestamp '" ~ day ~ ' ' ~ time ~ (' ' ~ zone if zone else '') ~ "'" -%}
  {%- if stringx_has_zone(fact) -%}{{- return(literal if zone else stringx_in_zone(literal, 6)) -}}{%- endif -%}
  {{- return('cast(at_timezone(' ~ literal ~ ', current_timezone()) as timestamp(6))' if zone else literal) -}}
{% endmacro %}


{% macro stringx_has_zone(fact) %}{{- return(fact.family == 'timestamp' and fact.type.endswith(' with time zone')) -}}{% endmacro %}


{#- A moment without a zone, with so many digits of its seconds, as one of the session's zone. In an hour that clocks show twice it is the later, as PostgreSQL reads it; Trino takes the one or the other. -#}
{% macro stringx_in_zone(moment, digits) %}
  {%- set zoned = 'cast(' ~ moment ~ ' as timestamp(' ~ digits ~ ') with time zone)' -%}
  {%- set later = [] -%}
  {%- for minutes in (60, 30) -%}
    {%- set next = '(' ~ zoned ~ " + interval '" ~ minutes ~ "' minute)" -%}
    {%- do later.append('when cast(' ~ next ~ ' as timestamp(' ~ digits ~ ')) = ' ~ moment ~ ' then ' ~ next) -%}
  {%- endfor -%}
  {{- return('(case ' ~ later | join(' ') ~ ' else ' ~ zoned ~ ' end)') -}}
{% endmacro %}


{% macro stringx_values(values, fact=none) %}
  {{- return(stringx_each_value(values, fact) | join(', ')) -}}
{% endmacro %}


{#- Values as a list of SQL, for a list of rows. -#}
{% macro stringx_each_value(values, fact) %}
  {%- set written = [] -%}
  {%- for value in values -%}{%- do written.append(stringx_value(value, fact)) -%}{%- endfor -%}
  {{- return(written) -}}
{% endmacro %}


{#- A query of values of a document, beside stringx_times_of (distinct_values.sql). -#}
{% macro stringx_typed_list(scope, column, values) %}
  {%- set written = stringx_each_value(values, scope.types.get(column)) -%}
  {{- return('select v from (values ' ~ written | join(', ') ~ ') as given(v)' if written else 'select stringx_value from stringx_times_of where false') -}}
{% endmacro %}


{#- A column beside an operator. -#}
{% macro stringx_compared(column, fact) %}
  {%- set name = stringx_name(column) -%}
  {{- return("trim(trailing ' ' from cast(" ~ name ~ ' as varchar))' if fact and fact.padded else name) -}}
{% endmacro %}


{#- A column beside one of another type: a moment without a zone beside one with a zone is in the document's zone; a REAL beside another number is compared in double precision, as PostgreSQL
    does. -#}
{% macro stringx_beside(column, fact, other) %}
  {%- if fact and other and fact.type != other.type -%}
    {%- if stringx_has_zone(other) and not stringx_has_zone(fact) -%}{{- return(stringx_zoned(column, fact)) -}}{%- endif -%}
    {%- if 'real' in (fact.type, other.type) -%}{{- return('cast(' ~ stringx_name(column) ~ ' as double)') -}}{%- endif -%}
  {%- endif -%}
  {{- return(stringx_compared(column, fact)) -}}
{% endmacro %}


{#- A column by which tables are joined, beside one of another type: NaN, which Trino compares with nothing, is a value like others. -#}
{% macro stringx_key(column, fact, other) %}
  {%- if fact and other and 'float' in (fact.family, other.family) -%}{{- return(stringx_place_of_double(stringx_name(column))) -}}{%- endif -%}
  {{- return(stringx_beside(column, fact, other)) -}}
{% endmacro %}


{#- A column whose values are compared with each other, in an order with NaN above all numbers. -#}
{% macro stringx_ordered(column, fact) %}
  {{- return(stringx_place_of_double(stringx_name(column)) if fact and fact.family == 'float' else stringx_compared(column, fact)) -}}
{% endmacro %}


{#- A whole number that is equal for equal numbers of double precision, and in their order. -#}
{% macro stringx_place_of_double(value) %}
  {%- set bits = 'from_big_endian_64(to_ieee754_64(cast(' ~ value ~ ' as double) + 0e0))' -%}
  {{- return('(case when ' ~ bits ~ ' >= 0 then ' ~ bits ~ ' else bitwise_xor(' ~ bits ~ ', 9223372036854775807) end)') -}}
{% endmacro %}


{#- Operators have one meaning for all types. -#}
{% macro stringx_operator(fact, name) %}{{- return(' ' ~ name ~ ' ') -}}{% endmacro %}


{#- The text of a column's value. -#}
{% macro stringx_text(column, fact=none) %}
  {%- if fact and fact.family == 'text' -%}{{- return(stringx_compared(column, fact)) -}}{%- endif -%}
  {{- return('cast(' ~ stringx_name(column) ~ ' as varchar)') -}}
{% endmacro %}


{#- The types whose values a message may show. -#}
{% macro stringx_number_types() %}{{- return(['tinyint', 'smallint', 'integer', 'bigint', 'real', 'double']) -}}{% endmacro %}
