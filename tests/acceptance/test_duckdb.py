"""The page of DuckDB, followed to the letter once the service has started: from Parquet files to a gate that closes."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from stringx_dataops.contract.settings import ROOT
from tests.support.service import Service

Follow = Callable[[str], subprocess.CompletedProcess[str]]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_a_folder_of_parquet_files_in_one_minute(service: Service, tmp_path: Path) -> None:
    start, make_files, check, check_again, *_ = BLOCK.findall((ROOT / "docs" / "duckdb.md").read_text(encoding="utf-8"))
    assert "./start-service.sh --local --with duckdb" in start
    lake = Path(service.environment["DUCKDB_FOLDERS"])
    (lake / "orders").mkdir(parents=True)

    def follow(block: str) -> subprocess.CompletedProcess[str]:
        text = block.replace("/tmp/lake", str(lake)).replace("lake.yml", f"{tmp_path}/lake.yml")
        command = ["bash", "-c", text]
        return subprocess.run(
            command, cwd=ROOT, env=service.environment, capture_output=True, text=True, timeout=120, check=False
        )

    try:
        _follow_all(follow, service, make_files, check, check_again)
    finally:
        for path in ("tables/lake/sales.orders", "targets/lake"):
            service.call("DELETE", f"{service.backend}/api/v1/{path}")


def _follow_all(follow: Follow, service: Service, make_files: str, check: str, check_again: str) -> None:
    made = follow(make_files)
    assert made.returncode == 0, made.stderr
    passed = follow(check)
    assert passed.returncode == 0, passed.stdout + passed.stderr + service.logs()
    assert "gate open" in passed.stdout
    failed = follow(check_again)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "gate closed" in failed.stdout
    assert "order_id_unique: 100 of 300 rows" in failed.stdout
