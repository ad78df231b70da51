{#- Identifiers and values as SQL text. Values are untyped literals, so that PostgreSQL reads them as the type of what
    they are compared with; the session has standard_conforming_strings on. -#}

{% macro stringx_name(name) %}
  {{- return('"' ~ (name | string).replace('"', '""') ~ '"') -}}
{% endmacro %}


{% macro stringx_literal(value) %}
  {%- if value is sameas true or value is sameas false -%}{{- return("'" ~ (value | string | lower) ~ "'") -}}{%- endif -%}
  {{- return("'" ~ (value | string).replace("'", "''") ~ "'") -}}
{% endmacro %}


{% macro stringx_literals(values) %}
  {%- set texts = [] -%}
  {%- for value in values -%}{%- do texts.append(stringx_literal(value)) -%}{%- endfor -%}
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


{#- Outside of min and max; NULL for NULL. False where no bound is given. -#}
{% macro stringx_outside(expression, bounds) %}
  {%- set parts = [] -%}
  {%- if bounds.get('min') is not none -%}
    {%- do parts.append(expression ~ (' <= ' if bounds.get('exclusive_min') else ' < ') ~ stringx_literal(bounds.min)) -%}
  {%- endif -%}
  {%- if bounds.get('max') is not none -%}
    {%- do parts.append(expression ~ (' >= ' if bounds.get('exclusive_max') else ' > ') ~ stringx_literal(bounds.max)) -%}
  {%- endif -%}
  {{- return('(' ~ parts | join(' or ') ~ ')' if parts else 'false') -}}
{% endmacro %}
