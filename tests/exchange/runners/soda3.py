"""Runs in an environment with soda-core-postgres 3: each SodaCL text of standard input by a scan of its own, and prints the outcomes."""

import json
import logging
import sys

from soda.scan import Scan

logging.disable(logging.CRITICAL)


def outcome(configuration, text):
    scan = Scan()
    scan.set_data_source_name("pg")
    scan.add_configuration_yaml_str(configuration)
    scan.add_sodacl_yaml_str(text)
    scan.disable_telemetry()
    scan.execute()
    checks = [(check["outcome"], check["diagnostics"].get("value")) for check in scan.get_scan_results()["checks"]]
    return {"checks": checks, "errors": [log.message for log in scan.get_error_logs()]}


given = json.load(sys.stdin)
found = [outcome(given["configuration"], text) for text in given["cases"]]
print(json.dumps(found, default=str))
