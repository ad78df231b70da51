{#- What rules that are decided for each group ask of the engine (common/groups.sql). -#}


{#- A hash of the keys of a group, by their texts; `salt` is its table and rule. It is the same in every version of DuckDB, because the next check gets it. -#}
{% macro stringx_hash_of_group(keys, per, facts, salt) %}
  {{- return('md5_number_lower(to_json([' ~ stringx_literal(salt) ~ ', ' ~ keys | join('::varchar, ') ~ '::varchar])::varchar)') -}}
{% endmacro %}


{#- A list of such hashes, from numbers with commas between them. -#}
{% macro stringx_hashes(numbers) %}{{- return('[' ~ numbers.replace('-', '') ~ ']::ubigint[]') -}}{% endmacro %}


{#- Whether `failures` are more than a share of `total`, in whole numbers, as stringx_above has it. -#}
{% macro stringx_above_share(share) %}
  {%- set parts = (share | string).partition('.') -%}
  {{- return('failures::hugeint * ' ~ 10 ** (parts[2] | length) ~ '::hugeint > ' ~ (parts[0] ~ parts[2]) | int ~ '::hugeint * total') -}}
{% endmacro %}


{#- {sql, type} of a text as a number that orders groups; NULL if it is none. -#}
{% macro stringx_to_order(text) %}{{- return({'sql': 'try_cast(' ~ text ~ ' as double)', 'type': 'double'}) -}}{% endmacro %}
