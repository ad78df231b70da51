{#- Names, conditions and durations as SQL text, which is the same on every engine. -#}

{% macro stringx_name(name) %}
  {{- return('"' ~ (name | string).replace('"', '""') ~ '"') -}}
{% endmacro %}


{#- A list of quoted names, from one name or several. -#}
{% macro stringx_names(names) %}
  {%- set quoted = [] -%}
  {%- for name in ([names] if names is string else names or []) -%}{%- do quoted.append(stringx_name(name)) -%}{%- endfor -%}
  {{- return(quoted) -}}
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


{#- The seconds of a duration such as 30s, 5m, 24h, 7d; the catalogue has checked its format. -#}
{% macro stringx_seconds(duration) %}
  {%- set parts = modules.re.fullmatch('\\s*([0-9.]+)(ms|s|m|h|d)\\s*', duration | string) -%}
  {{- return(parts.group(1) | float * {'ms': 0.001, 's': 1, 'm': 60, 'h': 3600, 'd': 86400}[parts.group(2)]) -}}
{% endmacro %}
