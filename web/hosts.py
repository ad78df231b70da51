"""Which names a service answers to. A page of somebody else's that a browser shows can have a name of its own lead to a loopback
address (DNS rebinding), and would then be of one origin with what listens there; the name in Host is still its own."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, request

from stringx_dataops.contract.problems import Misdirected

_FOR_EVERYBODY = frozenset({"/healthz", "/readyz", "/metrics"})  # asked by address, of machines that know no name


def install(app: Flask, allowed: Collection[str]) -> None:
    """Before anything else a request's Host is looked at: names of loopback, the address that the connection came in on, and the
    `allowed` ones, in lower case."""

    def require_host() -> None:
        if request.path in _FOR_EVERYBODY or "Host" not in request.headers:
            return  # a browser names one
        name = _host(request.headers["Host"])
        if name is None or not (name in allowed or _is_loopback(name) or name == _address()):
            given = repr(request.headers["Host"][:100])
            raise Misdirected(f"the Host header is {given}; ask by an address of this service, or add the name to ALLOWED_HOSTS")

    app.before_request_funcs.setdefault(None, []).insert(0, require_host)


def _host(header: str) -> str | None:
    """The name without its port, as it is compared; None where it is none."""
    try:
        parts = urlsplit(f"//{header}")
        parts.port  # noqa: B018 (raises where it is no number)
    except ValueError:
        return None
    is_plain = parts.netloc == header and parts.username is None
    return parts.hostname.removesuffix(".") if is_plain and parts.hostname else None


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _address() -> str | None:
    """Of this end of the connection; none where no server says it."""
    client = request.environ.get("gunicorn.socket")
    address = client.getsockname() if client is not None else None
    return str(address[0]) if isinstance(address, tuple) else None
