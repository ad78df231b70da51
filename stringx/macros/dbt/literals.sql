{#- A text that is neither plain nor one SQL expression may reach a test only inside of a string literal. So the test is rendered twice, once with a marker
    in the text's place: both must be the same, token by token, except for the content of string literals. No statement that
    a test runs while it renders may contain such a text, and nothing is run before that is known. -#}

{#- The test rendered with its arguments, or a fault. The column's name is given as dbt gives it: quoted if the project's YAML says
    `quote: true`, otherwise as it is. A name that would mean another column without quotes is quoted too, unless it stands in literals only. -#}
{% macro stringx_dbt_allowed(test, given, rule) %}
  {%- set column = rule.columns[0] if rule.columns else none -%}
  {%- set quoted = column is not none and test.relation.identifier in stringx_project().quoted and stringx_is_quoted(test.relation.schema, test.relation.identifier, column) -%}
  {%- set values = dict(given['values'], **({} if column is none else {'column_name': stringx_name(column) if quoted else column})) -%}
  {%- set unchecked = var('gate').get('allow_arguments') == 'unchecked' -%}
  {%- set odd_column = column is not none and not quoted and not stringx_is_same_unquoted(column) -%}
  {%- if unchecked or not (given.doubtful or odd_column) -%}{{- return(stringx_dbt_render(test, values)) -}}{%- endif -%}
  {%- set judged = stringx_dbt_judged(test, values, given.doubtful + ([column] if odd_column else [])) -%}
  {%- if judged.refused and odd_column -%}
    {%- do values.update({'column_name': stringx_name(column)}) -%}
    {%- set judged = stringx_dbt_judged(test, values, given.doubtful) if given.doubtful else stringx_dbt_render(test, values) -%}
  {%- endif -%}
  {%- if not judged.refused -%}{{- return(judged) -}}{%- endif -%}
  {{- return({'fault': 'the text under ' ~ given.names | unique(true) | join(', ') ~ ' is neither a plain value nor one SQL expression, and the test puts it into its SQL'
                       ~ ' outside of a string literal; correct it, or have an admin set allow_arguments: unchecked on the target'}) -}}
{% endmacro %}


{#- Whether PostgreSQL reads the name without quotes as this very name. -#}
{% macro stringx_is_same_unquoted(name) %}
  {{- return(modules.re.fullmatch('[^\\W\\d][\\w$]*', name) and name == name | lower and name not in (
    'all', 'analyse', 'analyze', 'and', 'any', 'array', 'as', 'asc', 'asymmetric', 'authorization', 'binary', 'both', 'case', 'cast', 'check',
    'collate', 'collation', 'column', 'concurrently', 'constraint', 'create', 'cross', 'current_catalog', 'current_date', 'current_role',
    'current_schema', 'current_time', 'current_timestamp', 'current_user', 'default', 'deferrable', 'desc', 'distinct', 'do', 'else', 'end',
    'except', 'false', 'fetch', 'for', 'foreign', 'freeze', 'from', 'full', 'grant', 'group', 'having', 'ilike', 'in', 'initially', 'inner',
    'intersect', 'into', 'is', 'isnull', 'join', 'lateral', 'leading', 'left', 'like', 'limit', 'localtime', 'localtimestamp', 'natural', 'not',
    'notnull', 'null', 'offset', 'on', 'only', 'or', 'order', 'outer', 'overlaps', 'placing', 'primary', 'references', 'returning', 'right',
    'select', 'session_user', 'similar', 'some', 'symmetric', 'system_user', 'table', 'tablesample', 'then', 'to', 'trailing', 'true', 'union',
    'unique', 'user', 'using', 'variadic', 'verbose', 'when', 'where', 'window', 'with')) -}}
{% endmacro %}


{#- The rendered test if each of the doubtful texts is inside of string literals, as it is or with its quotes doubled; otherwise {refused: true}.

    Macros stand in for `statement` and `adapter` meanwhile. A test calls them without arguments of these macros, so that they share
    `guard` with this macro through dbt's context. -#}
{% macro stringx_dbt_judged(test, values, doubtful) %}
  {%- set before = {'statement': context['statement'], 'adapter': adapter} -%}
  {%- set guard = {'run': context['statement'], 'seen': [], 'marked': false, 'known': none, 'at': 0} -%}
  {%- set markers = {} -%}
  {%- set doubled = {} -%}
  {%- for text in doubtful | unique(true) -%}
    {%- do markers.update({text: 'stringx_marker_' ~ loop.index ~ '_x'}) -%}
    {%- do doubled.update({text: text.replace("'", "''")}) -%}
  {%- endfor -%}
  {#- meanwhile `adapter` reads the catalog by the names of relations, and runs no text -#}
  {%- set reader = stringx_dbt_adapter({'get_columns_in_relation': adapter.get_columns_in_relation, 'get_relation': adapter.get_relation}) -%}
  {%- do context.update({'stringx_guard': guard, 'statement': stringx_dbt_guarded, 'adapter': reader}) -%}
  {%- set allowed = namespace(test={'refused': true}) -%}
  {%- set marked = stringx_dbt_render_with(test, values, markers) -%}
  {%- set wanted = none if marked.fault or guard.marked else stringx_sql_tokens(marked.statement) -%}
  {%- if wanted is not none -%}
    {%- for texts in [{}] + ([doubled] if "'" in doubtful | join else []) if allowed.test.refused -%}
      {%- do guard.update({'known': guard.seen, 'at': 0}) -%}
      {%- set rendered = stringx_dbt_render_with(test, values, texts) -%}
      {%- set tokens = none if rendered.fault or guard.marked else stringx_sql_tokens(rendered.statement) -%}
      {%- if tokens is not none and stringx_are_literals(wanted, tokens, markers if texts else none) -%}
        {%- set allowed.test = rendered -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- do context.update(before) -%}
  {{- return(allowed.test) -}}
{% endmacro %}


{% macro stringx_dbt_render_with(test, values, texts) %}
  {{- return(stringx_dbt_render(dict(test, own=stringx_dbt_put(test.own, texts)), stringx_dbt_put(values, texts))) -}}
{% endmacro %}


{#- A value with other texts in place of some, at any depth, and models for `{ref: model}`. -#}
{% macro stringx_dbt_put(value, texts, refs=false) %}
  {%- if value is string -%}
    {{- return(texts.get(value, value)) -}}
  {%- elif value.quote_policy is defined -%}{#- a relation, which is a mapping too -#}
    {{- return(value) -}}
  {%- elif refs and value is mapping and value | list == ['ref'] -%}
    {{- return(stringx_ref(value.ref)) -}}
  {%- elif value is mapping -%}
    {%- set items = {} -%}
    {%- for key, item in value.items() -%}{%- do items.update({key: stringx_dbt_put(item, texts, refs)}) -%}{%- endfor -%}
    {{- return(items) -}}
  {%- elif value is sequence -%}
    {%- set items = [] -%}
    {%- for item in value -%}{%- do items.append(stringx_dbt_put(item, texts, refs)) -%}{%- endfor -%}
    {{- return(items) -}}
  {%- endif -%}
  {{- return(value) -}}
{% endmacro %}


{#- Stands in for `statement` (and so for run_query): runs a statement only if it is the same without the doubtful text. -#}
{% macro stringx_dbt_guarded(name=none, fetch_result=false, auto_begin=true, language='sql') %}
  {%- set sql = caller() -%}
  {%- if execute -%}
    {%- set guard = context['stringx_guard'] -%}
    {%- if guard.known is none -%}
      {%- set safe = 'stringx_marker_' not in sql | lower -%}
      {%- do guard.seen.append(sql) -%}
    {%- else -%}
      {%- set safe = guard.at < guard.known | length and guard.known[guard.at] == sql -%}
      {%- do guard.update({'at': guard.at + 1}) -%}
    {%- endif -%}
    {%- if safe -%}
      {%- call guard.run(name, fetch_result=fetch_result, auto_begin=auto_begin, language=language) -%}{{ sql }}{%- endcall -%}
    {%- else -%}
      {%- do guard.update({'marked': true}) -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}


{#- Whether two statements differ only in the content of string literals. With `markers`, {text: marker}, the second must have exactly the text
    where the first has its marker. -#}
{% macro stringx_are_literals(wanted, tokens, markers) %}
  {%- if wanted | length != tokens | length -%}{{- return(false) -}}{%- endif -%}
  {%- for number in range(wanted | length) if wanted[number] != tokens[number] -%}
    {%- set kind = stringx_literal_kind(wanted[number]) -%}
    {%- if kind is none or kind != stringx_literal_kind(tokens[number]) -%}{{- return(false) -}}{%- endif -%}
    {%- if markers is not none -%}
      {%- if kind != "'" -%}{{- return(false) -}}{%- endif -%}
      {%- set meant = namespace(text=wanted[number][1:-1].replace("''", "'")) -%}
      {%- for text, marker in markers.items() -%}{%- set meant.text = meant.text.replace(marker, text) -%}{%- endfor -%}
      {%- if meant.text != tokens[number][1:-1].replace("''", "'") -%}{{- return(false) -}}{%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(true) -}}
{% endmacro %}


{#- How a token is quoted if it is a string literal: by a quote, by E and a quote, or by a dollar quote, which is returned. Otherwise none. -#}
{% macro stringx_literal_kind(token) %}
  {%- if token.startswith("'") -%}{{- return("'") -}}{%- endif -%}
  {%- if token[:2] in ("E'", "e'") -%}{{- return('E') -}}{%- endif -%}
  {%- if token.startswith('$') and token.count('$') > 1 -%}{{- return(modules.re.match('[$]\\w*[$]', token).group()) -}}{%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{#- The tokens of a statement as PostgreSQL reads it (standard_conforming_strings is on), without white space; none if a quote or
    comment is not closed, a comment is inside of a comment, or a string with escapes continues in another one. -#}
{% macro stringx_sql_tokens(sql) %}
  {%- set pattern -%}
(?sx) \s+
| --[^\n\r]*
| /\*(?:(?!/\*).)*?\*/ | /\*
| [eE]'(?:[^'\\]|\\.|'')*'
| [uU]&'(?:[^']|'')*' | [uU]&"(?:[^"]|"")*"
| [bBxXnN]'(?:[^']|'')*'
| '(?:[^']|'')*'
| "(?:[^"]|"")*"
| (?P<tag>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$).*?(?P=tag)
| [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*
| [0-9]+(?:[.][0-9]*)?(?:[eE][+-]?[0-9]+)?
| .
  {%- endset -%}
  {%- set tokens = [] -%}
  {%- for match in modules.re.finditer(pattern, sql) if not match.group().isspace() -%}
    {%- set token = match.group() -%}
    {%- set follows_escapes = tokens and tokens[-1][:2] in ("E'", "e'") and token.startswith("'") -%}
    {%- if token in ("'", '"', '/*', '$') or '\x00' in token or follows_escapes -%}{{- return(none) -}}{%- endif -%}
    {%- do tokens.append(token) -%}
  {%- endfor -%}
  {{- return(tokens) -}}
{% endmacro %}
