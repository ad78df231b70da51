{#- The number of columns. -#}
{% macro stringx_rule__column_count(rule, scope) %}
  {%- set outside = stringx_outside('measured', rule.arguments) -%}
  {%- set outside_warn = stringx_outside('measured', rule.arguments.get('warn', {})) -%}
  {{- return({'measured': 'select null as total, measured, ' ~ outside ~ ' as fails, ' ~ outside_warn ~ ' as warns from (select count(*) as measured from ('
                          ~ stringx_attributes(scope) ~ ') as attributes) as counted', 'total': 'own'}) -}}
{% endmacro %}


{#- The table's columns in the catalog: place, name, type, modifier. -#}
{% macro stringx_attributes(scope) %}
  {{- return('select attnum as place, attname::text collate "C" as name, atttypid, atttypmod from pg_catalog.pg_attribute where attrelid = '
             ~ stringx_literal(scope.relation) ~ '::pg_catalog.regclass and attnum > 0 and not attisdropped') -}}
{% endmacro %}
