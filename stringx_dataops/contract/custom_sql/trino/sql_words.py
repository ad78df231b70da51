"""Words of Trino's SQL by what custom SQL may do with them. What is not listed here is not called."""

# Functions that read nothing but their arguments and the clock, and whose result is about as long as what they are given.
ALLOWED_FUNCTIONS = frozenset(
    """
    abs acos asin atan atan2 beta_cdf bit_count bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_right_shift_arithmetic bitwise_xor cbrt ceil ceiling cos cosh degrees e exp floor infinity is_finite is_infinite
    is_nan ln log log10 log2 mod nan normal_cdf pi pow power radians round sign sin sinh sqrt tan tanh truncate width_bucket
    chr codepoint coalesce concat concat_ws crc32 from_base from_base64 from_hex from_utf8 greatest hamming_distance
    if least length levenshtein_distance lower ltrim luhn_check md5 murmur3 normalize nullif position regexp_count
    regexp_extract regexp_like regexp_position regexp_replace replace reverse rtrim sha1 sha256 sha512 soundex split split_part
    starts_with strpos substr substring to_base to_base64 to_hex to_utf8 translate trim try typeof upper url_decode url_encode
    url_extract_fragment url_extract_host url_extract_parameter url_extract_path url_extract_port url_extract_protocol
    url_extract_query xxhash64 at_timezone current_timestamp date date_add date_diff date_format date_parse date_trunc day
    day_of_month day_of_week day_of_year dow doy extract format_datetime from_iso8601_date from_iso8601_timestamp from_unixtime
    hour last_day_of_month localtime localtimestamp millisecond minute month now parse_datetime parse_duration quarter second
    timezone_hour timezone_minute to_iso8601 to_milliseconds to_unixtime week week_of_year with_timezone year year_of_week yow
    array_distinct array_join array_max array_min array_position arrays_overlap cardinality contains element_at
    is_json_scalar json_array_contains json_array_get json_array_length json_extract json_extract_scalar json_format json_parse
    json_size map_keys map_values
    """.split()
)
AGGREGATES = frozenset(
    """
    any_value approx_distinct approx_percentile arbitrary array_agg avg bitwise_and_agg bitwise_or_agg bitwise_xor_agg bool_and
    bool_or checksum corr count count_if covar_pop covar_samp every geometric_mean grouping kurtosis listagg max max_by min
    min_by regr_intercept regr_slope skewness stddev stddev_pop stddev_samp sum var_pop var_samp variance
    """.split()
)
WINDOWS = frozenset("cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number".split())
# Words that may stand before a parenthesis without calling anything: keywords, and types with a length or a precision.
BEFORE_PARENTHESIS = frozenset(
    """
    and or not in as then else when case between like is distinct from both leading trailing escape row
    cast try_cast decimal dec numeric varchar char character time timestamp array
    """.split()
)
IN_QUERY = frozenset(
    """
    all by cube except exists filter group having intersect join lateral limit offset on order over partition rollup select sets
    some any union unnest using values where with within cross inner
    """.split()
)
# What begins a statement, reads the session or what the text does not name, or is a query without SELECT.
REFUSED = frozenset(
    """
    alter analyze call comment commit create current_catalog current_path current_role current_schema current_user deallocate
    delete deny desc describe drop execute explain fetch final grant insert into json_table match_recognize measures merge
    pivot prepare qualify recursive refresh reset revoke rollback running set show start table tablesample truncate unpivot
    update use
    """.split()
)
ONLY_IN_QUERY = frozenset(
    """
    all any except exists filter group having intersect join limit offset order over select some union unnest values where window
    with within
    """.split()
)
# Of `order by … desc`.
ALSO_IN_QUERY = frozenset({"desc"})
# Functions and signs of PostgreSQL that Trino writes otherwise.
INSTEAD = {
    "ilike": "write lower(column) like '…'",
    "similar": "use regexp_like(column, pattern)",
    "isnull": "write is null",
    "notnull": "write is not null",
    "overlaps": "compare the bounds",
}
