"""The client's address, also of one behind proxies that are known."""

import ipaddress
from collections.abc import Sequence

from stringx_dataops.contract.variables import Network


def client_address(remote: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The right-most address that is not a trusted proxy's. `remote`: the other end of the connection; `forwarded`: the header
    X-Forwarded-For, to which each proxy appends who has called it. Whatever a client itself writes there stands further left, or
    its connection comes from no proxy: it cannot choose its address. Behind an entry that is no address nothing is believed."""
    address, before = _parsed(remote), forwarded.split(",")
    if address is None:
        return remote
    while before and any(address in network for network in trusted):
        if (caller := _parsed(_without_port(before.pop().strip()))) is None:
            break
        address = caller
    return str(address)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address within IPv6 is the IPv4 address."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _without_port(text: str) -> str:
    """Some proxies append 192.0.2.1:443 or [2001:db8::1]:443."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
