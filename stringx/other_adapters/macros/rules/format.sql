{#- A text that is not of the format, by the patterns and lists of gate/formats.sql. NULL has every format. Each engine takes other texts for JSON than PostgreSQL, so it is not
    asked for that. -#}
{% macro stringx_rule__format(rule, scope) %}
  {%- if rule.arguments.format == 'json' -%}{{- return({'fault': 'on ' ~ stringx_engine() ~ ' the format json is not available: it takes other texts for JSON than PostgreSQL'}) -}}{%- endif -%}
  {%- set text = stringx_text(rule.columns[0], scope.types.get(rule.columns[0])) -%}
  {{- return({'violation': 'case when ' ~ text ~ ' is null then false else ' ~ context['stringx_format__' ~ rule.arguments.format](text) ~ ' end'}) -}}
{% endmacro %}


{#- Each stringx_format__<format> is true for a text that is not of the format. -#}

{% macro stringx_format__email(text) %}
  {%- set exact = "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@" ~ stringx_label() ~ '([.]' ~ stringx_label() ~ ')+$' -%}
  {{- return('(not ' ~ stringx_has_match(text, exact) ~ ' or ' ~ stringx_has_match('split_part(' ~ text ~ ", '@', 2)", '[^.:]{64}') ~ ')') -}}
{% endmacro %}


{#- The scheme in upper or lower case, an optional user, a host, an optional port, and the rest. -#}
{% macro stringx_format__url(text) %}
  {%- set host = '(' ~ stringx_label() ~ '([.]' ~ stringx_label() ~ ')*[.]?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?' -%}
  {%- set whole = '^([Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp])://([^\\]\\[ \\t\\n\\x0B\\f\\r/?#@]*@)?' ~ host ~ '([/?#][^ \\t\\n\\x0B\\f\\r]*)?$' -%}
  {%- set named = 'regexp_extract(' ~ text ~ ", '^[A-Za-z]+://([^/?#]*@)?([^/?#@]*)', 2)" -%}
  {{- return('(not ' ~ stringx_has_match(text, whole) ~ ' or ' ~ stringx_has_match(named, '[^.:]{64}') ~ ')') -}}
{% endmacro %}


{% macro stringx_format__uuid(text) %}
  {{- return('not ' ~ stringx_has_match(text, '^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$')) -}}
{% endmacro %}


{#- Four numbers up to 255, without leading zeros (RFC 791). -#}
{% macro stringx_format__ipv4(text) %}
  {{- return('not ' ~ stringx_has_match(text, '^(' ~ stringx_octet() ~ '[.]){3}' ~ stringx_octet() ~ '$')) -}}
{% endmacro %}


{#- Eight groups, or fewer around one `::` (RFC 4291); the last two may be an IPv4 address. -#}
{% macro stringx_format__ipv6(text) %}
  {%- set group, forms = '[0-9A-Fa-f]{1,4}', [] -%}
  {%- set ipv4 = '(' ~ stringx_octet() ~ '[.]){3}' ~ stringx_octet() -%}
  {%- do forms.append('(' ~ group ~ ':){7}' ~ group) -%}
  {%- do forms.append('(' ~ group ~ ':){6}' ~ ipv4) -%}
  {%- for before in range(8) -%}
    {%- set start = '(' ~ group ~ ':){' ~ before ~ '}' if before else ':' -%}
    {%- do forms.append(start ~ ':' ~ ('(' ~ group ~ '(:' ~ group ~ '){0,' ~ (6 - before) ~ '})?' if before < 7 else '')) -%}
    {%- if before < 6 -%}{%- do forms.append(start ~ ':(' ~ group ~ ':){0,' ~ (5 - before) ~ '}' ~ ipv4) -%}{%- endif -%}
  {%- endfor -%}
  {{- return('not ' ~ stringx_has_match(text, '^(' ~ forms | join('|') ~ ')$')) -}}
{% endmacro %}


{#- A day of the calendar, as in RFC 3339. -#}
{% macro stringx_format__date(text) %}
  {{- return('not ' ~ stringx_has_match(text, '^' ~ stringx_day_pattern() ~ '$')) -}}
{% endmacro %}


{#- RFC 3339; seconds and zone may be left out. The second 60 is allowed only at 23:59:60 in UTC; a time without a zone is UTC. -#}
{% macro stringx_format__timestamp(text) %}
  {%- set zone = '([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?$' -%}
  {%- set start = '^' ~ stringx_day_pattern() ~ '[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]' -%}
  {%- set offset = 'regexp_extract(substr(' ~ text ~ ", 20), '[+-](.*)$', 1)" -%}
  {%- set ahead = 'rpad(replace(coalesce(' ~ offset ~ ", ''), ':', ''), 4, '0')" -%}
  {%- set ahead = 'try_cast(substr(' ~ ahead ~ ', 1, 2) as integer) * 60 + try_cast(substr(' ~ ahead ~ ', 3, 2) as integer)' -%}
  {%- set sign = 'case when substr(' ~ text ~ ", 20) like '%-%' then -1 else 1 end" -%}
  {%- set minute = 'try_cast(substr(' ~ text ~ ', 12, 2) as integer) * 60 + try_cast(substr(' ~ text ~ ', 15, 2) as integer)' -%}
  {%- set is_last = '(' ~ minute ~ ' - ' ~ sign ~ ' * (' ~ ahead ~ ') + 2880) % 1440 = 1439' -%}
  {{- return('case when ' ~ stringx_has_match(text, start ~ ':60([.][0-9]+)?' ~ zone) ~ ' then not (' ~ is_last ~ ') else not '
             ~ stringx_has_match(text, start ~ '(:[0-5][0-9]([.][0-9]+)?)?' ~ zone) ~ ' end') -}}
{% endmacro %}


{#- E.164: a plus, then up to 15 digits of which the first is no zero. -#}
{% macro stringx_format__e164(text) %}
  {{- return('not ' ~ stringx_has_match(text, '^[+][1-9][0-9]{0,14}$')) -}}
{% endmacro %}


{% macro stringx_format__country_alpha2(text) %}
  {{- return(text ~ ' not in (' ~ stringx_literals(stringx_codes().country_alpha2.split()) ~ ')') -}}
{% endmacro %}


{% macro stringx_format__currency(text) %}
  {{- return(text ~ ' not in (' ~ stringx_literals(stringx_codes().currency.split()) ~ ')') -}}
{% endmacro %}
