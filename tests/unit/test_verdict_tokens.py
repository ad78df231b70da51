"""Signed verdicts: what verifies, and what does not, whatever is done to a token."""

import hmac
import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.settings import ROOT
from stringx_dataops.contract.verdict_tokens import LIFE_S, decoded, encoded
from stringx_dataops.errors import Untrusted
from stringx_dataops.verifying import LEEWAY_S, Wanted, verify
from tests.support.verdicts import CLAIMS, HEADER, NOW, keys, pair, signed_part

K1, ANY = pair(), Wanted()
TOKEN = K1.token()
AT = int(NOW.timestamp())


def refused(token: str, held: Any = None, wanted: Wanted = ANY, after_s: float = 0) -> str:
    with pytest.raises(Untrusted) as raised:
        verify(token, keys(K1) if held is None else held, wanted, NOW + timedelta(seconds=after_s))
    assert raised.value.exit_code == 3
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_token_says_how_the_gate_was_open_or_closed() -> None:
    found = verify(TOKEN, keys(pair("k0", 7), K1), now=NOW)
    assert found.as_json() == CLAIMS
    assert verify(K1.token(gate="closed", verdict="fail"), keys(K1), now=NOW).gate == "closed"
    assert verify(K1.token(added_by_another_release=[1]), keys(K1), now=NOW).gate == "open"


@given(st.data())
def test_no_changed_token_is_trusted(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.=+/ \né").filter(lambda each: each != TOKEN[place]))
    kind = data.draw(st.sampled_from(("replaced", "inserted", "removed", "cut", "doubled")))
    changed = {
        "replaced": TOKEN[:place] + other + TOKEN[place + 1 :],
        "inserted": TOKEN[:place] + other + TOKEN[place:],
        "removed": TOKEN[:place] + TOKEN[place + 1 :],
        "cut": TOKEN[:place],
        "doubled": TOKEN + TOKEN[place:],
    }[kind]
    refused(changed)


@given(
    st.sampled_from(sorted(CLAIMS)),
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers())),
)
def test_claims_with_the_signature_of_others_are_not_trusted(name: str, value: Any) -> None:
    claims = CLAIMS | {name: value}
    if claims != CLAIMS:
        refused(f"{signed_part(HEADER | {'kid': 'k1'}, claims)}.{TOKEN.rpartition('.')[2]}")


@given(
    st.sampled_from(sorted(CLAIMS)),
    st.one_of(
        st.booleans(),
        st.integers(-(10**15), -1),
        st.just(10**15),
        st.floats(),
        st.just("x"),
        st.lists(st.integers()),
        st.just({}),
    ),
)
def test_signed_claims_of_another_form_are_not_trusted(name: str, value: Any) -> None:
    """But for texts that may be any, which stay what they are."""
    token = K1.token(**{name: value})
    try:
        found = verify(token, keys(K1), now=NOW)
    except Untrusted:
        return
    assert (name in ("iss", "jti", "check_id", "rules_hash"), value, found.gate) == (True, "x", "open"), name


@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1")), st.lists(st.text(max_size=9)).map(".".join)))
def test_no_text_is_a_token(text: str) -> None:
    refused(text)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
        max_leaves=5,
    )
)
def test_no_json_is_a_token_though_it_is_signed(value: Any) -> None:
    signed = signed_part(HEADER | {"kid": "k1"}, value)
    refused(f"{signed}.{encoded(K1.private.sign(signed.encode()))}")
    signed = signed_part(value, CLAIMS)
    refused(f"{signed}.{encoded(K1.private.sign(signed.encode()))}")


def test_the_token_does_not_choose_how_it_is_verified() -> None:
    for header in ({"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "Ed25519"}, {"alg": ["EdDSA"]}, {"alg": None}):
        assert "its alg is" in refused(K1.token(header))
    unsigned = signed_part({"alg": "none", "typ": HEADER["typ"], "kid": "k1"}, CLAIMS)
    assert "its alg is 'none'" in refused(f"{unsigned}.")
    assert "signature is wrong" in refused(f"{signed_part(HEADER | {'kid': 'k1'}, CLAIMS)}.")
    for secret in (K1.public, encoded(K1.public).encode(), json.dumps(K1.jwk()).encode()):  # the public key as a shared secret
        for alg in ("HS256", "EdDSA"):
            signed = signed_part(HEADER | {"kid": "k1", "alg": alg}, CLAIMS)
            refused(f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}")
    assert "its typ is" in refused(K1.token({"typ": "JWT"}))
    assert "(crit)" in refused(K1.token({"crit": ["b64"], "b64": False}))
    stranger = pair("k1", 2)
    assert "signature is wrong" in refused(stranger.token({"jwk": stranger.jwk(), "jku": "http://127.0.0.1/"}))


def test_only_a_key_of_the_set_verifies() -> None:
    assert "fetch /.well-known/jwks.json again" in refused(pair("k2", 2).token())
    assert "signature is wrong" in refused(pair("k1", 2).token())
    assert "no key has its kid" in refused(K1.token({"kid": None}))
    assert "no key has its kid" in refused(K1.token({"kid": 1}), {"keys": [K1.jwk(kid=1)]})
    assert "several keys" in refused(TOKEN, keys(K1, pair("k1", 2)))
    for changes in (
        {"kty": "oct"},
        {"crv": "X25519"},
        {"alg": "HS256"},
        {"use": "enc"},
        {"x": ""},
        {"x": "AA"},
        {"x": None},
        {"crv": ["Ed25519"]},
    ):
        refused(TOKEN, {"keys": [K1.jwk(**changes)]})
    held = K1.jwk()
    del held["alg"], held["use"]
    assert verify(TOKEN, {"keys": [held]}, now=NOW).gate == "open"
    for nothing in ({}, {"keys": None}, {"keys": "k1"}, {"keys": [1]}, {"keys": [K1.jwk()] * 101}, []):
        with pytest.raises(ValueError, match="no JSON Web Key Set"):
            verify(TOKEN, nothing, now=NOW)  # type: ignore[arg-type]


def test_a_token_is_valid_from_when_it_was_signed_until_its_end_and_not_a_moment_longer() -> None:
    held, end = keys(K1), timedelta(seconds=600)
    assert verify(TOKEN, held, now=NOW + end - timedelta(microseconds=1)).gate == "open"
    assert "has expired at 2026-01-31T06:10:00Z" in refused(TOKEN, after_s=600)
    assert verify(TOKEN, held, now=NOW - timedelta(seconds=LEEWAY_S)).gate == "open", "a clock that is a little behind"
    assert "not valid before 2026-01-31T06:00:00Z" in refused(TOKEN, after_s=-LEEWAY_S - 1)
    assert "not valid before" in refused(K1.token(nbf=AT + 300))
    assert verify(K1.token(exp=AT + LIFE_S), held, now=NOW).gate == "open"
    assert "longer than an hour" in refused(K1.token(exp=AT + LIFE_S + 1))


def test_a_token_about_something_else_is_not_trusted() -> None:
    full = Wanted("nyc", "public.flights", None, None, "h1", "http://checks", 600, 0)
    assert verify(TOKEN, keys(K1), full, NOW).gate == "open"
    for name, value in (
        ("target", "other"), ("table", "public.other"), ("dataset", "departures"), ("request_id", "r1"), ("rules_hash", "h2"), ("issuer", "x"),
    ):  # fmt: skip
        assert f"its {name} is not the wanted one" in refused(TOKEN, wanted=Wanted(**{name: value}))
    assert "its table is not the wanted one: it has none" in refused(
        K1.token(table=None, dataset="departures", sub="dataset:nyc/departures"), wanted=Wanted(table="public.flights")
    )
    assert "is older than is wanted" in refused(TOKEN, wanted=Wanted(max_age_s=599))
    assert "has no snapshot" in refused(K1.token(snapshot_at=None), wanted=Wanted(max_age_s=599))
    assert "longer ago than is wanted" in refused(TOKEN, wanted=Wanted(issued_within_s=5), after_s=6)
    for changes in ({"sub": "table:nyc/public.other"}, {"dataset": "d"}, {"table": None}):
        assert "not of one table or one dataset" in refused(K1.token(**changes))


def test_bytes_have_one_spelling() -> None:
    assert decoded(encoded(b"\xff" * 4)) == b"\xff" * 4
    for text in ("_____x", "_____w==", "__ __", "A", "//8", "_____w\n"):
        with pytest.raises(ValueError, match="base64"):
            decoded(text)


def test_without_cryptography_one_line_says_what_to_install(tmp_path: Any) -> None:
    code = "import sys; sys.modules['cryptography'] = None\nfrom stringx_dataops.cli import main; main.main()"
    command = [sys.executable, "-c", code, "gate-verify", "x", "--keys", "y"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2,
        "dataops: nothing here can verify signatures; pip install 'stringx-dataops[verify]'\n",
    )
