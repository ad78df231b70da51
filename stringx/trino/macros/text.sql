{#- Identifiers and values as SQL text. A backslash has no meaning in Trino's literals. -#}


{% macro stringx_literal(value) %}
  {%- if value is sameas true or value is sameas false -%}{{- return("'" ~ (value | string | lower) ~ "'") -}}{%- endif -%}
  {{- return("'" ~ (value | string).replace("'", "''") ~ "'") -}}
{% endmacro %}


{% macro stringx_literals(values) %}
  {%- set texts = [] -%}
  {%- for value in values -%}{%- do texts.append(stringx_literal(value)) -%}{%- endfor -%}
  {{- return(texts | join(', ')) -}}
{% endmacro %}


{#- What violates a condition: false, and NULL unless NULL passes. Trino has no IS FALSE. -#}
{% macro stringx_violates(condition, null_passes) %}
  {{- return('coalesce(not (' ~ condition ~ '), ' ~ ('false' if null_passes else 'true') ~ ')') -}}
{% endmacro %}


{#- Whether an expression is outside of min and max, which are read as its type (`fact`). NULL for NULL; NaN is outside of all bounds; false without
    bounds. -#}
{% macro stringx_outside(expression, bounds, fact=none) %}
  {%- set low, high = bounds.get('min'), bounds.get('max') -%}
  {%- set fact = fact or stringx_fact_of_count() -%}
  {%- set parts = [] -%}
  {%- if low is not none -%}{%- do parts.append(expression ~ (' <= ' if bounds.get('exclusive_min') else ' < ') ~ stringx_value(low, fact)) -%}{%- endif -%}
  {%- if high is not none -%}{%- do parts.append(expression ~ (' >= ' if bounds.get('exclusive_max') else ' > ') ~ stringx_value(high, fact)) -%}{%- endif -%}
  {%- if parts and fact.family == 'float' -%}{%- do parts.append('is_nan(' ~ expression ~ ')') -%}{%- endif -%}  {#- which Trino compares with nothing -#}
  {{- return('(' ~ parts | join(' or ') ~ ')' if parts else 'false') -}}
{% endmacro %}


{#- A duration as an interval, which has milliseconds. -#}
{% macro stringx_interval(duration) %}
  {%- set thousandths = stringx_milliseconds(duration) -%}
  {{- return(stringx_no_value(duration) if thousandths is none else '(' ~ thousandths ~ " * interval '0.001' second)") -}}
{% endmacro %}


{#- The milliseconds of a duration; none if they are no whole number, to the microsecond as PostgreSQL rounds. -#}
{% macro stringx_milliseconds(duration) %}
  {%- set exact = stringx_seconds(duration) * 1000 -%}
  {{- return(exact | round | int if (exact - exact | round) | abs < 0.0005 else none) -}}
{% endmacro %}


{#- The moment of the check: a constant, so that all statements mean the same. Without a connection, as where rules are only planned, it is any moment. -#}
{% macro stringx_now_in_sql() %}
  {{- return("timestamp '" ~ (adapter.stringx_now() if adapter.stringx_now is defined else '1970-01-01 00:00:00.000000') ~ " UTC'") -}}
{% endmacro %}
