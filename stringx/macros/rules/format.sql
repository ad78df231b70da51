{#- A text that is not of the format. Patterns and lists, so that the answer is the same on every server; for JSON the server
    is asked, which can tell since version 16. -#}
{% macro stringx_rule__format(rule, scope) %}
  {%- set text = stringx_text(rule.columns[0]) -%}
  {%- set format = rule.arguments.format -%}
  {%- if format == 'json' -%}
    {{- return({'violation': 'not pg_input_is_valid(' ~ text ~ ", 'json')", 'needs': 160000}) -}}
  {%- elif format in ('country_alpha2', 'currency') -%}
    {{- return({'violation': text ~ ' not in (' ~ stringx_literals(stringx_codes()[format].split()) ~ ')'}) -}}
  {%- endif -%}
  {{- return({'violation': text ~ ' collate "C" !~ ' ~ stringx_literal('^(' ~ stringx_patterns()[format] ~ ')$')}) -}}
{% endmacro %}


{#- POSIX patterns, each of the whole text: email as HTML's `input type=email` has it, with a dot in the domain; addresses by
    RFC 791 and 4291; dates and timestamps by RFC 3339, where seconds and zone may be left out; E.164 telephone numbers. -#}
{% macro stringx_patterns() %}
  {%- set octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])' -%}
  {%- set ipv4 = '(' ~ octet ~ '[.]){3}' ~ octet -%}
  {%- set date = '((([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)' -%}
  {%- set label = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?' -%}
  {{- return({
    'email': '[A-Za-z0-9.!#$%&\'*+/=?^_`{|}~-]+@' ~ label ~ '([.]' ~ label ~ ')+',
    'uuid': '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}',
    'url': '(https?|ftp)://([^][:space:]/?#@[]*@)?(' ~ label ~ '([.]' ~ label ~ ')*[.]?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?([/?#][^[:space:]]*)?',
    'ipv4': ipv4,
    'ipv6': stringx_ipv6_pattern(ipv4),
    'date': date,
    'timestamp': date ~ '[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?',
    'e164': '[+][1-9][0-9]{0,14}'
  }) -}}
{% endmacro %}


{#- Eight groups, or fewer around one `::`; the last two may be an IPv4 address. -#}
{% macro stringx_ipv6_pattern(ipv4) %}
  {%- set group = '[0-9A-Fa-f]{1,4}' -%}
  {%- set forms = ['(' ~ group ~ ':){7}' ~ group, '(' ~ group ~ ':){6}' ~ ipv4] -%}
  {%- for before in range(8) -%}
    {%- set head = (group if before == 1 else '(' ~ group ~ ':){' ~ (before - 1) ~ '}' ~ group) if before else '' -%}
    {%- do forms.append(head ~ '::' ~ ('(' ~ group ~ '(:' ~ group ~ '){0,' ~ (6 - before) ~ '})?' if before < 7 else '')) -%}
    {%- if before < 6 -%}{%- do forms.append(head ~ '::(' ~ group ~ ':){0,' ~ (5 - before) ~ '}' ~ ipv4) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(forms | join('|')) -}}
{% endmacro %}


{#- ISO 3166-1 alpha-2, and the codes of ISO 4217 that are in use (2025), funds, metals and the ones for testing among them. -#}
{% macro stringx_codes() %}
  {{- return({'country_alpha2': '
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF
    CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH
    GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW
    KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG
    NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN
    SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT
    ZA ZM ZW
  ', 'currency': '
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP
    CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST
    XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG
  '}) -}}
{% endmacro %}
