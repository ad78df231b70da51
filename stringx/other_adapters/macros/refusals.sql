{#- Rules that the engine would decide otherwise than PostgreSQL, or not at all, are not run. A document may be older than its target's engine, so what is refused when a rule is
    configured is refused here again. -#}


{#- {rule_key: why the rule is not run}. -#}
{% macro stringx_refusals(spec, relations, facts) %}
  {%- set refused = {} -%}
  {%- for table in spec.tables -%}
    {%- set number, relation = loop.index0, stringx_name(table.schema) ~ '.' ~ stringx_name(table.name) -%}
    {%- set of_window = stringx_refused_column(table.window.column, facts[relation], stringx_sorted_families(), 'a window') if table.get('window') else none -%}
    {%- for rule in table.rules if relations[relation].reason is none -%}
      {%- set words = rule.get('fault') or stringx_refused(rule, facts[relation], facts) or (of_window if rule.get('windowed', true) else none) -%}
      {%- do refused.update({number ~ '/' ~ loop.index0: words}) if words -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do refused.update(stringx_refused_conditions(spec, relations, refused)) -%}
  {{- return(refused) -}}
{% endmacro %}


{#- The families whose values documents may name, and that compare as PostgreSQL's do. -#}
{% macro stringx_plain_families() %}
  {{- return(['integer', 'decimal', 'float', 'text', 'boolean', 'date', 'timestamp', 'time', 'uuid']) -}}
{% endmacro %}


{#- Why a rule is not run, or none. `types` are the facts of its table's columns, `facts` those of all relations. -#}
{% macro stringx_refused(rule, types, facts) %}
  {%- if 'stringx_rule__' ~ rule.type not in context -%}{{- return('rules of the type ' ~ rule.type ~ ' are not available on ' ~ stringx_engine()) -}}{%- endif -%}
  {%- if rule.get('per') and 'stringx_grouped' not in context -%}{{- return('rules cannot be decided for each group (per) on ' ~ stringx_engine()) -}}{%- endif -%}
  {%- set families, arguments, type = stringx_families_of_type(rule), rule.arguments, rule.type -%}
  {%- set globs = rule.get('column_globs', {}) -%}
  {%- set columns = [] -%}
  {%- for column in rule.columns -%}
    {%- if column not in globs -%}{%- do columns.append(column) -%}
    {%- else -%}{%- for name in types if modules.re.match(globs[column], name) -%}{%- do columns.append(name) -%}{%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if type in ('expression', 'sql') -%}{%- set columns = [] -%}{%- endif -%}
  {%- set words = stringx_refused_by_engine(rule, columns, types) -%}
  {%- if words -%}{{- return(words) -}}{%- endif -%}
  {%- for column in columns -%}
    {%- set words = stringx_refused_column(column, types, families, type) -%}
    {%- if words -%}{{- return(words) -}}{%- endif -%}
  {%- endfor -%}
  {%- for column in rule.get('per', []) -%}
    {%- set words = stringx_refused_column(column, types, stringx_plain_families() + ['enum'], 'per') -%}
    {%- if words -%}{{- return(words) -}}{%- endif -%}
  {%- endfor -%}
  {%- for condition, names in rule.get('named', {}).items() -%}
    {%- set about = types if condition in ('where', 'sql') else facts.get(stringx_relation(arguments.get('to_table') or arguments.get('other_table')), types) -%}
    {%- set folded = [] -%}
    {%- for column in about -%}{%- do folded.append(stringx_folded(column)) -%}{%- endfor -%}
    {%- for name in names if stringx_folded(name) not in folded -%}{{- return('column "' ~ name ~ '" does not exist') -}}{%- endfor -%}
  {%- endfor -%}
  {%- if type == 'monotonic' -%}
    {%- for names in (arguments.order_by, arguments.get('partition_by') or []) -%}
      {%- for column in ([names] if names is string else names) -%}
        {%- set words = stringx_refused_column(column, types, stringx_sorted_families(), type) -%}
        {%- if words -%}{{- return(words) -}}{%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- elif type in ('compare', 'max_lag') -%}
    {{- return(stringx_refused_pair(columns[0], types, arguments.other_column, types, families, type)) -}}
  {%- elif type == 'correlation' -%}
    {{- return(stringx_refused_column(arguments.other_column, types, families, type)) -}}
  {%- elif type == 'relationship' -%}
    {%- set others = facts.get(stringx_relation(arguments.to_table), {}) -%}
    {%- set to_columns = stringx_referenced(rule) -%}
    {%- for column in columns if others -%}
      {%- set words = stringx_refused_pair(column, types, to_columns[loop.index0], others, families, type) -%}
      {%- if words -%}{{- return(words) -}}{%- endif -%}
    {%- endfor -%}
  {%- elif type == 'compare_rows' -%}
    {%- set others, key = facts.get(stringx_relation(arguments.other_table), {}), [arguments.key] if arguments.key is string else arguments.key -%}
    {%- for column in key + (columns | reject('in', key) | list) if others -%}
      {%- set words = stringx_refused_pair(column, types, column, others, families if column not in key else stringx_sorted_families() + ['enum'], type) -%}
      {%- if words -%}{{- return(words) -}}{%- endif -%}
    {%- endfor -%}
  {%- elif type == 'aggregate_matches' -%}
    {%- set others, other_column = facts.get(stringx_relation(arguments.other_table), {}), arguments.get('other_column') or columns[0] -%}
    {%- set words = stringx_refused_column(other_column, others, families, type) if others else none -%}
    {%- if words -%}{{- return(words) -}}{%- endif -%}
    {%- for fact in (types[columns[0]], others.get(other_column)) if arguments.function in ('min', 'max') and fact and fact.family not in ('integer', 'decimal', 'float') -%}
      {{- return(type ~ ' means nothing for the ' ~ arguments.function ~ ' of a column of type ' ~ fact.type) -}}
    {%- endfor -%}
  {%- elif type == 'distribution' -%}
    {%- if arguments.test == 'ks' or 'against' in arguments -%}{{- return(stringx_other_distribution(rule, none, none).fault) -}}{%- endif -%}
    {%- if 'bins' in arguments and types[columns[0]].family not in ('integer', 'decimal', 'float', 'date', 'timestamp', 'time') -%}
      {{- return('on ' ~ stringx_engine() ~ ' bins mean nothing for a column of type ' ~ types[columns[0]].type ~ ': ' ~ columns[0]) -}}
    {%- endif -%}
  {%- elif type == 'regex' -%}
    {{- return(stringx_refused_pattern(arguments.pattern)) -}}
  {%- elif type in ('change', 'unusual') and arguments.of is mapping -%}
    {{- return(stringx_refused_column(arguments.of.column, types, ['integer', 'decimal', 'float'] if arguments.of.function in ('min', 'max') else stringx_families_of_aggregate(arguments.of.function), type)) -}}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{#- A name with letters of ASCII in lower case. DuckDB takes names for one that differ in the case of these alone; on Trino all names are in lower case. -#}
{% macro stringx_folded(name) %}
  {{- return(name.translate(name.maketrans('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'))) -}}
{% endmacro %}


{#- Why a type is not decided for a column, or none: the column does not exist under just this name, or its type has no meaning here. Families are none for all. -#}
{% macro stringx_refused_column(column, types, families, type) %}
  {%- if column not in types -%}{{- return('column "' ~ column ~ '" does not exist') -}}{%- endif -%}
  {%- if families is not none and types[column].family not in families -%}
    {{- return('on ' ~ stringx_engine() ~ ' ' ~ type ~ ' means nothing for a column of type ' ~ types[column].type[:100] ~ ': ' ~ column) -}}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{#- The same for two columns that are compared: numbers with numbers, moments with moments, otherwise the same family. The engine compares no others, or casts one to the
    other's type, which PostgreSQL does not. -#}
{% macro stringx_refused_pair(column, types, other, other_types, families, type) %}
  {%- set words = stringx_refused_column(column, types, families, type) or stringx_refused_column(other, other_types, families, type) -%}
  {%- if words -%}{{- return(words) -}}{%- endif -%}
  {%- set alike = {'integer': 'number', 'decimal': 'number', 'float': 'number', 'date': 'moment', 'timestamp': 'moment'} -%}
  {%- set one, two = types[column].family, other_types[other].family -%}
  {%- if alike.get(one, one) != alike.get(two, two) -%}
    {{- return(type ~ ' compares ' ~ types[column].type[:50] ~ ' with ' ~ other_types[other].type[:50] ~ ': ' ~ column ~ ' and ' ~ other) -}}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{#- The families of the columns that a rule's type takes here; none for all. What PostgreSQL and an engine write, compare or count differently is not among them: intervals,
    nested values, JSON, and texts of floating point numbers and of moments. -#}
{% macro stringx_families_of_type(rule) %}
  {%- set plain, type, arguments = stringx_plain_families(), rule.type, rule.arguments -%}
  {%- if type in ('accepted_values', 'rejected_values') and not arguments.get('case_sensitive', true) -%}{{- return(['text', 'enum', 'uuid', 'integer', 'boolean', 'date']) -}}{%- endif -%}
  {%- if type in ('accepted_values', 'rejected_values', 'distinct_values', 'most_common_value', 'distribution', 'relationship') -%}{{- return(plain + ['enum']) -}}{%- endif -%}
  {%- if type in ('unique', 'compare_rows') -%}{{- return(plain + ['enum', 'bytes']) -}}{%- endif -%}
  {%- if type in ('between', 'compare', 'monotonic') -%}{{- return(plain) -}}{%- endif -%}
  {%- if type == 'not_blank' -%}{{- return(plain + ['enum', 'bytes', 'array', 'interval']) -}}{%- endif -%}
  {%- if type == 'length' -%}{{- return(['text', 'bytes', 'array']) -}}{%- endif -%}
  {%- if type in ('regex', 'like') -%}{{- return(['text', 'integer', 'decimal', 'boolean', 'date', 'uuid', 'enum']) -}}{%- endif -%}
  {%- if type == 'format' -%}{{- return(['text', 'integer', 'date', 'uuid', 'enum']) -}}{%- endif -%}
  {%- if type in ('freshness', 'not_in_future', 'max_lag', 'no_gaps') -%}{{- return(['date', 'timestamp']) -}}{%- endif -%}
  {%- if type in ('outliers', 'quantiles', 'correlation') -%}{{- return(['integer', 'decimal', 'float']) -}}{%- endif -%}
  {%- if type in ('aggregate', 'aggregate_matches') -%}{{- return(stringx_families_of_aggregate(arguments.function)) -}}{%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{% macro stringx_families_of_aggregate(function) %}
  {%- if function in ('sum', 'avg', 'stddev', 'median', 'percentile') -%}{{- return(['integer', 'decimal', 'float']) -}}{%- endif -%}
  {%- if function == 'age' -%}{{- return(['date', 'timestamp']) -}}{%- endif -%}
  {%- if function in ('min', 'max') -%}{{- return(['integer', 'decimal', 'float', 'text', 'date', 'timestamp', 'time']) -}}{%- endif -%}
  {%- if function in ('distinct_count', 'distinct_ratio') -%}{{- return(stringx_plain_families() + ['enum', 'bytes']) -}}{%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{#- Why a regular expression is not run, or none: it has something that PostgreSQL and the engines read differently. The same expression is in
    stringx_dataops/contract/custom_sql/common_patterns.py, which refuses the pattern when it is configured. -#}
{% macro stringx_refused_pattern(pattern) %}
  {%- if modules.re.fullmatch(stringx_common_pattern(), pattern) -%}{{- return(none) -}}{%- endif -%}
  {{- return('argument pattern: it has something that PostgreSQL and ' ~ stringx_engine() ~ ' read differently (docs/engines.md)') -}}
{% endmacro %}


{#- Characters, escaped punctuation, \d and white space by name, brackets of plain characters and ranges; groups; alternatives; anchors; quantifiers up to 255. -#}
{% macro stringx_common_pattern() %}
  {%- set inside = "(?:[^\\\\\\[\\]^-]|\\\\[\\\\\\]\\[^.$*+?(){}|/-])" -%}
  {%- set bracket = "\\[\\^?" ~ inside ~ "(?:-" ~ inside ~ ")?(?:" ~ inside ~ "(?:-" ~ inside ~ ")?)*-?\\]" -%}
  {%- set atom = "(?:[^\\\\\\[\\](){}|*+?^$]|\\\\[\\\\\\]\\[^.$*+?(){}|/dtnrfv-]|" ~ bracket ~ "|\\))" -%}
  {%- set times = "(?:[*+?]|\\{(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])(?:,(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])?)?\\})" -%}
  {{- return("(?:" ~ atom ~ "(?:" ~ times ~ "\\??)?(?![*+?{])|\\((?:\\?:)?(?![*+?{])|\\|(?![*+?{])|[\\^$](?![*+?{]))*") -}}
{% endmacro %}
