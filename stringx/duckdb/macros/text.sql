{#- Identifiers and values as SQL text. A backslash has no meaning in DuckDB's literals. -#}


{% macro stringx_literal(value) %}
  {%- if value is sameas true or value is sameas false -%}{{- return("'" ~ (value | string | lower) ~ "'") -}}{%- endif -%}
  {{- return("'" ~ (value | string).replace("'", "''") ~ "'") -}}
{% endmacro %}


{% macro stringx_literals(values) %}
  {%- set texts = [] -%}
  {%- for value in values -%}{%- do texts.append(stringx_literal(value)) -%}{%- endfor -%}
  {{- return(texts | join(', ')) -}}
{% endmacro %}


{#- A quoted name of one of the target's own tables, from `schema.table`, split at the first dot, or from `"a.b"."c"` if the schema has a dot. -#}
{% macro stringx_own_table(text) %}
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
  {%- set fact = fact or stringx_fact_of_count() -%}
  {%- set parts = [] -%}
  {%- if low is not none -%}{%- do parts.append(expression ~ (' <= ' if bounds.get('exclusive_min') else ' < ') ~ stringx_value(low, fact)) -%}{%- endif -%}
  {%- if high is not none -%}{%- do parts.append(expression ~ (' >= ' if bounds.get('exclusive_max') else ' > ') ~ stringx_value(high, fact)) -%}{%- endif -%}
  {%- if high is none and low is not none and fact.family == 'float' -%}{%- do parts.append('isnan((' ~ expression ~ ')::double)') -%}{%- endif -%}  {#- DuckDB sorts it above any max -#}
  {{- return('(' ~ parts | join(' or ') ~ ')' if parts else 'false') -}}
{% endmacro %}


{#- A duration as an interval of seconds, to the microsecond. -#}
{% macro stringx_interval(duration) %}
  {{- return('to_microseconds(' ~ (stringx_seconds(duration) * 1000000) | round | int ~ ')') -}}
{% endmacro %}


{#- The moment of the snapshot: a constant, so that all statements mean the same. Without a connection, as where rules are only planned, it is any moment. -#}
{% macro stringx_now_in_sql() %}
  {{- return("cast('" ~ (adapter.stringx_now() if adapter.stringx_now is defined else '1970-01-01 00:00:00Z') ~ "' as timestamptz)") -}}
{% endmacro %}
