"""Runs in datacontract-cli's own environment: standard input has contracts as YAML; the answer has, of each, the result of every check,
and the faults by the JSON Schema of ODCS 3.1."""

import json
import sys
import tempfile
from pathlib import Path

import yaml
from datacontract.data_contract import DataContract
from jsonschema import Draft201909Validator

SCHEMA = json.loads(Path(sys.prefix, "odcs-3.1", "open_data_contract_standard", "schema.json").read_text())


def answer(text: str, runs: bool) -> dict[str, object]:
    faults = [error.message[:300] for error in Draft201909Validator(SCHEMA).iter_errors(yaml.safe_load(text))]
    if not runs:
        return {"faults": faults, "checks": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "contract.yaml")
        file.write_text(text)
        run = DataContract(data_contract_file=str(file), server="s").test()
    checks = [
        {"key": check.key, "type": check.type, "result": str(check.result.value), "reason": check.reason} for check in run.checks
    ]
    return {"faults": faults, "checks": checks}


given = json.load(sys.stdin)
json.dump([answer(text, given["runs"]) for text in given["contracts"]], sys.stdout)
