"""The container's health check knows each role that serves HTTP by what process 1 has become."""

import re

from launch import health
from stringx_dataops.contract.settings import ROOT


def test_each_role_that_serves_http_is_asked() -> None:
    served = re.findall(r'"(\w+\.app:create_app\(\))"', (ROOT / "launch" / "roles.py").read_text(encoding="utf-8"))
    assert {health._role(argument) for argument in served} == {"api", "backend", "docs"}
    assert health._role("/var/lib/stringx/run/supervisord.conf") == "all"
    assert health._role("api.worker.main") == "other"
