"""Words of SQL by what a custom condition or query may do with them; `conditions` and `queries` judge by these lists."""

# Built-in functions that read nothing but their arguments and the clock. Extended by a target's `allow_functions`.
ALLOWED_FUNCTIONS = frozenset(
    """
    abs acos age ascii asin atan atan2 bit_length btrim cardinality cbrt ceil ceiling char_length
    character_length chr coalesce concat concat_ws cos cot current_time current_timestamp
    date_bin date_part date_trunc degrees div encode
    exp extract factorial floor format gcd greatest initcap isempty isfinite justify_days justify_hours
    justify_interval lcm least left length ln localtime localtimestamp
    log log10 lower lower_inc lower_inf lpad ltrim make_date
    make_interval make_time make_timestamp make_timestamptz md5 mod now nullif num_nonnulls num_nulls
    octet_length overlay pi position power radians regexp_count regexp_instr regexp_like regexp_replace
    regexp_substr repeat replace reverse right round row rpad rtrim scale sha224 sha256 sha384 sha512 sign sin
    split_part sqrt starts_with statement_timestamp clock_timestamp strpos substr substring tan to_char
    to_date to_number to_timestamp translate transaction_timestamp trim trim_scale trunc upper upper_inc
    upper_inf width_bucket array_length array_lower array_ndims array_position array_positions array_to_string
    array_upper json_array_length json_extract_path json_extract_path_text json_typeof jsonb_array_length
    like overlaps bpchar timestamptz timetz varbit
    jsonb_exists jsonb_extract_path jsonb_extract_path_text jsonb_path_exists jsonb_path_match jsonb_typeof
    """.split()
)
# Words that may stand before a parenthesis: PostgreSQL takes none of them for the name of a function (by pg_get_keywords()
# they are reserved, or names of columns only).
NO_CALL = frozenset(
    """
    and or not in as on any all some array between to when then else case end distinct
    from for cast symmetric both leading trailing using collate precision bit char
    character varchar numeric decimal dec float time timestamp interval
    """.split()
) | {"similar to", "character varying", "char varying"}
# Words that may be the name of a function, and stand before a parenthesis only where `calls` finds another use of them.
NO_CALL_BY_GRAMMAR = frozenset("ilike zone varying".split())
REFUSED_WORDS = frozenset(
    """
    select insert update delete merge create drop alter truncate grant revoke copy execute prepare call do
    begin commit rollback lock set reset listen notify load vacuum analyze explain into union intersect except
    with values exists table returning window over filter
    """.split()
)

AGGREGATES = frozenset(
    """
    count sum avg min max stddev stddev_samp stddev_pop variance var_samp var_pop bool_and bool_or every bit_and bit_or
    string_agg array_agg json_agg jsonb_agg any_value mode percentile_cont percentile_disc corr covar_pop covar_samp
    regr_slope regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_sxy regr_syy grouping
    """.split()
)
AGGREGATE_WORDS = frozenset({"filter", "over"})  # before a parenthesis by the grammar, too
WORDS_BEFORE_LISTS = frozenset({"group", "group by", "order by", "partition by", "grouping sets"})  # `group` of `within group`

# A query may call these too: they read what it reads.
QUERY_FUNCTIONS = (ALLOWED_FUNCTIONS | AGGREGATES) | frozenset(
    """
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    generate_series generate_subscripts unnest
    """.split()
)
QUERY_NO_CALL = (
    NO_CALL
    | WORDS_BEFORE_LISTS
    | frozenset(
        """
    select where having lateral values exists union intersect except limit offset with window
    """.split()
    )
)
QUERY_NO_CALL_BY_GRAMMAR = NO_CALL_BY_GRAMMAR | frozenset("filter over join first next rollup cube materialized".split())
QUERY_REFUSED_WORDS = REFUSED_WORDS - frozenset("select union intersect except with values exists window over filter".split())

# What PostgreSQL takes for no column without quotes: the words of classes R and T of pg_get_keywords().
RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
    foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps
    placing primary references returning right select session_user similar some symmetric system_user table
    tablesample then to trailing true union unique user using variadic verbose when where window with
    """.split()
)
