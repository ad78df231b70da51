{#- What rules that are decided for each group ask of the engine (common/groups.sql). -#}


{#- A hash of the keys of a group, which the next check gets; `salt` is its table and rule. -#}
{% macro stringx_hash_of_group(keys, per, facts, salt) %}
  {{- return(stringx_hash_of_keys(keys, per, facts, 'current_database() || ' ~ stringx_literal(salt))) -}}
{% endmacro %}


{#- A hash of keys, expressions for the values of `per`, by the equality of their types. Types that PostgreSQL groups without hashing are hashed by their texts, which
    are equal where the values are. -#}
{% macro stringx_hash_of_keys(keys, per, facts, salt) %}
  {%- set parts = [] -%}
  {%- for column in per -%}
    {%- set fact = facts.get(column) -%}
    {%- set unhashed = fact is not none and (fact.family in ('money', 'bit') or fact.type in ('tsvector', 'tsquery')) -%}
    {%- do parts.append(keys[loop.index0] ~ ('::text' if unhashed else '')) -%}
  {%- endfor -%}
  {{- return('hash_record_extended(row(' ~ parts | join(', ') ~ '), hashtextextended(' ~ salt ~ ', 0))') -}}
{% endmacro %}


{#- A list of such hashes, from numbers with commas between them. -#}
{% macro stringx_hashes(numbers) %}{{- return("'{" ~ numbers ~ "}'::bigint[]") -}}{% endmacro %}


{#- Whether `failures` are more than a share of `total`, exactly. -#}
{% macro stringx_above_share(share) %}{{- return('failures > ' ~ stringx_literal(share) ~ '::numeric * total') -}}{% endmacro %}


{#- {sql, type} of a text as a number that orders groups; NULL if it is none. -#}
{% macro stringx_to_order(text) %}
  {%- set number = '^-?(Infinity|[0-9.]+([eE][+-]?[0-9]+)?)$|^NaN$' -%}
  {{- return({'sql': '(case when ' ~ text ~ ' ~ ' ~ stringx_literal(number) ~ ' then ' ~ text ~ ' end)::numeric', 'type': 'numeric'}) -}}
{% endmacro %}
