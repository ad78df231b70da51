"""`dataops points`, and the same in Python, against a Backend: what they print, and how they end."""

import json
from pathlib import Path

import pytest

from database.pool import Database
from stringx_dataops import Client, Refused
from tests.support.commands import Dataops, served
from tests.support.dashboard import opened
from tests.support.datasets import check_now
from tests.support.judged import band, judged, learning

RULE = ("shop", "public.a", "a")


def test_points_are_listed_and_marked(
    shop: Database, internal_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(shop, internal_url, tmp_path) as client, served(client.application) as server:
        run = Dataops(monkeypatch, capsys, server)
        judged(shop, 1500.0, learning(3))
        judged(shop, 1000.5, band(900, None, 1000))
        flagged = judged(shop, 90.0, band(900, 1200), status="warn")
        code, out, _ = run("points", "list", *RULE)
        lines = [" ".join(line.split()[1:]) for line in out.splitlines()]
        assert code == 0
        assert lines[0] == f"warn 90 from 900 to 1,200 {flagged.check_id}"
        assert lines[1].startswith("pass 1,000.5 from 900 ")
        assert lines[2].startswith("pass 1,500 learning 3 of 20 ")
        code, out, _ = run("points", "mark", *RULE, flagged.check_id, "exclude", "--note", "the source was down")
        assert (code, out.splitlines()[0].endswith("exclude by owner"), "next check" in out) == (0, True, True)
        code, out, _ = run("points", "list", *RULE, "--limit", "1", "--json")
        (item,) = map(json.loads, out.splitlines())
        assert (item["mark"], item["note"], item["baseline"]["high"]) == ("exclude", "the source was down", 1200.0)
        assert "exclude  owner  the source was down" in run("points", "list", *RULE)[1]
        assert run("points", "mark", *RULE, flagged.check_id, "none")[1].splitlines()[0].endswith("not marked")
        code, _, words = run("points", "mark", *RULE, flagged.check_id, "excluded")
        assert (code, "did you mean exclude?" in words) == (2, True)
        other = check_now(shop, table="public.b")
        code, _, words = run("points", "mark", "shop", "public.b", "b", other.check_id, "exclude")
        assert (code, words.count("\n"), "types change and unusual take a mark" in words) == (2, 1, True)
        code, _, words = run("points", "list", "shop", "public.a", "z")
        assert (code, "has run a rule 'z'" in words) == (2, True)


def test_python_reads_and_marks_points(shop: Database, internal_url: str, tmp_path: Path) -> None:
    judged(shop, 15.0, learning(3))
    flagged = judged(shop, 90.0, band(10, 20), status="warn")
    with opened(shop, internal_url, tmp_path) as client, served(client.application) as server:
        asking = Client(server, "sx_owner")
        last, first = asking.points(*RULE)
        assert (last.check_id, last.status, last.measured) == (flagged.check_id, "warn", 90.0)
        assert (last.center, last.low, last.high, last.learning, last.mark) == (15.0, 10.0, 20.0, None, None)
        assert (first.center, first.learning) == (None, (3, 20))
        assert [each.check_id for each in asking.points(*RULE, since=last.at)] == [last.check_id]
        marked = asking.mark_point(*RULE, flagged.check_id, "expected", note="a sale")
        assert (marked.mark, marked.marked_by, marked.note, marked.at) == ("expected", "owner", "a sale", last.at)
        assert next(asking.points(*RULE)).mark == "expected"
        assert asking.mark_point(*RULE, flagged.check_id, "none").marked_at is None
        with pytest.raises(Refused, match="/mark"):
            asking.mark_point(*RULE, flagged.check_id, "fine")
        with pytest.raises(ValueError, match="check_id"):
            asking.mark_point(*RULE, "", "expected")
