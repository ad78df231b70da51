"""The form of keys, and what is stored of them."""

import hashlib
import re

from stringx_dataops.contract.keys import hash_key, new_key, prefix_of, stored_hash


def test_a_key_has_a_public_part_and_256_random_bits() -> None:
    found = {new_key() for _ in range(100)}
    assert len(found) == 100
    for key in found:
        assert re.fullmatch(r"sx_[a-z]{8}_[A-Za-z0-9_-]{43}", key)
        assert prefix_of(key) == key[:11]


def test_keys_of_another_form_have_no_public_part() -> None:
    for key in ("sx_" + "A" * 43, "sx_abcdefgh", "sx_abcdefgh_", "sx_abcdefgh_a b", "abcdefgh_secret", "", "sx_abcdefghi_x"):
        assert prefix_of(key) is None, key


def test_a_limited_key_is_hashed_twice() -> None:
    once = hashlib.sha256("sx_abcdefgh_é".encode()).digest()
    assert hash_key("sx_abcdefgh_é") == stored_hash("sx_abcdefgh_é", is_limited=False) == once
    assert stored_hash("sx_abcdefgh_é", is_limited=True) == hashlib.sha256(once).digest()
