"""Runs beside the package that has ODCS's JSON Schema: standard input has contracts as YAML; the answer has the faults of each."""

import json
import sys
from importlib.resources import files

import yaml
from jsonschema import Draft201909Validator

SCHEMA = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
validator = Draft201909Validator(SCHEMA)
json.dump(
    [[error.message[:300] for error in validator.iter_errors(yaml.safe_load(text))] for text in json.load(sys.stdin)], sys.stdout
)
