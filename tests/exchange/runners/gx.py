"""Runs in an environment with great_expectations 0.18 or 1: validates the suites of standard input, and prints their results."""

import json
import logging
import sys
import warnings

import great_expectations as gx

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
answer, sys.stdout = sys.stdout, sys.stderr
OLD = gx.__version__.startswith("0.")
context = gx.get_context(mode="ephemeral")
sources = context.sources if OLD else context.data_sources
source = sources.add_postgres("pg", connection_string=given["address"])


def validated(table, expectations):
    asset = source.add_table_asset(f"asset_{table}", table_name=table, schema_name="public")
    if not OLD:
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        suite = context.suites.add(gx.ExpectationSuite(name=f"suite_{table}", expectations=expectations))
        return batch.validate(suite).results
    results, left = [], expectations
    while left:  # a suite of 0.18 replaces an expectation by one of the same kind about the same columns
        suite, later = gx.core.ExpectationSuite(f"suite_{table}_{len(left)}"), []
        for each in left:
            made = gx.core.ExpectationConfiguration(each["expectation_type"], each["kwargs"], each["meta"])
            if suite.find_expectation_indexes(made, match_type="domain"):
                later.append(each)
            else:
                suite.add_expectation(made, match_type="domain")
        validator = context.get_validator(batch_request=asset.build_batch_request(), expectation_suite=suite)
        results += validator.validate(only_return_failures=False).results
        left = later
    return results


found = {}
for table, expectations in given["suites"].items():
    for result in validated(table, expectations):
        config = result.expectation_config
        details = result.result or {}
        found[config.meta["case"]] = {
            "success": bool(result.success),
            "unexpected": details.get("unexpected_count"),
            "observed": str(details.get("observed_value"))[:200],
            "raised": str(result.exception_info)[:600]
            if "'raised_exception': True" in str(result.exception_info)
            or '"raised_exception": true' in str(result.exception_info)
            else None,
        }
print(json.dumps(found, default=str), file=answer, flush=True)
