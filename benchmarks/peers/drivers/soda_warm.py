"""Soda Core in a process that keeps its connection open; the contract is read at each verification, as its API has it."""

from pathlib import Path

from lines import Found, configuration, serve
from soda_core.common.data_source_impl import DataSourceImpl
from soda_core.common.yaml import DataSourceYamlSource
from soda_core.contracts import verify_contract_locally

folder = Path(configuration()["project"])
source = DataSourceImpl.from_yaml_source(DataSourceYamlSource.from_file_path(str(folder / "source.yml")))
source.open_connection()
COUNTS = ("missing_count", "invalid_count", "duplicate_count")


def check(table: str) -> Found:
    answer = verify_contract_locally(data_sources=[source], contract_file_path=str(folder / f"{table}.yml"))
    if answer.has_errors:
        raise RuntimeError(answer.get_errors_str())
    found = {}
    for one in (one for contract in answer.contract_verification_results for one in contract.check_results):
        if not one.is_passed and not one.is_failed:
            raise RuntimeError(f"{one.check.name}: {one.outcome.name}")
        found[one.check.name] = (one.is_passed, one.threshold_value)
    return found


serve(check)
