{#- Identifiers and values as SQL text. Values are untyped literals, so PostgreSQL gives them the type of the expression that
    they are compared with. A backslash is safe with any standard_conforming_strings of the session: the first statement of
    a check is read before that can be set. -#}

{% macro stringx_name(name) %}
  {{- return('"' ~ (name | string).replace('"', '""') ~ '"') -}}
{% endmacro %}


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


{#- Custom SQL in brackets and between newlines, so that a comment in it ends there. None for none. -#}
{% macro stringx_condition(sql) %}
  {{- return(none if sql is none else '(\n' ~ sql ~ '\n)') -}}
{% endmacro %}


{#- The conjunction of the conditions that are not none, or none. -#}
{% macro stringx_all(conditions) %}
  {%- set given = conditions | reject('none') | list -%}
  {{- return(given | join(' and ') if given else none) -}}
{% endmacro %}


{% macro stringx_where(condition) %}
  {{- return('' if condition is none else ' where ' ~ condition) -}}
{% endmacro %}


{% macro stringx_filter(conditions) %}
  {%- set condition = stringx_all(conditions) -%}
  {{- return('' if condition is none else ' filter (where ' ~ condition ~ ')') -}}
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


{#- The seconds of a duration such as 30s, 5m, 24h, 7d; the catalogue has checked its format. -#}
{% macro stringx_seconds(duration) %}
  {%- set parts = modules.re.fullmatch('\\s*([0-9.]+)(ms|s|m|h|d)\\s*', duration | string) -%}
  {{- return(parts.group(1) | float * {'ms': 0.001, 's': 1, 'm': 60, 'h': 3600, 'd': 86400}[parts.group(2)]) -}}
{% endmacro %}


{#- A duration as an interval, by multiplication: PostgreSQL 14 reads no more than 2,147,483,647 seconds as an interval. -#}
{% macro stringx_interval(duration) %}
  {{- return('(' ~ stringx_seconds(duration) ~ " * interval '1 second')") -}}
{% endmacro %}


{#- A list of quoted names, from one name or several. -#}
{% macro stringx_names(names) %}
  {%- set quoted = [] -%}
  {%- for name in ([names] if names is string else names or []) -%}{%- do quoted.append(stringx_name(name)) -%}{%- endfor -%}
  {{- return(quoted) -}}
{% endmacro %}


{#- What violates a condition: false, and NULL unless NULL passes. -#}
{% macro stringx_violates(condition, null_passes) %}
  {{- return('(' ~ condition ~ ')' ~ (' is false' if null_passes else ' is not true')) -}}
{% endmacro %}
