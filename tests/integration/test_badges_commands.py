"""`dataops badges` against a Backend: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest

from database.pool import Database
from tests.support.commands import Dataops, served
from tests.support.dashboard import opened


def test_a_badge_is_made_listed_and_revoked(
    shop: Database, internal_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(shop, internal_url, tmp_path) as client, served(client.application) as server:
        run = Dataops(monkeypatch, capsys, server, "badges")
        code, out, _ = run("create", "shop", "public.a", "--label", "a [b]")
        badge_id, address = out.split()[:2]
        assert (code, out) == (0, f"{badge_id}  {address}\n![a \\[b\\]]({address})\n")
        assert address.startswith(f"{server}/badges/")
        code, out, _ = run("create", "shop", "--dataset", "sales", "--json")
        assert (code, json.loads(out)["dataset"]) == (0, "sales")
        code, out, _ = run("list", "--target", "shop", "--table", "public.a", "--json")
        assert [json.loads(line)["id"] for line in out.splitlines()] == [badge_id]
        code, out, _ = run("list")
        assert (code, [line.split()[:3] for line in out.splitlines()]) == (
            0,
            [["shop", "sales", "gate"], ["shop", "public.a", "a"]],
        )
        assert address in out
        code, _, words = run("create", "shop", "public.a", "--label", "x" * 61)
        assert (code, words.startswith("dataops: --label: "), words.count("\n")) == (2, True, 1)
        code, _, words = run("create", "shop")
        assert (code, "--dataset NAME" in words) == (2, True)
        code, _, words = run("create", "shop", "public.none")
        assert (code, "no configuration for table public.none" in words) == (2, True)
        code, _, words = run("revoke", badge_id)
        assert (code, "Nobody can be asked here; add --yes" in words) == (2, True)
        assert run("revoke", badge_id, "--yes") == (0, f"badge {badge_id} is revoked\n", "")
        assert run("revoke", badge_id, "--yes") == (2, "", f"dataops: there is no badge {badge_id}\n")
