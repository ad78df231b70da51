{#- Types of columns, as far as they are the same on every engine. A fact describes a column: {type: its type as SQL; family: the kind of type, on which the meaning of rule types depends
    (`types` in rules.yml); cast: the text after a column that is compared; schema, operators: of an extension's type, otherwise none and an empty list}. -#}


{#- The facts of numbers of rows and their sums, and of numbers in double precision. -#}
{% macro stringx_fact_of_count() %}
  {{- return({'type': stringx_type_names().count, 'cast': '', 'family': 'integer', 'schema': none, 'operators': []}) -}}
{% endmacro %}

{% macro stringx_fact_of_double() %}
  {{- return({'type': stringx_type_names().double, 'cast': '', 'family': 'float', 'schema': none, 'operators': []}) -}}
{% endmacro %}


{#- The operator between values of two columns: that of their type if both have the same. -#}
{% macro stringx_operator_of_both(one, other, name) %}
  {%- set same = one is not none and other is not none and one.type == other.type -%}
  {{- return(stringx_operator(one if same else none, name)) -}}
{% endmacro %}


{#- Whether the column's value is NULL itself, as in NOT NULL; a row of NULLs is not. -#}
{% macro stringx_is_null(column) %}
  {{- return(stringx_name(column) ~ ' is not distinct from null') -}}
{% endmacro %}


{% macro stringx_is_not_null(column) %}
  {{- return(stringx_name(column) ~ ' is distinct from null') -}}
{% endmacro %}
