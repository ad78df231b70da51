"""The benchmark beside the peers: what it compares, and how it decides."""

import re
from pathlib import Path

import pytest

from benchmarks.peers import by_hand, demands, machine, peer_dbt, peer_great_expectations, report
from benchmarks.peers.environments import REQUIREMENTS
from benchmarks.peers.rules import FIFTY, TEN, dbt_columns, document, soda_columns
from benchmarks.peers.verdicts import Verdict, differences
from stringx_dataops.contract.settings import ROOT

TRUTH = {
    "id_not_null": {"rows": 0, "values": 0, "sharing": 0},
    "status_accepted_values": {"rows": 11, "values": 3, "sharing": 11},
    "id_unique": {"rows": 7, "values": 6, "sharing": 13},
}


@pytest.mark.parametrize(
    ("measures", "counts"),
    [({}, (0, 11, 7)), (peer_dbt.MEASURES, (0, 3, 6)), (peer_great_expectations.MEASURES, (0, 11, 13)), ({}, (None, None, None))],
)
def test_a_way_that_counts_in_its_own_measure_agrees(measures: dict[str, str], counts: tuple[int | None, ...]) -> None:
    passed = (True, False, False)
    found = {rule: Verdict(*one) for rule, one in zip(TRUTH, zip(passed, counts, strict=True), strict=True)}
    assert differences(found, TRUTH, measures) == []


def test_every_way_to_disagree_is_told() -> None:
    found = {"id_not_null": Verdict(False, 0), "id_unique": Verdict(False, 6), "other": Verdict(True)}
    assert differences(found, TRUTH, {}) == [
        "status_accepted_values was not answered",
        "other was not asked for",
        "id_not_null fails, with 0 violating rows by plain SQL",
        "id_unique counts 6 rows, plain SQL 7",
    ]


def test_rules_have_ids_of_their_own_and_every_way_has_all_ten() -> None:
    assert (len({rule.id for rule in TEN}), len({rule.id for rule in FIFTY})) == (10, 50)
    ids = {rule.id for rule in TEN}
    assert {check["name"] for column in soda_columns(TEN) for one in column["checks"] for check in one.values()} == ids
    tests = [test for column in dbt_columns(TEN, "t") for one in column["data_tests"] for test in one.values()]
    assert {test["name"] for test in tests} == {f"t__{one}" for one in ids}


def test_nine_rules_ask_for_a_constraint() -> None:
    assert [rule.id for rule in TEN if "verify" not in document(rule, constraint=True)] == ["status_accepted_values"]


SMALL = {"dataops": [0.05, 0.06, 0.04], "backend": [0.1], "dbt_shell": [2.0, 2.0, 2.0], "dataops_50": [0.06, 0.07, 0.065]}
BIG = {
    "dataops": [0.196, 0.196, 0.196], "sql": [0.1, 0.1, 0.1], "soda_warm": [0.3, 0.31, 0.29], "dbt_warm": [0.4895, 0.4895, 0.4895],
    "proved": [0.052, 0.05, 0.09], "proved_accepted": [0.05, 0.049, 0.055],
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "bound", "measured", "met"),
    [
        ("dataops, 100 rows", "under 90 ms", "50 ms", True),
        ("dataops, 100 rows", "35 times as fast as dbt_shell", "40.0 times", True),
        ("backend, 100 rows", "35 times as fast as dbt_shell", "20.0 times", False),
        ("dataops, 1,000,000 rows", "at most 1.4 × SQL by hand + 60 ms", "196 ms of 200 ms", True),
        ("dataops, 1,000,000 rows", "1.5 times as fast as soda_warm", "1.53 times", True),
        ("dataops, 1,000,000 rows", "2.5 times as fast as dbt_warm", "2.50 times", False),  # 2.497: rounded for people alone
        ("dataops, 1,000,000 rows", "4 times as fast as gx_warm", "not measured", None),
        ("50 rules instead of 10, 100 rows", "at most 2 times", "1.30 times", True),
        ("9 rules proved by constraints, beside a check without them, 1,000,000 rows", "nothing measurable: within the spread",
         "+2.0 ms, spread 6.0 ms", True),
    ],
)  # fmt: skip
def test_a_demand_is_decided_by_medians(what: str, bound: str, measured: str, met: bool | None) -> None:
    found = demands.demands(SMALL, BIG, {}, (100, 1_000_000))
    assert [(one.measured, one.met) for one in found if (one.what, one.bound) == (what, bound)] == [(measured, met)]


def test_the_results_are_files_with_a_row_a_way(tmp_path: Path) -> None:
    labels = {"sql": "SQL <by hand>", "dataops": "Ours"}
    run = {
        "date": "2026-01-01", "machine": machine.machine(), "postgres": {"server_version": "18"}, "versions": machine.peers(),
        "labels": labels, "sql_by_hand": {"orders_100": dict.fromkeys([*by_hand.UNIQUE, by_hand.TOGETHER], 0.1)},
        "rows_seconds": {100: {"sql": [0.01, 0.02], "dataops": [0.05]}, 1_000_000: {"sql": [0.1], "dataops": [0.2]}},
    }  # fmt: skip
    report.write(tmp_path, run)
    text = (tmp_path / "peers.md").read_text()
    assert "| SQL <by hand> | 0.015 (0.010 to 0.020) | 0.30 | 0.100 (0.100 to 0.100) | 0.50 |" in text
    assert '"runs": [ 0.01, 0.02 ]' in (tmp_path / "peers.json").read_text()
    assert "SQL &lt;by hand&gt;" in (tmp_path / "peers.svg").read_text()


def test_dbt_beside_us_is_the_dbt_inside() -> None:
    pins = [
        dict(re.findall(r"^(dbt-core|dbt-postgres|dbt-adapters)==(\S+)(?: \\)?$", file.read_text(), re.MULTILINE))
        for file in (REQUIREMENTS / "dbt.txt", ROOT / "requirements.txt")
    ]
    assert pins[0] == pins[1]
    assert len(pins[0]) == 3
