{#- Identifiers and values as SQL text. Values are untyped literals, so that PostgreSQL reads them as the type of what
    they are compared with. A backslash is one whatever the session's standard_conforming_strings: the first statement of
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


{#- `schema.table`, split at the first dot; `"a.b"."c"` where the schema has a dot. -#}
{% macro stringx_relation(text) %}
  {%- set quoted = modules.re.fullmatch('"((?:[^"]|"")+)"[.]"((?:[^"]|"")+)"', text) -%}
  {%- if quoted -%}{{- return(text) -}}{%- endif -%}
  {%- set parts = text.split('.', 1) -%}
  {{- return(stringx_name(parts[0]) ~ '.' ~ stringx_name(parts[1])) -}}
{% endmacro %}


{#- SQL of the user's: between newlines, so that nothing in it reaches what follows. None for none. -#}
{% macro stringx_condition(sql) %}
  {{- return(none if sql is none else '(\n' ~ sql ~ '\n)') -}}
{% endmacro %}


{#- All of the conditions that are there, or none. -#}
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


{#- Outside of min and max, read as what `fact` tells of the expression's type; NULL for NULL. NaN lies within no bounds. False
    where no bound is given. -#}
{% macro stringx_outside(expression, bounds, fact=none) %}
  {%- set low, high = bounds.get('min'), bounds.get('max') -%}
  {%- set below, above = ' <= ' if bounds.get('exclusive_min') else ' < ', ' >= ' if bounds.get('exclusive_max') else ' > ' -%}
  {%- set parts = [] -%}
  {%- if (low is none or low is integer) and (high is none or high is integer) and (fact is none or fact.schema is none) -%}  {#- as most are -#}
    {%- if low is not none -%}{%- do parts.append(expression ~ below ~ "'" ~ low ~ "'") -%}{%- endif -%}
    {%- if high is not none -%}{%- do parts.append(expression ~ above ~ "'" ~ high ~ "'") -%}{%- endif -%}
  {%- else -%}
    {%- if low is not none -%}{%- do parts.append(expression ~ stringx_operator(fact, below | trim) ~ stringx_value(low, fact)) -%}{%- endif -%}
    {%- if high is not none -%}{%- do parts.append(expression ~ stringx_operator(fact, above | trim) ~ stringx_value(high, fact)) -%}{%- endif -%}
  {%- endif -%}
  {%- if high is none and low is not none and fact is not none and fact.family in ('decimal', 'float') -%}
    {%- do parts.append(expression ~ " = 'NaN'") -%}  {#- which PostgreSQL sorts above any max -#}
  {%- endif -%}
  {{- return('(' ~ parts | join(' or ') ~ ')' if parts else 'false') -}}
{% endmacro %}


{#- A duration as people write it (30s, 5m, 24h, 7d) in seconds; the catalogue has held it against the format. -#}
{% macro stringx_seconds(duration) %}
  {%- set parts = modules.re.fullmatch('\\s*([0-9.]+)(ms|s|m|h|d)\\s*', duration | string) -%}
  {{- return(parts.group(1) | float * {'ms': 0.001, 's': 1, 'm': 60, 'h': 3600, 'd': 86400}[parts.group(2)]) -}}
{% endmacro %}


{#- By multiplication: PostgreSQL 14 reads no more than 2,147,483,647 seconds as an interval. -#}
{% macro stringx_interval(duration) %}
  {{- return('(' ~ stringx_seconds(duration) ~ " * interval '1 second')") -}}
{% endmacro %}


{#- Names, as one may be given or several. -#}
{% macro stringx_names(names) %}
  {%- set found = [] -%}
  {%- for name in ([names] if names is string else names or []) -%}{%- do found.append(stringx_name(name)) -%}{%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- A condition that must hold: what violates it, also where it is NULL unless NULL passes. -#}
{% macro stringx_violates(condition, null_passes) %}
  {{- return('(' ~ condition ~ ')' ~ (' is false' if null_passes else ' is not true')) -}}
{% endmacro %}
