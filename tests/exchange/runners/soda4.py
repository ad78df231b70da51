"""Runs in an environment with soda-postgres 4: verifies each contract of standard input, and prints the outcomes."""

import json
import logging
import os
import sys

os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"
os.environ["OTEL_SDK_DISABLED"] = "true"

from soda_core.common.yaml import ContractYamlSource, DataSourceYamlSource
from soda_core.contracts.contract_verification import ContractVerificationSession

logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
answer, sys.stdout = sys.stdout, sys.stderr


def outcome(text):
    try:
        result = ContractVerificationSession.execute(
            contract_yaml_sources=[ContractYamlSource.from_str(text)],
            data_source_yaml_sources=[DataSourceYamlSource.from_str(given["configuration"])],
        )
    except Exception as error:
        return {"checks": [], "errors": [repr(error)[:500]]}
    checks = [
        (check.outcome.name, check.threshold_value)
        for contract in result.contract_verification_results
        for check in contract.check_results
    ]
    return {"checks": checks, "errors": result.get_errors() if hasattr(result, "get_errors") else []}


found = [outcome(text) for text in given["cases"]]
print(json.dumps(found, default=str), file=answer, flush=True)
