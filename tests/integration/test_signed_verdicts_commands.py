"""`dataops gate --signed`, `gate-verify` and `keys`: what they print, and how they end."""

import json
from pathlib import Path

import pytest
from flask import Flask

from database.pool import Database
from stringx_dataops.verifying import verify
from tests.support.commands import Dataops, served
from tests.support.datasets import check_now
from tests.support.signing import OWNER, app, asked, published

__all__ = ["app"]  # the fixture


def test_keys_are_rotated_and_withdrawn_by_command(
    shop: Database, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check_now(shop, table="public.a")
    with served(app) as server:
        run = Dataops(monkeypatch, capsys, server)
        assert run("keys", "verdicts") == (0, "", "")
        code, token, words = run("gate", "shop", "public.a", "--signed")
        assert (code, words.startswith("public.a: gate open, verdict pass")) == (0, True)
        files = {"v": token, "keys": json.dumps(published(app)), "json": run("gate", "shop", "public.a", "--signed", "--json")[1]}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        verified = ("gate-verify", str(tmp_path / "v"), "--keys", str(tmp_path / "keys"))
        code, out, _ = run(*verified, "--target", "shop", "--table", "public.a", "--max-age", "1h", "--issued-within", "10m")
        assert (code, out.splitlines()[0].startswith("shop public.a: gate open, verdict pass, snapshot ")) == (0, True)
        assert run("gate-verify", str(tmp_path / "json"), *verified[2:])[0] == 0
        code, _, said = run(*verified, "--table", "public.b")
        assert (code, said) == (
            3,
            "dataops: not to be trusted: its table is not the wanted one: it is of 'public.a', wanted is 'public.b'\n",
        )

        code, out, _ = run("keys", "rotate-verdicts")
        assert (code, out.startswith("verdicts are signed by ")) == (0, True)
        assert verify(token.strip(), published(app)).gate == "open", "verdicts that are on their way stay valid"
        assert run("gate", "shop", "public.a", "--signed")[1] != token
        (tmp_path / "v").write_text(run("gate", "shop", "public.a", "--signed")[1])
        assert "fetch /.well-known/jwks.json again" in run(*verified)[2], "a new key is not in keys that were fetched before"
        assert run("keys", "rotate-verdicts", "--withdraw")[0] == 2, "asks first"
        assert run("keys", "rotate-verdicts", "--withdraw", "--yes")[0] == 0
        assert len(published(app)["keys"]) == 1
        code, out, _ = run("keys", "verdicts", "--json")
        assert [json.loads(line)["state"] for line in out.splitlines()] == ["signing", "withdrawn", "withdrawn"]
        assert run("keys", "verdicts")[1].count("withdrawn") == 2
        (tmp_path / "keys").write_text(json.dumps(published(app)))
        assert run(*verified)[0] == 3
        audited = app.test_client().get("/api/v1/audit", headers=OWNER).get_json()["items"]
        assert [(each["action"], each["actor"]) for each in audited if each["action"].startswith("verdict_key")] == [
            ("verdict_key.rotated", "owner"), ("verdict_key.created", "owner"),
            ("verdict_key.rotated", "owner"), ("verdict_key.created", "owner"), ("verdict_key.created", "stringx"),
        ]  # fmt: skip


def test_the_command_ends_with_what_the_verdict_says(
    shop: Database, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check_now(shop, {"a": 1}, table="public.a")
    (tmp_path / "v").write_text(asked(app)["token"])
    (tmp_path / "keys").write_text(json.dumps(published(app)))
    (tmp_path / "none").write_text("[]")
    (tmp_path / "empty").write_text("{}")
    (tmp_path / "large").write_bytes(b"a" * (1024 * 1024 + 1))
    run = Dataops(monkeypatch, capsys, "http://127.0.0.1:9", "gate-verify", key="none that is needed")
    monkeypatch.delenv("STRINGX_API_KEY")
    verified = (str(tmp_path / "v"), "--keys", str(tmp_path / "keys"))
    assert run(*verified)[0] == 1
    code, out, _ = run(*verified, "--json")
    assert (code, json.loads(out)["gate"]) == (1, "closed")
    for arguments, expected in (
        ((str(tmp_path / "v"),), "Missing option '--keys'"),
        ((str(tmp_path / "nowhere"), *verified[1:]), "cannot be read"),
        ((str(tmp_path / "large"), *verified[1:]), "more than 1 MiB"),
        ((*verified[:2], str(tmp_path / "none")), "no JSON Web Key Set"),
        ((*verified[:2], str(tmp_path / "empty")), "no JSON Web Key Set"),
        ((*verified, "--max-age", "soon"), "is no duration"),
        ((*verified, "--table", "a.b", "--dataset", "d"), "are both given"),
    ):
        code, out, words = run(*arguments)
        assert (code, out, expected in words, words.count("\n")) == (2, "", True, 1), words
    for name in ("keys", "none", "empty"):
        assert run(str(tmp_path / name), *verified[1:])[0] == 3
