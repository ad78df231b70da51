{#- Looks up what a plan needs to know. Returns the state of the target, with the keys that the gate test reads (stringx/macros/engines/postgres/probe.sql). Iceberg's tables are read at the
    snapshot that is found here, by all statements. -#}
{% macro stringx_probe(spec, wanted, is_new) %}
  {%- set version = adapter.stringx_begin(spec.statement_timeout_ms | int) -%}
  {%- set relations, facts, seen = {}, {}, adapter.stringx_look_up(wanted.relations) -%}
  {%- for relation in wanted.relations -%}
    {%- set found = seen[loop.index0] -%}
    {%- set reason = stringx_reason(found.error) if found.error else none -%}
    {%- do facts.update({relation: stringx_facts(found['columns'] or [])}) -%}
    {%- do relations.update({relation: {'name': relation, 'locked': true, 'reason': reason, 'place': loop.index, 'members': 1, 'foreign': [], 'files': none, 'hidden': false,
                                        'note': found.note}}) -%}
  {%- endfor -%}
  {{- return({'server_version': version * 10000, 'relations': relations, 'facts': facts, 'parallel': false, 'path': none, 'odd': {},
              'renamed': false, 'shape': none, 'broken': [], 'called': stringx_refusals(spec, relations, facts), 'standby': none}) -}}
{% endmacro %}


{#- {column: fact} from the names and types of a relation's columns. A fact has the keys of PostgreSQL's (stringx/macros/engines/postgres/types.sql), and `padded`, whether blanks fill its texts;
    `sorts`, whether Trino sorts it. -#}
{% macro stringx_facts(columns) %}
  {%- set facts = {} -%}
  {%- for name, type in columns -%}
    {%- set family = stringx_family(type) -%}
    {%- do facts.update({name: {'type': type, 'cast': '', 'family': family, 'schema': none, 'operators': [], 'padded': type.startswith('char'),
                                'sorts': family not in ('json', 'array', 'composite', 'other')}}) -%}
  {%- endfor -%}
  {{- return(facts) -}}
{% endmacro %}


{% macro stringx_family(type) %}
  {%- if type.startswith('array(') -%}{{- return('other' if type.startswith('array(array(') else 'array') -}}{%- endif -%}
  {%- if type.startswith('time') -%}
    {{- return('timestamp' if type.startswith('timestamp') else 'time' if not type.endswith('with time zone') else 'other') -}}
  {%- endif -%}
  {{- return({
    'tinyint': 'integer', 'smallint': 'integer', 'integer': 'integer', 'bigint': 'integer', 'decimal': 'decimal', 'real': 'float', 'double': 'float', 'boolean': 'boolean', 'varchar': 'text',
    'char': 'text', 'date': 'date', 'uuid': 'uuid', 'varbinary': 'bytes', 'json': 'json', 'row': 'composite', 'map': 'composite', 'interval day to second': 'interval',
    'interval year to month': 'interval'
  }.get(type.split('(')[0], 'other')) -}}
{% endmacro %}
