"""The page of Trino, followed to the letter on a cluster of the tests' own: from an Iceberg table to a gate that closes."""

import re
import subprocess
from pathlib import Path

from stringx_dataops.contract.settings import ROOT
from tests.support.service import Service
from tests.support.trino_server import Trino

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_an_iceberg_table_by_trino(service: Service, trino: Trino, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "trino.md").read_text(encoding="utf-8").partition("## The target\n")[0]
    cluster, start, load, check, check_again = BLOCK.findall(page)
    assert "CATALOG_MANAGEMENT=dynamic" in cluster
    assert "./start-service.sh --local --with trino" in start
    (tmp_path / "files").mkdir()
    other = {
        "8080": str(trino.port), "load.py": f"{tmp_path}/load.py", "shop.yml": f"{tmp_path}/shop.yml",
        "/data/trino": str(tmp_path / "files"),
    }  # fmt: skip

    environment = {name: value for name, value in service.environment.items() if not name.lower().endswith("_proxy")}

    def follow(block: str) -> subprocess.CompletedProcess[str]:
        for written, here in other.items():
            block = block.replace(written, here)
        command = ["bash", "-c", block]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False)

    try:
        made = follow(load)
        assert made.returncode == 0, made.stderr
        passed = follow(check)
        assert passed.returncode == 0, passed.stdout + passed.stderr + service.logs()
        assert "gate open" in passed.stdout
        failed = follow(check_again)
        assert failed.returncode == 1, failed.stdout + failed.stderr
        assert "gate closed" in failed.stdout
        assert re.search(r"order_id_unique: \d+ of [\d,]+ rows", failed.stdout)
    finally:
        for path in ("tables/shop/sales.orders", "targets/shop"):
            service.call("DELETE", f"{service.backend}/api/v1/{path}")
        trino.run("drop schema if exists shop.sales cascade", "drop catalog if exists shop")
