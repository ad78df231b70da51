{#- What `distribution` asks of every engine but PostgreSQL. -#}


{#- A distribution that is compared by another test than those of cells, or with the check before. -#}
{% macro stringx_other_distribution(rule, scope, fact) %}
  {{- return({'fault': 'on ' ~ stringx_engine() ~ ' distribution has the tests kl and chi_square, against weights'}) -}}
{% endmacro %}


{#- {sql: of stringx_counted(stringx_cell, stringx_times), fault}: the rows of each cell. -#}
{% macro stringx_counted_bins(rule, scope, fact) %}
  {%- set edges, falls, cells, last = [], [], [], rule.arguments.bins | length -%}
  {%- for edge in rule.arguments.bins -%}{%- do edges.append(stringx_value(edge, fact)) -%}{%- endfor -%}
  {%- for edge in edges -%}
    {%- do cells.append('when stringx_v < ' ~ edge ~ ' then ' ~ loop.index0) -%}
    {%- do falls.append(edges[loop.index0 - 1] ~ ' >= ' ~ edge) if not loop.first -%}
  {%- endfor -%}
  {%- set odd = 'when ' ~ stringx_is_nan('stringx_v', fact) ~ ' then -1 ' if fact and fact.family == 'float' else '' -%}
  {%- set sql -%}
    stringx_counted {{ stringx_as(true) }} (
      select case when stringx_v is null then null {{ odd }}{{ cells | join(' ') }} when stringx_v = {{ edges[-1] }} then {{ last - 1 }} else {{ last }} end as stringx_cell, count(*) as stringx_times
      from (select {{ stringx_compared(rule.columns[0], fact) }} as stringx_v from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read group by 1)
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': 'case when ' ~ falls | join(' or ') ~ " then 'bins: list them in ascending order' end"}) -}}
{% endmacro %}


{#- The polynomial of `stringx_erfc`, where u = 2t - 1. -#}
{% macro stringx_erfc_series(u) %}
  {%- set polynomial = namespace(sql='1.6415045186188208e-07') -%}
  {%- for a in ['2.344846432165095e-07', '-1.7233176592624477e-06', '-9.569063754683688e-07', '8.966703359129732e-06', '-2.164352692287398e-06',
                '-3.0432773413602292e-05', '3.3422853694137726e-05', '7.150155985697925e-05', '-0.0001750876339915449e0', '-9.37625060511117e-05',
                '0.0006739112264692042e0', '-0.0001462420635759325e0', '-0.002345854174615114e0', '0.0017589330595699703e0', '0.008824942684389957e0',
                '-0.009872689339502133e0', '-0.04689561041928232e0', '0.047343306841332665e0', '0.6726432239801886e0', '-0.6717940840566903e0'] -%}
    {%- set polynomial.sql = '(' ~ a ~ ' + ' ~ u ~ ' * ' ~ polynomial.sql ~ ')' -%}
  {%- endfor -%}
  {{- return(polynomial.sql) -}}
{% endmacro %}
