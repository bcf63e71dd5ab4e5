/**
 * Functions that a statement may call: deterministic or harmlessly random, without side effects, and without a way to files, network,
 * environment, settings, catalogs or other SQL text. Anything else is refused, in reads and in writes.
 */
const ALLOWED = new Set(
  `
  abs acos acosh add any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min array_agg array_append array_concat
  array_contains array_distinct array_extract array_has array_has_all array_has_any array_intersect array_length array_position
  array_prepend array_reverse_sort array_slice array_sort array_to_string array_unique ascii asin asinh atan atan2 atanh avg
  base64 bin bit_and bit_count bit_length bit_or bit_xor bool_and bool_or
  cardinality cbrt ceil ceiling century char_length character_length chr coalesce concat concat_ws contains corr cos cosh cot count
  count_if covar_pop covar_samp cume_dist current_date current_timestamp
  damerau_levenshtein date_add date_diff date_part date_sub date_trunc datediff datepart datetrunc day dayname dayofmonth dayofweek
  dayofyear decade decode degrees dense_rank divide
  element_at encode ends_with entropy epoch epoch_ms era even exp
  factorial favg filter first first_value flatten floor fmod format from_base64 from_hex fsum
  gamma gcd generate_series geometric_mean greatest grouping group_concat
  hamming hash hex histogram hour
  if ifnull instr isfinite isinf isnan isodow isoyear
  jaccard jaro_similarity jaro_winkler_similarity json_array json_array_length json_contains json_exists json_extract
  json_extract_string json_keys json_object json_type json_valid
  kurtosis
  lag last last_day last_value lcase lcm lead least left len length levenshtein lgamma list_aggregate list_concat list_contains
  list_distinct list_extract list_filter list_max list_min list_reduce list_reverse list_slice list_sort list_sum list_transform
  list_unique ln log log10 log2 lower lpad ltrim
  mad make_date make_time make_timestamp map map_concat map_entries map_extract map_from_entries map_keys map_values max max_by md5
  mean median microsecond millisecond min min_by minute mod mode month monthname multiply
  now nth_value ntile nullif
  octet_length ord
  percent_rank pi position pow power prefix printf product
  quantile quantile_cont quantile_disc quarter
  radians random range rank regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array
  regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse right round row
  row_number rpad rtrim
  second sem sha1 sha256 sign sin sinh skewness split split_part sqrt starts_with stddev stddev_pop stddev_samp strftime string_agg
  string_split strip_accents strlen strpos strptime substr substring subtract suffix sum
  tan tanh time_bucket timezone to_base64 to_days to_hex to_hours to_json to_minutes to_months to_seconds to_timestamp to_weeks to_years
  today translate trim trunc try_strptime typeof
  ucase unhex unicode unnest upper url_decode url_encode uuid
  var_pop var_samp variance
  week weekday weekofyear width_bucket
  xor
  year yearweek
  `
    .trim()
    .split(/\s+/),
)

/** Functions of Presto and Trino that DuckDB has under another name, with the same arguments. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['approx_distinct', 'approx_count_distinct'],
  ['approx_percentile', 'approx_quantile'],
  ['array_join', 'array_to_string'],
  ['array_max', 'list_max'],
  ['array_min', 'list_min'],
  ['codepoint', 'ord'],
  ['day_of_month', 'dayofmonth'],
  ['day_of_week', 'isodow'],
  ['day_of_year', 'dayofyear'],
  ['from_unixtime', 'to_timestamp'],
  ['json_extract_scalar', 'json_extract_string'],
  ['levenshtein_distance', 'levenshtein'],
  ['rand', 'random'],
  ['reduce', 'list_reduce'],
  ['regexp_like', 'regexp_matches'],
  ['regexp_split', 'regexp_split_to_array'],
  ['sequence', 'generate_series'],
  ['to_unixtime', 'epoch'],
  ['transform', 'list_transform'],
  ['truncate', 'trunc'],
  ['week_of_year', 'week'],
])

/** What the engine calls the function, or undefined when no statement may call it. */
export function engineFunction(name: string): string | undefined {
  const renamed = RENAMED.get(name) ?? name
  return RENAMED.has(name) || ALLOWED.has(renamed) ? renamed : undefined
}
