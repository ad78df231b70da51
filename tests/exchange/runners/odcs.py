"""Runs in datacontract-cli's own environment: standard input has contracts as YAML and who reads the data; the answer has, of each
contract, the results of its checks."""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

from datacontract.data_contract import DataContract


def answer(text: str) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "contract.yaml")
        file.write_text(text)
        run = DataContract(data_contract_file=str(file), server="s").test()
    return [{"type": check.type, "result": str(check.result.value), "reason": str(check.reason)} for check in run.checks]


given = json.load(sys.stdin)
os.environ |= {"DATACONTRACT_POSTGRES_USERNAME": given["user"], "DATACONTRACT_POSTGRES_PASSWORD": given["password"]}
with contextlib.redirect_stdout(sys.stderr):
    answers = [answer(text) for text in given["contracts"]]
json.dump(answers, sys.stdout)
