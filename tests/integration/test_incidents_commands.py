"""`dataops incidents` and the Python client's methods against a Backend."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from database.pool import Database
from stringx_dataops import Client
from stringx_dataops.errors import Refused
from tests.support.commands import Dataops, served
from tests.support.dashboard import opened
from tests.support.datasets import now
from tests.support.incidents import reported


def test_an_incident_is_listed_shown_acknowledged_and_summed_up(
    shop: Database, internal_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(shop, internal_url, tmp_path) as client, served(client.application) as server:
        run = Dataops(monkeypatch, capsys, server, "incidents")
        assert run("list") == (0, "", "")
        reported(shop, "fail")
        code, out, _ = run("list", "--target", "shop", "--state", "open", "--json")
        (item,) = map(json.loads, out.splitlines())
        of = item["id"]
        _, out, _ = Dataops(monkeypatch, capsys, server)("gate", "shop", "public.a")
        assert f"  incident {of} since 2" in out
        code, out, _ = run("list")
        assert (code, out.split()[:3], out.split()[-2:]) == (0, ["open", "shop", "public.a"], ["a", of])
        code, out, _ = run("acknowledge", of, "--note", "at\nit", "--assignee", "bob", "--until", "4h")
        assert (code, out.startswith(f"{of}  open  shop public.a, for "), out.count("\n")) == (0, True, 1)
        assert "; acknowledged by owner until 2" in out
        assert out.endswith("; assigned to bob\n")
        assert run("list", "--acknowledged", "false") == (0, "", "")
        assert run("list", "--assignee", "bob")[1].split()[-1] == of
        assert run("list", "--mine")[1] == ""
        code, _, words = run("acknowledge", of, "--until", "91d")
        assert (code, "--until: is more than 90 days ahead" in words, words.count("\n")) == (2, True, 1)
        assert run("unacknowledge", of)[0] == 0
        code, _, words = run("assign", of)
        assert (code, "give either ASSIGNEE or --nobody" in words) == (2, True)
        assert run("assign", of, "owner")[1].endswith("; assigned to owner\n")
        assert run("list", "--mine")[1].split()[-1] == of
        assert run("assign", of, "--nobody")[0] == 0
        reported(shop, "pass")
        assert run("note", of, "found\x1b[31m it")[0] == 2, "what acts on a terminal is refused"
        assert run("note", of, "found it")[0] == 0
        code, out, _ = run("show", of)
        assert code == 0
        for words in ("fail  a: ", "check ", ": fail", ": pass", "gate: closed", "gate: opened", "unacknowledged by owner",
                      "acknowledged, assigned to bob, until 2", "by owner: at it", "  assigned to nobody by owner", "noted by owner: found it"):  # fmt: skip
            assert words in out, out
        code, _, words = run("acknowledge", of)
        assert (code, "has been over since 2" in words) == (2, True)
        assert json.loads(run("show", of, "--json")[1])["closed_because"] == "check"
        code, out, _ = run("summary", "--by", "owner")
        assert (code, out.splitlines()[0].split()[:4]) == (0, ["(no", "owner)", "1", "0"])
        assert json.loads(run("summary", "--json")[1])["items"][0]["name"] == "shop"
        code, _, words = run("list", "--target", "shp")
        assert (code, "there is no target 'shp'" in words) == (2, True)
        _ask_in_python(shop)


def _ask_in_python(shop: Database) -> None:
    reported(shop, "fail", table="public.b")
    client = Client()
    (found,) = client.incidents(state="open")
    assert (bool(found), found.name, found.kind, [rule["id"] for rule in found.rules]) == (True, "public.b", "closed", ["b"])
    until = now(shop) + timedelta(hours=1)
    acknowledged = client.acknowledge(found.id, note="seen", until=until)
    assert (acknowledged.acknowledged, acknowledged.acknowledged_until, acknowledged.acknowledged_by) == (True, until, "owner")
    assert [each["text"] for each in client.note(found.id, "known").notes] == ["seen", "known"]
    reported(shop, "pass", table="public.b")
    over = client.incident(found.id)
    assert (bool(over), over.closed_at is not None, len(over.raw["checks"])) == (False, True, 2)
    with pytest.raises(Refused, match="has been over since"):
        client.acknowledge(found.id)
    with pytest.raises(ValueError, match="note"):
        client.acknowledge(found.id, note=" ")
