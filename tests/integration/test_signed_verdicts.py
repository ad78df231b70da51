"""Signed verdicts of a Backend: what they say and until when, their keys, and that others can verify them."""

import subprocess
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet

from backend.keys import management
from backend.verdicts import keys as verdict_keys
from backend.verdicts.keys import DAYS, KEPT_S, Vault
from database.keys import asking
from database.pool import Database
from stringx_dataops.contract.messages.keys import NewKey
from stringx_dataops.contract.signatures import new_secret
from stringx_dataops.contract.verdict_tokens import decoded, taken_apart
from stringx_dataops.errors import Untrusted
from stringx_dataops.verifying import verify
from tests.support.datasets import ME, apply, check_now, now, table
from tests.support.signing import FLIGHTS, JWKS, OWNER, app, asked, backend, claims, published
from tests.support.waivers import waive

__all__ = ["app"]  # the fixture


def test_a_verdict_says_what_the_answer_says_and_only_if_it_is_asked_for(shop: Database, app: Flask) -> None:
    checked = check_now(shop, table="public.a")
    found = asked(app)
    said = claims(app, found, target="shop", table="public.a", issuer="http://checks.example.org", rules_hash=checked.rules_hash)
    assert (said.gate, said.verdict, said.check_id, said.snapshot_at) == ("open", "pass", checked.check_id, checked.snapshot_at)
    assert said.exp - said.iat == 3600
    assert "token" not in app.test_client().get(FLIGHTS, headers=OWNER).get_json()
    check_now(shop, {"a": 3}, dataset="sales")
    closed, of_dataset = asked(app), asked(app, "/api/v1/gates/datasets/sales")
    assert (claims(app, closed).gate, claims(app, closed).verdict) == ("closed", "fail")
    assert claims(app, of_dataset, target="shop", dataset="sales").gate == "closed"
    never = asked(app, "/api/v1/gates/shop/public.b", not_before="2100-01-01T00:00:00Z")
    assert claims(app, never).not_before == datetime(2100, 1, 1, tzinfo=UTC)
    assert claims(app, never).gate == "closed"


def test_a_window_and_a_request_are_in_the_verdict(shop: Database, app: Flask) -> None:
    window = {"column": "at", "from": "2026-01-01", "to": "2026-01-02"}
    checked = check_now(shop, table="public.a", window=window, request_id="load-1")
    found = asked(app, request_id="load-1")
    said = claims(app, found, request_id="load-1")
    assert said.check_id == checked.check_id
    assert said.window == checked.scope.window
    with pytest.raises(Untrusted, match="request_id"):
        claims(app, asked(app), request_id="load-1")


def test_a_verdict_ends_when_time_closes_the_gate(shop: Database, app: Flask) -> None:
    apply(shop, table("public.a", "a", gate={"max_age": "20m"}))
    checked = check_now(shop, table="public.a", request_id="r1")
    assert checked.snapshot_at is not None
    said = claims(app, asked(app))
    assert said.exp == int((checked.snapshot_at + timedelta(minutes=20)).timestamp())
    waive(shop, rule="a", until=(now(shop) + timedelta(minutes=10)).isoformat())
    failing = check_now(shop, {"a": 1}, table="public.a", request_id="r2")
    assert failing.verdict == "warn"
    waived = claims(app, asked(app))
    left = waived.exp - now(shop).timestamp()
    assert (waived.gate, 0 < left <= 600) == ("open", True)
    with shop.transaction() as cursor:  # the check is older than max_age
        cursor.run("update stringx.results set snapshot_at = snapshot_at - interval '30 minutes'")
    late = asked(app)
    assert (late["gate"], claims(app, late).gate) == ("closed", "closed"), "a closed gate is signed, too"
    of_request = asked(app, request_id="r1")
    assert (of_request["gate"], "token" in of_request) == ("open", False)
    assert "no signed verdict: the check is older than max_age" in of_request["notes"][0]


def test_others_verify_it_by_the_published_keys(shop: Database, app: Flask, tmp_path: Path) -> None:
    check_now(shop, table="public.a")
    token, held = asked(app)["token"], published(app)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc would like the name Ed25519 better
        found = jwt.decode(token, KeySet.import_key_set(held), algorithms=["EdDSA"])  # type: ignore[arg-type]
    assert found.claims["gate"] == "open"
    assert found.header["kid"] == held["keys"][0]["kid"]
    parts = taken_apart(token)
    prefix = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519, RFC 8410
    for name, data in (("key", prefix + decoded(held["keys"][0]["x"])), ("signed", parts.signed), ("signature", parts.signature)):
        (tmp_path / name).write_bytes(data)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "key",
        "-rawin",
        "-in",
        "signed",
        "-sigfile",
        "signature",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Verified Successfully" in done.stdout) == (0, True), done


def test_several_backends_share_their_keys(shop: Database, app: Flask, internal_url: str, tmp_path: Path) -> None:
    secret = (tmp_path / "one" / "signing-secret").read_text()
    other = backend(internal_url, tmp_path / "two", secret)
    check_now(shop, table="public.a")
    kids = {taken_apart(asked(each)["token"]).header["kid"] for each in (app, other, app)}
    assert [each["kid"] for each in published(other)["keys"]] == list(kids)
    renewed = backend(internal_url, tmp_path / "three", f"{new_secret()} {secret}")  # while the signing secret is replaced
    assert taken_apart(asked(renewed)["token"]).header["kid"] in kids
    stranger = backend(internal_url, tmp_path / "four", new_secret())
    token = asked(stranger)["token"]
    assert taken_apart(token).header["kid"] not in kids, "a key that it cannot open is not its"
    assert verify(token, published(app)).gate == "open"
    assert {taken_apart(asked(each)["token"]).header["kid"] for each in (app, stranger, app, stranger)} == {
        each["kid"] for each in published(app)["keys"]
    }, "they do not replace each other's keys for ever"
    for each in (other, renewed, stranger):
        each.extensions["stringx_mailroom"].processes.close()


def test_the_internal_database_holds_no_key_that_signs(shop: Database, app: Flask, tmp_path: Path) -> None:
    asked(app)
    with shop.transaction() as cursor:
        row = cursor.one("select * from stringx.verdict_keys")
    assert row is not None
    with shop.transaction() as cursor:
        key = Vault([(tmp_path / "one" / "signing-secret").read_text()]).signing_key(cursor)
    private = key.private.private_bytes_raw()
    assert private not in decoded(row["sealed"].rstrip("="))
    assert private.hex() not in str(row)
    with shop.transaction() as cursor:  # a public key that is not its own is not used, whoever has written it
        cursor.run("update stringx.verdict_keys set public_key = 'x' where kid = %(kid)s", {"kid": key.kid})
    assert taken_apart(asked(app)["token"]).header["kid"] != key.kid


def age(database: Database, days: float) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "update stringx.verdict_keys set signs_from = signs_from - make_interval(secs => %(s)s),"
            " signs_until = signs_until - make_interval(secs => %(s)s), created_at = created_at - make_interval(secs => %(s)s)",
            {"s": days * 86_400},
        )


def test_keys_are_replaced_by_age_and_the_next_one_is_published_before_it_signs(
    shop: Database, app: Flask, tmp_path: Path
) -> None:
    vault = Vault([(tmp_path / "one" / "signing-secret").read_text()])

    def turn() -> None:
        with shop.transaction() as cursor:
            vault.make_in_time(cursor)

    assert published(app)["keys"] == []
    turn()
    (first,) = (each["kid"] for each in published(app)["keys"])
    age(shop, DAYS - 2)
    turn()
    assert len(published(app)["keys"]) == 1
    age(shop, 1.5)
    turn()
    turn()
    second, same = (each["kid"] for each in published(app)["keys"])
    before = asked(app)
    assert (same, taken_apart(before["token"]).header["kid"]) == (first, first)
    age(shop, 0.52)
    assert taken_apart(asked(app)["token"]).header["kid"] == second
    assert claims(app, before).target == "shop", "signed by the key before, and still valid"
    age(shop, KEPT_S / 86_400)
    assert [each["kid"] for each in published(app)["keys"]] == [second]
    with pytest.raises(Untrusted, match="no key has its kid"):
        claims(app, before)
    age(shop, 10 * DAYS)
    assert len({taken_apart(asked(app)["token"]).header["kid"], first, second}) == 3, "a key even where no loop turned for long"


def test_a_withdrawal_that_stands_in_the_body_is_refused_and_not_overlooked(shop: Database, app: Flask) -> None:
    rotate, client = "/api/v1/verdict-keys/rotate", app.test_client()
    check_now(shop, table="public.a")
    asked(app)
    before = client.get("/api/v1/verdict-keys", headers=OWNER).get_json()
    for body in ({"withdraw": True}, {"withdraw": "yes"}, []):
        refused = client.post(rotate, json=body, headers=OWNER)
        assert (refused.status_code, "?withdraw=true" in refused.get_json()["detail"]) == (422, True), refused.text
    assert client.get("/api/v1/verdict-keys", headers=OWNER).get_json() == before
    assert client.post(rotate, json={}, headers=OWNER).status_code == 201
    assert client.post(f"{rotate}?withdraw=true", headers=OWNER).status_code == 201


def test_a_limited_key_gets_verdicts_of_its_targets_alone(shop: Database, app: Flask) -> None:
    apply(shop, {"apiVersion": "stringx/v1", "kind": "Target", "name": "vault", "host": "h", "dbname": "d", "user": "u"})
    with asking(ME):
        made = management.create(shop, ME, NewKey(name="one", scopes=["read"], targets=["vault"])).key
    limited, client = {"Authorization": f"Bearer {made}"}, app.test_client()
    assert client.get(f"{FLIGHTS}?signed=1", headers=limited).status_code == 404
    assert client.get("/api/v1/verdict-keys", headers=limited).status_code == 403
    assert client.post("/api/v1/verdict-keys/rotate", headers={"Authorization": "Bearer sx_reader"}).status_code == 403
    assert client.get(f"{FLIGHTS}?signed=perhaps", headers=OWNER).status_code == 422
    assert "shop" not in client.get(JWKS).text
    again = client.get(JWKS, headers={"If-None-Match": client.get(JWKS).headers["ETag"]})
    assert again.status_code == 304


def test_old_keys_are_forgotten_and_the_loop_makes_the_first(shop: Database, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[Any] = []

    class Loops:
        def start(self, name: str, turn: Any) -> None:
            turns.append(turn)

    verdict_keys.start(shop, Vault([new_secret()]), Loops())  # type: ignore[arg-type]
    assert turns[0](None) > 0
    assert len(published(app)["keys"]) == 1
    age(shop, 5 * DAYS)
    assert turns[0](None) > 0
    with shop.transaction() as cursor:
        assert len(verdict_keys.listed(cursor).items) == 1
