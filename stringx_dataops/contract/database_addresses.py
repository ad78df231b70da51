"""Addresses of PostgreSQL databases, as libpq reads them: one host or several, each with its port.

libpq quotes what it cannot read, and that may be a part of the password. So an address is judged here before libpq sees it.
"""

import re

FORM = "give postgresql://user:password@host:port/dbname; in a password write % as %25, / as %2F, @ as %40, # as %23, ? as %3F"
_SCHEMES = ("postgresql", "postgres")
_AUTHORITY = re.compile(r"[^/?#]*")
_NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_HOST = re.compile(r"(?:\[[^\[\]]+\]|[^\[\]:]*)(?::([0-9]{0,5}))?")
_PARAMETER = re.compile(r"\w+=[^=]*")
_LARGEST_PORT = 65535


def is_database_address(text: str) -> bool:
    """Whether libpq and `urlsplit` read the same user, password, hosts, ports, name and parameters in it."""
    scheme, separator, rest = text.partition("://")
    if scheme not in _SCHEMES or not separator or _NOT_ENCODED.search(rest):
        return False
    found = _AUTHORITY.match(rest)
    authority = found[0] if found else ""
    user, _, hosts = authority.rpartition("@")
    name, _, query = rest[len(authority) :].partition("?")
    ports = [host[1] for host in map(_HOST.fullmatch, hosts.split(",")) if host is not None]
    return (
        "@" not in user + name  # the rest of a password, that one of the two would take for something else
        and len(ports) == hosts.count(",") + 1
        and all(not port or 0 < int(port) <= _LARGEST_PORT for port in ports)
        and all(map(_PARAMETER.fullmatch, query.split("&") if query else ()))
    )
