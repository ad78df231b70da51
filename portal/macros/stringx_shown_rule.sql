{#- A rule of the service, shown as a test. It checks nothing here, so it returns a row and never passes here. -#}
{% test stringx_shown_rule(model, rule, reason, column_name=none) %}
select {{ dbt.string_literal(dbt.escape_single_quotes(reason)) }} as reason,
       {{ dbt.string_literal(dbt.escape_single_quotes(rule)) }} as rule
{% endtest %}
