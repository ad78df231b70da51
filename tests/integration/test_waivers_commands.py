"""`dataops waive` and `dataops waivers` against a Backend: what they print, and how they end."""

import json
from pathlib import Path

import pytest

from database.pool import Database
from tests.support.commands import Dataops, served
from tests.support.dashboard import opened
from tests.support.datasets import check_now


def test_a_rule_is_waived_listed_named_by_the_gate_and_ended(
    shop: Database, internal_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(shop, internal_url, tmp_path) as client, served(client.application) as server:
        run = Dataops(monkeypatch, capsys, server)
        waive = ("waive", "shop", "public.a", "a", "--reason", "known\nfault", "--until")
        code, _, words = run(*waive, "soon")
        assert (code, words.count("\n"), "is no time ahead; write how long (4h, 3d), a date, or a time" in words) == (
            2,
            1,
            True,
        )
        code, _, words = run(*waive, "91d", "--at-most", "200%")
        assert (code, "--at-most: must be a share" in words) == (2, True)
        code, out, _ = run(*waive, "14d", "--at-most", "40%")
        assert (code, " active  shop public.a a: at most 40%, until " in out, "known fault" in out) == (0, True, True)
        assert "with the next check" in out
        waiver_id = out.split()[0]
        code, _, words = run(*waive, "14d", "--at-most", "4")
        assert (code, waiver_id in words) == (2, True)
        check_now(shop, {"a": 3}, table="public.a")
        code, out, _ = run("gate", "shop", "public.a")
        assert (code, "waived until" in out, "a by owner: known fault" in out) == (0, True, True)
        code, out, _ = run("waivers", "list", "--target", "shop", "--state", "active", "--json")
        assert [json.loads(line)["id"] for line in out.splitlines()] == [waiver_id]
        assert run("waivers", "list", "--state", "ended") == (0, "", "")
        code, _, words = run("waivers", "delete", waiver_id)
        assert (code, "Nobody can be asked here; add --yes" in words) == (2, True)
        assert run("waivers", "delete", waiver_id, "--yes") == (0, f"waiver {waiver_id} has ended\n", "")
        code, _, words = run("waivers", "delete", waiver_id, "--yes")
        assert (code, words) == (2, f"dataops: waiver {waiver_id} has ended already\n")
        assert run("gate", "shop", "public.a")[0] == 1
        code, _, words = run("waivers", "list", "--state", "over")
        assert (code, "did you mean" not in words and "is none of active, ended" in words) == (2, True)
