{#- One line for an error {sqlstate, message}, without a value of a row. The server's text is shown only for classes that quote names, not data, and only
    if there is one: run.sql leaves it out if a value caused the error. -#}
{% macro stringx_reason(error) %}
  {%- set class = error.sqlstate[:2] -%}
  {%- if error.sqlstate == '57014' -%}{{- return('it took longer than its share of the timeout') -}}{%- endif -%}
  {%- if error.sqlstate == '55P03' -%}{{- return('another session holds a lock on it longer than lock_timeout') -}}{%- endif -%}
  {%- if error.sqlstate == 'SX001' -%}{{- return(error.message) -}}{%- endif -%}
  {%- if error.message and class in ('08', '0A', '25', '3D', '3F', '40', '42', '53', '54', '55', '57') -%}
    {{- return(modules.re.sub('\\s+', ' ', error.message)[:300]) -}}
  {%- endif -%}
  {{- return(stringx_conditions().get(error.sqlstate, 'database error') ~ ' (SQLSTATE ' ~ error.sqlstate ~ ')') -}}
{% endmacro %}


{#- Names of the conditions of class 22, data exception, and of those about names that a value can cause (PostgreSQL
    documentation, appendix A). -#}
{% macro stringx_conditions() %}
  {{- return({
    '42601': 'syntax error', '42602': 'invalid name', '42703': 'undefined column', '42704': 'undefined object',
    '42725': 'ambiguous function', '42883': 'undefined function', '42P01': 'undefined table', '42501': 'insufficient privilege',
    '3D000': 'invalid catalog name', '3F000': 'invalid schema name',
    '22000': 'data exception', '2202E': 'array subscript error', '22021': 'character not in repertoire',
    '22008': 'datetime field overflow', '22012': 'division by zero', '22005': 'error in assignment',
    '2200B': 'escape character conflict', '22022': 'indicator overflow', '22015': 'interval field overflow',
    '2201E': 'invalid argument for logarithm', '22014': 'invalid argument for ntile function',
    '22016': 'invalid argument for nth_value function', '2201F': 'invalid argument for power function',
    '2201G': 'invalid argument for width_bucket function', '22018': 'invalid character value for cast',
    '22007': 'invalid datetime format', '22019': 'invalid escape character', '2200D': 'invalid escape octet',
    '22025': 'invalid escape sequence', '22P06': 'nonstandard use of escape character',
    '22010': 'invalid indicator parameter value', '22023': 'invalid parameter value',
    '22013': 'invalid preceding or following size', '2201B': 'invalid regular expression',
    '2201W': 'invalid row count in limit clause', '2201X': 'invalid row count in result offset clause',
    '2202H': 'invalid tablesample argument', '2202G': 'invalid tablesample repeat',
    '22009': 'invalid time zone displacement value', '2200C': 'invalid use of escape character',
    '2200G': 'most specific type mismatch', '22004': 'null value not allowed',
    '22002': 'null value without indicator parameter', '22003': 'numeric value out of range',
    '2200H': 'sequence generator limit exceeded', '22026': 'string data length mismatch',
    '22001': 'string data right truncation', '22011': 'substring error', '22027': 'trim error',
    '22024': 'unterminated C string', '2200F': 'zero-length character string',
    '22P01': 'floating point exception', '22P02': 'invalid text representation',
    '22P03': 'invalid binary representation', '22P04': 'bad copy file format', '22P05': 'untranslatable character',
    '22030': 'duplicate JSON object key value', '22032': 'invalid JSON text', '22033': 'invalid SQL/JSON subscript'
  }) -}}
{% endmacro %}
