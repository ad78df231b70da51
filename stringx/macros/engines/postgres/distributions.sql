{#- What `distribution` asks of the engine. -#}


{#- A distribution that is compared by another test than those of cells, or with the check before. -#}
{% macro stringx_other_distribution(rule, scope, fact) %}
  {{- return(stringx_kolmogorov_rule(rule, scope, fact) if rule.arguments.test == 'ks' else stringx_distribution_before(rule, scope, fact)) -}}
{% endmacro %}


{#- A number for a message: the word for 0, which a message would leave out. -#}
{% macro stringx_told(number) %}
  {{- return('case when ' ~ number ~ " = 0 then to_json('0'::text) else to_json(" ~ number ~ ') end') -}}
{% endmacro %}


{#- {sql: of stringx_counted(stringx_cell, stringx_times), fault}: the rows of each cell. -#}
{% macro stringx_counted_bins(rule, scope, fact) %}
  {%- set bins = rule.arguments.bins -%}
  {%- set last = bins | length -%}
  {%- set edges = stringx_edges(bins, stringx_compared(rule.columns[0], fact), fact) -%}
  {%- set odd = "when stringx_v = 'NaN' then -1 " if fact is not none and fact.family in ('decimal', 'float') else '' -%}
  {%- set sql -%}
    stringx_edges as materialized (select {{ edges.sql }} as stringx_e),
    stringx_counted as materialized (
      select case when stringx_v is null then null {{ odd }}when stringx_v = stringx_e[{{ last }}] then {{ last - 1 }}
             else width_bucket(stringx_v, stringx_e) end as stringx_cell, count(*) as stringx_times
      from (select {{ edges.value }} as stringx_v from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read, stringx_edges group by 1)
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': stringx_fault_of_edges('(select stringx_e from stringx_edges)', last)}) -}}
{% endmacro %}


{#- {sql: an array of the edges of bins, value: the column's value beside them}, both of the column's type, or of numeric or timestamp if an edge is between two values of it. -#}
{% macro stringx_edges(bins, value, fact) %}
  {%- set written = [] -%}
  {%- for edge in bins -%}{%- do written.append(stringx_value(edge, fact)) -%}{%- endfor -%}
  {%- set family = fact.family if fact is not none else 'decimal' -%}
  {%- set type = {'integer': 'numeric' if '::numeric' in written | join(' ') else 'bigint', 'decimal': 'numeric', 'date': 'timestamp'}.get(family, fact.type if fact else 'numeric') -%}
  {{- return({'sql': 'array[' ~ written | join(', ') ~ ']::' ~ type ~ '[]', 'value': value ~ '::' ~ type if family in ('integer', 'date') else value}) -}}
{% endmacro %}


{#- Words for edges that do not rise, which cannot be known before for all notations of dates; or none. -#}
{% macro stringx_fault_of_edges(edges, number) %}
  {{- return('(select case when bool_or(' ~ edges ~ '[stringx_i] >= ' ~ edges ~ "[stringx_i + 1]) then 'bins: list them in ascending order' end from generate_series(1, "
             ~ (number - 1) ~ ') as stringx_i)') -}}
{% endmacro %}


{#- A number of the document in double precision. -#}
{% macro stringx_double(number) %}
  {{- return("'" ~ number ~ "'::double precision") -}}
{% endmacro %}


{#- A value that no row needs to have, which gives others their type. -#}
{% macro stringx_no_value_of(value, relation) %}{{- return('(select ' ~ value ~ ' from ' ~ relation ~ ' limit 0)') -}}{% endmacro %}
