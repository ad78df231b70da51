{#- What rules that are decided for each group ask of the engine (common/groups.sql). -#}


{#- A hash of the keys of a group, by their texts; `salt` is its table and rule. -#}
{% macro stringx_hash_of_group(keys, per, facts, salt) %}
  {%- set texts = [stringx_literal(salt)] -%}
  {%- for column in per -%}{%- do texts.append(stringx_text_of_key(keys[loop.index0], facts.get(column))) -%}{%- endfor -%}
  {{- return('from_big_endian_64(xxhash64(to_utf8(json_format(cast(array[' ~ texts | join(', ') ~ '] as json)))))') -}}
{% endmacro %}


{#- A text that is equal for equal values of a type. -#}
{% macro stringx_text_of_key(value, fact) %}
  {%- if fact and fact.family == 'float' -%}{{- return('cast(' ~ value ~ ' + 0e0 as varchar)') -}}{%- endif -%}
  {%- if fact and stringx_has_zone(fact) -%}{{- return('cast(at_timezone(' ~ value ~ ", 'UTC') as varchar)") -}}{%- endif -%}
  {{- return('cast(' ~ value ~ ' as varchar)') -}}
{% endmacro %}


{#- A list of such hashes, from numbers with commas between them. -#}
{% macro stringx_hashes(numbers) %}
  {%- set written = [] -%}
  {%- for number in numbers.split(',') if number -%}{%- do written.append("bigint '" ~ number ~ "'") -%}{%- endfor -%}
  {{- return('cast(' ~ (stringx_array(written) if written else 'array[]') ~ ' as array(bigint))') -}}
{% endmacro %}


{#- Whether `failures` are more than a share of `total`, in whole numbers, as stringx_above has it. -#}
{% macro stringx_above_share(share) %}
  {%- set parts = (share | string).partition('.') -%}
  {{- return("cast(failures as decimal(18, 0)) * decimal '1" ~ '0' * (parts[2] | length) ~ "' > cast(total as decimal(18, 0)) * decimal '" ~ (parts[0] ~ parts[2]) | int ~ "'") -}}
{% endmacro %}


{#- {sql, type} of a text as a number that orders groups; NULL if it is none. -#}
{% macro stringx_to_order(text) %}{{- return({'sql': 'try_cast(' ~ text ~ ' as double)', 'type': 'double'}) -}}{% endmacro %}
