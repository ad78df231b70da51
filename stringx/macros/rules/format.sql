{#- A text that is not of the format. Patterns and lists decide, so that the answer is the same on every server; for JSON the server
    itself decides, which it can since version 16. NULL has every format. -#}
{% macro stringx_rule__format(rule, scope) %}
  {%- set format = rule.arguments.format -%}
  {%- if format == 'json' -%}
    {{- return({'violation': 'not pg_input_is_valid(' ~ stringx_text(rule.columns[0], scope.types.get(rule.columns[0])) ~ ", 'json')", 'needs': 160000}) -}}
  {%- endif -%}
  {%- set text = '(' ~ stringx_text(rule.columns[0], scope.types.get(rule.columns[0])) ~ ' collate "C")' -%}
  {{- return({'violation': 'case when ' ~ text ~ ' is null then false ' ~ context['stringx_format__' ~ format](text) ~ ' end'}) -}}
{% endmacro %}


{#- Each stringx_format__<format> is the rest of a CASE that is true for a text that is not of the format.

    PostgreSQL builds the states of a pattern anew for each text, so the cost of a pattern depends on the states that a text passes: few in a loop
    ([0-9]+), many in {0,61} or in a sequence of fixed length. So LIKE checks fixed places, a list of constants (which the server looks up by a
    hash) checks a number in a range, and a pattern with few states checks the rest; `python -m benchmarks.formats` measures it. -#}


{#- As in HTML's `input type=email`, with a dot in the domain. The first pattern allows one dot or hyphen between words, as in most domains. -#}
{% macro stringx_format__email(text) %}
  {%- set before = "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@" -%}
  {%- set most = stringx_literal(before ~ '([A-Za-z0-9]+[.-])*[A-Za-z0-9]+$') -%}
  {%- set exact = stringx_literal(before ~ stringx_label() ~ '([.]' ~ stringx_label() ~ ')+$') -%}
  {%- set too_long = 'octet_length(' ~ text ~ ') > 64 and ' ~ stringx_has_long_label('split_part(' ~ text ~ ", '@', 2)") -%}
  {{- return('when ' ~ text ~ ' ~ ' ~ most ~ ' and ' ~ text ~ " like '%@%.%' then " ~ too_long ~ ' else ' ~ text ~ ' !~ ' ~ exact ~ ' or ' ~ too_long) -}}
{% endmacro %}


{#- The scheme in upper or lower case (RFC 3986, 3.1), an optional user, a host, an optional port, and the rest. -#}
{% macro stringx_format__url(text) %}
  {%- set host = '(' ~ stringx_label() ~ '([.]' ~ stringx_label() ~ ')*[.]?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?' -%}
  {%- set after = '([/?#][^[:space:]]*)?$' -%}
  {%- set rests = [] -%}
  {%- for given in (text, 'lower(left(' ~ text ~ ', 8))') -%}
    {%- for scheme in ('https://', 'http://', 'ftp://') -%}
      {%- do rests.append('when ' ~ given ~ " like '" ~ scheme ~ "%' then substr(" ~ text ~ ', ' ~ (scheme | length + 1) ~ ')') -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set rest = 'case ' ~ rests | join(' ') ~ " else '' end" -%}
  {%- set with_user = stringx_literal('^([^][:space:]/?#@[]*@)?' ~ host ~ after) -%}
  {%- set named = 'substring(substring(' ~ rest ~ " from '^[^/?#]*') from '[^@]*$')" -%}
  {{- return('when case when ' ~ rest ~ ' ~ ' ~ stringx_literal('^' ~ stringx_label() ~ '([.]' ~ stringx_label() ~ ')*' ~ after) ~ ' then false else '
             ~ rest ~ ' !~ ' ~ with_user ~ ' end then true when octet_length(' ~ text ~ ') <= 69 then false '
             ~ 'when length(split_part(' ~ text ~ ", '/', 3)) <= 63 then false else " ~ stringx_has_long_label(named)) -}}
{% endmacro %}


{% macro stringx_has_long_label(host) %}
  {{- return(host ~ " ~ '[^.:]{64}'") -}}
{% endmacro %}


{% macro stringx_format__uuid(text) %}
  {{- return('else ' ~ text ~ " not like '________-____-____-____-____________' or " ~ text ~ " like '%-%-%-%-%-%' or " ~ text ~ " ~ '[^0-9A-Fa-f-]'") -}}
{% endmacro %}


{#- Four numbers up to 255, without leading zeros (RFC 791). -#}
{% macro stringx_format__ipv4(text) %}
  {%- set octets = stringx_constants(range(256)) -%}
  {%- set parts = [] -%}
  {%- for number in (4, 1, 2, 3) -%}{%- do parts.append('split_part(' ~ text ~ ", '.', " ~ number ~ ') = any(' ~ octets ~ ')') -%}{%- endfor -%}
  {{- return('when ' ~ parts | join(' and ') ~ ' then ' ~ text ~ " like '%.%.%.%.%' else true") -}}
{% endmacro %}


{#- Eight groups, or fewer around one `::` (RFC 4291); the last two may be an IPv4 address. -#}
{% macro stringx_format__ipv6(text) %}
  {%- set group = '[0-9A-Fa-f]{1,4}' -%}
  {%- set with_ipv4 = [] -%}
  {%- for before in range(6) -%}
    {%- do with_ipv4.append(('(' ~ group ~ ':){' ~ before ~ '}' if before else ':') ~ ':(' ~ group ~ ':){0,' ~ (5 - before) ~ '}') -%}
  {%- endfor -%}
  {%- set eight, nine = ':%' * 8, ':%' * 9 -%}
  {%- set edge = '(' ~ text ~ " like '::%' or " ~ text ~ " like '%::')" -%}
  {{- return('when ' ~ text ~ " ~ '[^0-9A-Fa-f:]|[0-9A-Fa-f]{5}' then " ~ text ~ " not like '%.%' or " ~ text ~ ' !~ '
             ~ stringx_literal('^((' ~ group ~ ':){6}|' ~ with_ipv4 | join('|') ~ ')(' ~ stringx_octet() ~ '[.]){3}' ~ stringx_octet() ~ '$')
             ~ ' when ' ~ text ~ " like '%::%' then " ~ text ~ " like '%:::%' or " ~ text ~ " like '%::%::%'"
             ~ ' or ' ~ text ~ " like ':_%' and " ~ text ~ " not like '::%' or " ~ text ~ " like '%:' and " ~ text ~ " not like '%::'"
             ~ ' or ' ~ text ~ " like '%" ~ eight ~ "' and not (" ~ edge ~ ' and ' ~ text ~ " not like '%" ~ nine ~ "')"
             ~ ' else ' ~ text ~ " not like '_%:_%:_%:_%:_%:_%:_%:_%' or " ~ text ~ " like '%" ~ eight ~ "'") -}}
{% endmacro %}


{#- A day of the calendar, as in RFC 3339. -#}
{% macro stringx_format__date(text) %}
  {{- return('when ' ~ stringx_is_recent_day(text, 'substr(' ~ text ~ ', 5)') ~ ' then false else ' ~ text ~ ' !~ ' ~ stringx_literal('^' ~ stringx_day_pattern() ~ '$')) -}}
{% endmacro %}


{#- RFC 3339; seconds and zone may be left out. The second 60 is allowed only at 23:59:60 in UTC; a time without a zone is UTC. -#}
{% macro stringx_format__timestamp(text) %}
  {%- set digits = stringx_two_digits(60) -%}
  {%- set minutes = [] -%}
  {%- for hour in digits[:24] -%}{%- do minutes.append(hour ~ ':' ~ digits | join(',' ~ hour ~ ':')) -%}{%- endfor -%}
  {%- set ends = ['""', 'Z', ':' ~ digits | join(',:'), ':' ~ digits | join('Z,:') ~ 'Z'] -%}
  {%- set zone = '([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?$' -%}
  {%- set seconds = '([.][0-9]+)?' ~ zone -%}
  {%- set start = '^' ~ stringx_day_pattern() ~ '[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]' -%}
  {%- set rest = 'substr(' ~ text ~ ', 17)' -%}
  {%- set offset = 'substring(substr(' ~ text ~ ", 20) from '[+-](.*)$')" -%}
  {%- set minutes_ahead = "coalesce(rpad(replace(" ~ offset ~ ", ':', ''), 4, '0')::integer, 0)" -%}
  {%- set sign = 'case when substr(' ~ text ~ ", 20) like '%-%' then -1 else 1 end" -%}
  {%- set minute = 'substr(' ~ text ~ ', 12, 2)::integer * 60 + substr(' ~ text ~ ', 15, 2)::integer' -%}
  {%- set is_last = '(' ~ minute ~ ' - ' ~ sign ~ ' * (' ~ minutes_ahead ~ ' / 100 * 60 + ' ~ minutes_ahead ~ ' % 100) + 2880) % 1440 = 1439' -%}
  {%- set is_recent = stringx_is_recent_day(text, 'substr(' ~ text ~ ', 5, 6)') ~ ' and substr(' ~ text ~ ', 12, 5) = any(' ~ stringx_constants(minutes) ~ ')' -%}
  {%- set has_separator = '(' ~ text ~ " like '__________T%' or " ~ text ~ " like '__________ %')" -%}
  {%- set ends_well = '(' ~ rest ~ ' = any(' ~ stringx_constants(ends) ~ ') or ' ~ rest ~ " ~ '^(:[0-5][0-9]([.][0-9]+)?)?" ~ zone ~ "')" -%}
  {{- return('when ' ~ is_recent ~ ' and ' ~ has_separator ~ ' and ' ~ ends_well ~ ' then false'
             ~ ' when ' ~ text ~ ' ~ ' ~ stringx_literal(start ~ ':60' ~ seconds) ~ ' then not (' ~ is_last ~ ') '
             ~ 'else ' ~ text ~ ' !~ ' ~ stringx_literal(start ~ '(:[0-5][0-9]([.][0-9]+)?)?' ~ zone)) -}}
{% endmacro %}


{#- Whether a text begins with a day of the years from 1900 to 2100, except the 29th of February: most days in practice, looked up in two lists. -#}
{% macro stringx_is_recent_day(text, month_and_day) %}
  {%- set days = [] -%}
  {%- for month in stringx_two_digits(13)[1:] -%}
    {%- set length = {'02': 28, '04': 30, '06': 30, '09': 30, '11': 30}.get(month, 31) -%}
    {%- do days.append('-' ~ month ~ '-' ~ stringx_two_digits(length + 1)[1:] | join(',-' ~ month ~ '-')) -%}
  {%- endfor -%}
  {{- return(month_and_day ~ ' = any(' ~ stringx_constants(days) ~ ') and left(' ~ text ~ ', 4) = any(' ~ stringx_constants(range(1900, 2101)) ~ ')') -}}
{% endmacro %}


{#- 00, 01, … -#}
{% macro stringx_two_digits(end) %}
  {{- return((range(100, 100 + end) | join(' ')).replace(' 1', ' ')[1:].split(' ')) -}}
{% endmacro %}


{#- E.164: a plus, then up to 15 digits of which the first is no zero. -#}
{% macro stringx_format__e164(text) %}
  {{- return('else ' ~ text ~ " not like '+_%' or " ~ text ~ " like '+0%' or length(" ~ text ~ ') > 16 or substr(' ~ text ~ ", 2) ~ '[^0-9]'") -}}
{% endmacro %}


{% macro stringx_format__country_alpha2(text) %}
  {{- return('when ' ~ text ~ ' = any(' ~ stringx_constants(stringx_codes().country_alpha2.split()) ~ ') then false else true') -}}
{% endmacro %}


{% macro stringx_format__currency(text) %}
  {{- return('when ' ~ text ~ ' = any(' ~ stringx_constants(stringx_codes().currency.split()) ~ ') then false else true') -}}
{% endmacro %}


{#- An array of words, which must not contain characters that have a meaning in an array. -#}
{% macro stringx_constants(words) %}
  {{- return("'{" ~ words | join(',') ~ "}'::text[]") -}}
{% endmacro %}
