"""dbt by itself: a project with the same rules as native tests on so many sources, a file each, as it reads changes fastest."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from api.engine.command import dbt_executable
from benchmarks.scale import subject
from benchmarks.scale.sides import Side
from tests.support.databases import Target

_PROJECT = "name: native\nversion: '1.0'\nconfig-version: 2\nprofile: native\n"


def measure(side: Side, tables: int, limit_s: float) -> dict[str, Any]:
    """Seconds and MB of each step; a step that takes longer than the limit ends the row."""
    folder = side.installation.folder / f"native-{tables}"
    _write(folder, side.installation.target, tables)
    one = folder / "models" / "model.yml"
    row: dict[str, Any] = {"tables": tables, "tests": tables * len(subject.rules())}
    steps = {
        "parse": ["parse", "--no-partial-parse"],
        "parse_one_changed": ["parse"],
        "test_one": ["test", "--select", "source:shop.model"],
    }
    for name, arguments in steps.items():
        if name == "parse_one_changed":
            one.write_text(
                one.read_text(encoding="utf-8").replace("tables:", "description: changed\n  tables:"), encoding="utf-8"
            )
        seconds, megabytes, code = _run(folder, arguments, limit_s)
        if code != 0:
            row[name] = f"over {limit_s:.0f} s"
            break
        row |= {f"{name}_s": round(seconds, 1), f"{name}_peak_mb": megabytes}
    shutil.rmtree(folder)
    return row


def extrapolate(rows: list[dict[str, Any]], tables: int) -> dict[str, Any]:
    """Along the line through the two largest that ran; nothing here was measured."""
    low, high = [row for row in rows if "test_one_s" in row][-2:]
    found: dict[str, Any] = {"tables": tables, "tests": tables * len(subject.rules()), "extrapolated": True}
    for name in high:
        if name not in ("tables", "tests"):
            slope = (high[name] - low[name]) / (high["tables"] - low["tables"])
            found[name] = round(high[name] + slope * (tables - high["tables"]))
    return found


def _write(folder: Path, target: Target, tables: int) -> None:
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(_PROJECT, encoding="utf-8")
    output = {
        "type": "postgres", "host": target.host, "port": target.port, "user": target.user, "password": target.password,
        "dbname": target.dbname, "schema": "public", "threads": 4,
    }  # fmt: skip
    profile = {"native": {"target": "shop", "outputs": {"shop": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    text = yaml.safe_dump({"version": 2, "sources": [{"name": "shop", "schema": "public", "tables": [subject.source("model")]}]})
    for number in range(tables):
        name = f"t_{number:05}" if number else "model"
        (folder / "models" / f"{name}.yml").write_text(text.replace("name: model", f"name: {name}"), encoding="utf-8")


def _run(folder: Path, arguments: list[str], limit_s: float) -> tuple[float, int, int]:
    command = [dbt_executable(), "--quiet", *arguments, "--project-dir", str(folder), "--profiles-dir", str(folder)]
    environment = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_VERSION_CHECK": "false"}
    began, most = time.perf_counter(), 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:  # the kernel's own maximum counts what the parent had when it forked
        most = max(most, _resident(process.pid))
        if time.perf_counter() - began > limit_s:
            process.kill()
        time.sleep(0.02)
    return time.perf_counter() - began, round(most / 1e6), process.returncode


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0  # ended meanwhile
