"""Great Expectations in a process that has its context, connection pool and suites; results at the level BASIC."""

import great_expectations as gx
import great_expectations.expectations as gxe
from lines import Found, configuration, serve

given = configuration()
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_postgres("peers", connection_string=given["url"])
suite = context.suites.add(gx.ExpectationSuite(name="rules"))
for rule in given["rules"]:
    common = {"column": rule["column"], "meta": {"rule": rule["id"]}}
    match rule["type"]:
        case "not_null":
            suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(**common))
        case "accepted_values":
            suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(value_set=rule["arguments"]["values"], **common))
        case "unique":
            suite.add_expectation(gxe.ExpectColumnValuesToBeUnique(**common))
definitions = {}


def definition(table: str) -> gx.ValidationDefinition:
    if table not in definitions:
        batch = source.add_table_asset(table, table_name=table, schema_name="public").add_batch_definition_whole_table(table)
        definitions[table] = context.validation_definitions.add(gx.ValidationDefinition(name=table, data=batch, suite=suite))
    return definitions[table]


def check(table: str) -> Found:
    found = {}
    for one in definition(table).run(result_format="BASIC").results:
        if one.exception_info.get("raised_exception"):
            raise RuntimeError(str(one.exception_info))
        found[one.expectation_config.meta["rule"]] = (one.success, one.result["unexpected_count"])
    return found


serve(check)
