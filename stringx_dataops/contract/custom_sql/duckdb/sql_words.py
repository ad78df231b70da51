"""Words of DuckDB's SQL by what custom SQL may do with them. What is not listed here is not called."""

# Functions that read nothing but their arguments and the clock, and whose result is about as long as what they are given.
ALLOWED_FUNCTIONS = frozenset(
    """
    abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees even exp fdiv floor fmod gamma gcd greatest isfinite isinf
    isnan lcm least ln log log10 log2 mod pi pow power radians round round_even sign signbit sin sqrt tan trunc xor ascii
    bit_length chr coalesce concat concat_ws contains damerau_levenshtein editdist3 ends_with hamming ifnull instr jaccard
    jaro_similarity jaro_winkler_similarity left len length lcase levenshtein lower ltrim md5 nullif octet_length ord position
    prefix regexp_extract regexp_full_match regexp_matches regexp_replace replace reverse right rtrim sha1 sha256 split_part
    starts_with strip_accents strlen strpos substr substring suffix translate trim ucase unicode upper char_length
    character_length age century date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
    dayofmonth dayofweek dayofyear decade epoch epoch_ms epoch_ns epoch_us era extract hour isodow isoyear julian last_day
    make_date make_time make_timestamp make_timestamptz microsecond millennium millisecond minute month monthname now quarter
    second strftime strptime time_bucket today to_centuries to_days to_decades to_hours to_microseconds to_milliseconds
    to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years try_strptime week weekday weekofyear year
    yearweek array_contains array_has array_length cardinality json_array_length json_contains json_exists json_type
    json_valid list_contains list_has typeof
    """.split()
)
AGGREGATES = frozenset(
    """
    any_value arg_max arg_min approx_count_distinct avg bit_and bit_or bit_xor bool_and bool_or corr count count_if countif
    count_star covar_pop covar_samp entropy favg fsum kurtosis mad max max_by mean median min min_by mode product quantile
    quantile_cont quantile_disc skewness stddev stddev_pop stddev_samp sum var_pop var_samp variance
    """.split()
)
WINDOWS = frozenset(
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number".split()
)
# Words that may stand before a parenthesis without calling anything.
BEFORE_PARENTHESIS = frozenset(
    """
    and or not in as then else when case between like ilike similar to is distinct from both leading trailing using escape
    cast try_cast interval decimal dec numeric bit
    """.split()
)
# Types whose length DuckDB reads and does not keep to.
TEXT_TYPES = frozenset(("varchar", "char", "character", "bpchar", "text", "string", "nvarchar", "varying"))
IN_QUERY = frozenset(
    """
    all any by cube except exists filter group grouping having intersect join lateral limit materialized offset on order over
    partition qualify recursive rollup select sets some unique union values where with within left right full inner outer
    cross semi anti asof
    """.split()
)
# What begins a statement, reads what the text does not name, or is a query without SELECT.
REFUSED = frozenset(
    """
    alter analyze attach begin call checkpoint columns commit comment copy create deallocate delete desc describe detach do
    drop execute explain export grant import insert install into lambda listen load macro merge pivot pivot_wider pivot_longer
    pragma prepare reset revoke rollback set show summarize table transaction truncate unpivot update upsert use vacuum
    """.split()
)
ONLY_IN_QUERY = frozenset(
    """
    all any array except exists filter group having intersect join limit offset order over qualify select some union values
    where window with
    """.split()
)
# Of `order by … desc`, and of a frame.
ALSO_IN_QUERY = frozenset({"desc"})
