{#- Identifiers and values as SQL text. Values are untyped literals, so PostgreSQL gives them the type of the expression that
    they are compared with. A backslash is safe with any standard_conforming_strings of the session: the first statement of
    a check is read before that can be set. -#}


{% macro stringx_literal(value) %}
  {%- if value is sameas true or value is sameas false -%}{{- return("'" ~ (value | string | lower) ~ "'") -}}{%- endif -%}
  {%- set text = (value | string).replace("'", "''") -%}
  {{- return(" E'" ~ text.replace('\\', '\\\\') ~ "'" if '\\' in text else "'" ~ text ~ "'") -}}
{% endmacro %}


{% macro stringx_literals(values) %}
  {%- set texts = [] -%}
  {%- for value in values -%}
    {%- set plain = value is string and '\\' not in value -%}
    {%- do texts.append("'" ~ value.replace("'", "''") ~ "'" if plain else stringx_literal(value)) -%}
  {%- endfor -%}
  {{- return(texts | join(', ')) -}}
{% endmacro %}


{#- A quoted name from `schema.table`, split at the first dot, or from `"a.b"."c"` if the schema has a dot. -#}
{% macro stringx_relation(text) %}
  {%- set quoted = modules.re.fullmatch('"((?:[^"]|"")+)"[.]"((?:[^"]|"")+)"', text) -%}
  {%- if quoted -%}{{- return(text) -}}{%- endif -%}
  {%- set parts = text.split('.', 1) -%}
  {{- return(stringx_name(parts[0]) ~ '.' ~ stringx_name(parts[1])) -}}
{% endmacro %}


{#- What violates a condition: false, and NULL unless NULL passes. -#}
{% macro stringx_violates(condition, null_passes) %}
  {{- return('(' ~ condition ~ ')' ~ (' is false' if null_passes else ' is not true')) -}}
{% endmacro %}


{#- Whether an expression is outside of min and max, which are read as its type (`fact`). NULL for NULL; NaN is outside of all bounds; false without
    bounds. -#}
{% macro stringx_outside(expression, bounds, fact=none) %}
  {%- set low, high = bounds.get('min'), bounds.get('max') -%}
  {%- set below, above = ' <= ' if bounds.get('exclusive_min') else ' < ', ' >= ' if bounds.get('exclusive_max') else ' > ' -%}
  {%- set parts = [] -%}
  {%- if (low is none or low is integer) and (high is none or high is integer) and (fact is none or fact.schema is none) -%}  {#- the usual case -#}
    {%- if low is not none -%}{%- do parts.append(expression ~ below ~ "'" ~ low ~ "'") -%}{%- endif -%}
    {%- if high is not none -%}{%- do parts.append(expression ~ above ~ "'" ~ high ~ "'") -%}{%- endif -%}
  {%- else -%}
    {%- if low is not none -%}{%- do parts.append(expression ~ stringx_operator(fact, below | trim) ~ stringx_value(low, fact)) -%}{%- endif -%}
    {%- if high is not none -%}{%- do parts.append(expression ~ stringx_operator(fact, above | trim) ~ stringx_value(high, fact)) -%}{%- endif -%}
  {%- endif -%}
  {%- if high is none and low is not none and fact is not none and fact.family in ('decimal', 'float') -%}
    {%- do parts.append(expression ~ " = 'NaN'") -%}  {#- PostgreSQL sorts it above any max -#}
  {%- endif -%}
  {{- return('(' ~ parts | join(' or ') ~ ')' if parts else 'false') -}}
{% endmacro %}


{#- A duration as an interval, by multiplication: PostgreSQL 14 reads no more than 2,147,483,647 seconds as an interval. -#}
{% macro stringx_interval(duration) %}
  {{- return('(' ~ stringx_seconds(duration) ~ " * interval '1 second')") -}}
{% endmacro %}


