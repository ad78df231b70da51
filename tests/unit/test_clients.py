"""The client's address behind proxies: nobody can choose it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.variables import SettingsError
from web.clients import client_address

TRUSTED = read_settings({"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,2001:db8:1::/48"}).trusted_proxies


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.1", "198.51.100.9", "203.0.113.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.9,10.9.9.9 , 192.0.2.7", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("2001:db8:1::1", "[2001:db8:2::5]:443", "2001:db8:2::5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.8", "198.51.100.9", "192.0.2.8"),
        ("", "198.51.100.9", ""),
    ],
)
def test_it_is_the_right_most_that_is_no_proxy(remote: str, forwarded: str, expected: str) -> None:
    assert client_address(remote, forwarded, TRUSTED) == expected


@given(st.text(max_size=60) | st.lists(st.ip_addresses().map(str), max_size=4).map(", ".join))
def test_what_a_client_writes_itself_changes_nothing(written: str) -> None:
    assert client_address("203.0.113.1", written, TRUSTED) == "203.0.113.1"
    assert client_address("203.0.113.1", written, ()) == "203.0.113.1"
    assert client_address("10.0.0.1", f"{written}, 203.0.113.1", TRUSTED) == "203.0.113.1"
    assert client_address("10.0.0.1", f"{written}, 203.0.113.1, 10.0.0.2", TRUSTED) == "203.0.113.1"


@pytest.mark.parametrize(
    "text", ["10.0.0.0/33", "10.0.0.1/8", "proxy", "10.0.0.0/8;192.0.2.1", "0.0.0.0/0", "::/0", "10.0.0.0 /8", "*"]
)
def test_networks_that_are_none_or_everything_end_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^TRUSTED_PROXIES holds .*; give networks such as 10\.0\.0\.0/8") as raised:
        read_settings({"TRUSTED_PROXIES": f"192.0.2.1,{text}"})
    assert "\n" not in str(raised.value)
