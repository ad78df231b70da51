"""Signatures of posts: valid for these bytes, this id, this secret, five minutes."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest

from stringx_dataops.contract.problems import Unauthenticated
from stringx_dataops.contract.signatures import new_secret, read_secrets, sign, verify

SECRET = new_secret()
BODY = '{"a": "ä"}'


def test_what_was_signed_is_accepted() -> None:
    headers = sign([SECRET], "id-1", BODY)
    verify([SECRET], headers, BODY.encode())
    verify([SECRET], {name.title(): value for name, value in headers.items()}, BODY.encode())


def test_the_secret_has_256_bits_and_its_form() -> None:
    assert SECRET.startswith("whsec_")
    assert len(b64decode(SECRET.removeprefix("whsec_"))) == 32
    assert new_secret() != SECRET


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "id-2"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,a"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v2,AAAA"},
    ],
)
def test_changed_headers_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        verify([SECRET], sign([SECRET], "id-1", BODY) | changes, BODY.encode())


@pytest.mark.parametrize("body", [b"", b'{"a": "a"}', b"\xff"])
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(Unauthenticated):
        verify([SECRET], sign([SECRET], "id-1", BODY), body)


def test_another_secret_and_no_headers_are_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify([new_secret()], sign([SECRET], "id-1", BODY), BODY.encode())
    with pytest.raises(Unauthenticated):
        verify([SECRET], {}, BODY.encode())


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_or_future_post_is_refused(minutes: int) -> None:
    with pytest.raises(Unauthenticated):
        verify([SECRET], sign([SECRET], "id-1", BODY, datetime.now(UTC) + timedelta(minutes=minutes)), BODY.encode())


def test_a_secret_is_rotated_without_a_refused_post() -> None:
    """First the receiver learns the new one, then the sender, then the old one goes; or the other way round."""
    old, new = new_secret(), new_secret()
    for sender, receiver in (
        ([old], [new, old]),
        ([new, old], [new, old]),
        ([new], [new, old]),
        ([new, old], [old]),
        ([new, old], [new]),
    ):
        verify(receiver, sign(sender, "id-1", BODY), BODY.encode())
    with pytest.raises(Unauthenticated):
        verify([new], sign([old], "id-1", BODY), BODY.encode())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("whsec_short", "24 random bytes"),
        ("whsec_" + "!" * 40, "24 random bytes"),
        (" ".join(new_secret() for _ in range(3)), "3 secrets"),
    ],
)
def test_what_is_no_signing_secret_is_refused_and_not_repeated(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as refused:
        read_secrets(text)
    assert not any(part in str(refused.value) for part in text.split())
    assert read_secrets(f"{SECRET}\n{new_secret()}\n")[0] == SECRET
