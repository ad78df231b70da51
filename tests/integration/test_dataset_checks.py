"""Checks of datasets: how they are accepted, and claimed so that no two share a table."""

import threading
from typing import Any

import pytest

from api.checks import claims
from api.checks.lifecycle import Check
from backend.configuration import datasets
from backend.insights import requests
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.pages import FIRST
from stringx_dataops.contract.problems import Conflict, NotFound
from tests.support.datasets import CATALOGUE, ME, TABLES, TARGET, apply, ask, claim, claimed, dataset, end, faults, table


def lose(database: Database) -> None:
    """As if the workers of all running checks had died, and somebody had noticed."""
    with database.transaction() as cursor:
        cursor.run("update dataops.checks set lease_expires_at = now() - interval '1 second' where status = 'running'")
    claims.rescue(database, lease_s=0)


def test_a_dataset_is_accepted_with_its_own_settings(shop: Database) -> None:
    datasets.put(shop, ME, "sales", dataset(mode="sync", timeout="30s"), None)
    check = ask(shop, dataset="sales", request_id="r")
    assert (check.mode, check.timeout_s) == ("sync", 30)
    said = check.as_json(with_samples=True)
    assert (said["dataset"], said["tables"], said["status"]) == ("sales", [], "queued")
    assert ask(shop, dataset="sales", request_id="r").check_id == check.check_id
    with pytest.raises(Conflict):
        ask(shop, table="public.a", request_id="r")
    with pytest.raises(NotFound, match="there is no dataset nowhere"):
        ask(shop, dataset="nowhere")
    assert faults(lambda: ask(shop, dataset="sales", target="other")) == [
        ("/target", "is 'other', and dataset sales is of target shop")
    ]
    assert [pointer for pointer, _ in faults(lambda: ask(shop, dataset="sales", rule_ids=["a", "nope"]))] == ["/rule_ids/1"]


def test_the_backend_refuses_the_same(shop: Database) -> None:
    def accept(**asked: Any) -> tracking.Tracked:
        return tracking.accept(shop, CATALOGUE, CheckRequest.model_validate({"target": "shop"} | asked), "http", "s")

    found = accept(dataset="sales", request_id="r")
    assert (found.view.as_json(with_samples=True)["dataset"], found.body["dataset"], "table" in found.body) == (
        "sales",
        "sales",
        False,
    )
    with pytest.raises(NotFound, match="there is no dataset nowhere; send one: PUT /api/v1/datasets/nowhere"):
        accept(dataset="nowhere")
    assert [pointer for pointer, _ in faults(lambda: accept(dataset="sales", target="other"))] == ["/target"]
    assert [pointer for pointer, _ in faults(lambda: accept(dataset="sales", rule_ids=["nope"]))] == ["/rule_ids/0"]
    assert [
        item["request_id"]
        for item in requests.page(shop, dict.fromkeys(("table", "verdict", "status")) | {"dataset": "sales"}, FIRST)["items"]
    ] == ["r"]


def test_a_request_without_a_result_has_no_check_in_a_list(shop: Database) -> None:
    tracking.accept(shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "table": "public.a"}), "http", "s")
    no_filter: dict[str, str | None] = dict.fromkeys(("table", "dataset", "verdict", "status"))
    for rules in (False, True):
        (item,) = requests.page(shop, no_filter, FIRST, requests.Shown(rules=rules))["items"]
        assert (item["status"], item["checks"]) == ("queued", [])


def test_a_dataset_runs_beside_no_check_of_one_of_its_tables(shop: Database) -> None:
    apply(shop, table("public.free", "a"), dataset("pair", ["public.b", "public.c"]), dataset("single", ["public.free"]))
    ask(shop, table="public.b")
    running = claimed(shop)
    for asked in ({"dataset": "sales"}, {"dataset": "pair"}):
        ask(shop, **asked)
    assert claim(shop) is None, "both hold public.b"
    ask(shop, table="public.free")
    assert claimed(shop).tables == ["public.free"]
    ask(shop, dataset="single")
    end(shop, running)
    held = claimed(shop)
    assert (held.request.dataset, held.tables) == ("sales", TABLES)
    assert claim(shop) is None, "the pair waits for the dataset that runs, the single one for its table"
    end(shop, held)
    assert claimed(shop).request.dataset == "pair"


def test_a_waiting_dataset_is_not_overtaken_for_ever(shop: Database) -> None:
    ask(shop, table="public.a")
    first = claimed(shop)
    ask(shop, dataset="sales")
    ask(shop, table="public.b")
    assert claim(shop) is None, "public.b is free, and the dataset has waited longer for it"
    ask(shop, table="public.b", mode="sync")
    urgent = claimed(shop)
    assert (urgent.mode, urgent.tables) == ("sync", ["public.b"]), "sync checks go first, also before a dataset"
    end(shop, first)
    assert claim(shop) is None
    end(shop, urgent)
    held = claimed(shop)
    assert held.request.dataset == "sales"
    end(shop, held)
    assert claimed(shop).tables == ["public.b"]


@pytest.mark.parametrize("held", [{"table": "public.b"}, {"dataset": "sales"}])
@pytest.mark.parametrize("urgent", [{"table": "public.b"}, {"dataset": "sales"}])
def test_a_check_whose_worker_died_is_claimed_again_before_what_came_later(
    shop: Database, held: dict[str, str], urgent: dict[str, str]
) -> None:
    ask(shop, **held)
    lost = claimed(shop)
    ask(shop, **urgent, mode="sync")
    assert claim(shop) is None
    lose(shop)
    again = claimed(shop)
    assert (again.check_id, again.attempt) == (lost.check_id, 2)
    assert claim(shop) is None
    end(shop, again)
    assert claimed(shop).mode == "sync"


def test_many_workers_never_share_a_table(shop: Database) -> None:
    apply(shop, TARGET | {"max_concurrent_checks": 50}, *(table(f"public.t{n}", "a") for n in range(6)))
    for n in range(6):
        apply(shop, dataset(f"d{n}", [f"public.t{n}", f"public.t{(n + 1) % 6}"]))
    for n in range(6):
        ask(shop, dataset=f"d{n}")
        ask(shop, table=f"public.t{n}")
    found: list[Check | None] = []
    threads = [threading.Thread(target=lambda: found.append(claim(shop)), daemon=True) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [name for check in found if check is not None for name in check.tables]
    assert held
    assert len(held) == len(set(held))
