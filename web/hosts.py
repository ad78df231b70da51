"""Host names that a service answers to, as a defence against DNS rebinding.

A foreign web page can point its own host name at a loopback address. The browser then treats this service as the page's own
origin. But its requests still carry the page's host name in `Host`, so they can be refused.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, request

from stringx_dataops.contract.problems import Misdirected

_FOR_EVERYBODY = frozenset({"/healthz", "/readyz", "/readyz/self", "/metrics"})  # monitoring calls these by any address


def install(app: Flask, allowed: Collection[str]) -> None:
    """Check `Host` before anything else handles a request; Misdirected (421) if the name is not allowed.

    Allowed are names of loopback, the address that the connection came in on, and `allowed` (lower case).
    """

    def require_host() -> None:
        if request.path in _FOR_EVERYBODY or "Host" not in request.headers:
            return  # every browser sends Host
        name = _host(request.headers["Host"])
        if name is None or not (name in allowed or _is_loopback(name) or name == _address()):
            given = repr(request.headers["Host"][:100])
            raise Misdirected(f"the Host header is {given}; ask by an address of this service, or add the name to ALLOWED_HOSTS")

    app.before_request_funcs.setdefault(None, []).insert(0, require_host)


def for_viewer(address: str | None) -> str | None:
    """The address of another service if whoever sent the request that is being handled can reach it. A loopback address only if
    they called this service by one too, because then it is their own machine."""
    if address is None:
        return None
    mine = _host(request.host)
    return address if not is_on_loopback(address) or (mine is not None and _is_loopback(mine)) else None


def is_own_origin(origin: str, public_url: str | None) -> bool:
    """Whether an `Origin` header names this service: by the host that was asked, or by `public_url`, because a proxy may ask by
    a name of its own."""
    try:
        return urlsplit(origin).netloc == request.host or (public_url is not None and _site(origin) == _site(public_url))
    except ValueError:
        return False


def is_on_loopback(address: str) -> bool:
    """Whether a URL leads to the machine on which it is opened."""
    return _is_loopback(urlsplit(address).hostname or "")


def _host(header: str) -> str | None:
    """The host name of a `Host` header, lower case and without port; None if the header is malformed."""
    try:
        parts = urlsplit(f"//{header}")
        parts.port  # noqa: B018 (raises ValueError if the port is no number)
    except ValueError:
        return None
    is_plain = parts.netloc == header and parts.username is None
    return parts.hostname.removesuffix(".") if is_plain and parts.hostname else None


def _site(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, as browsers compare them; ValueError if it is no URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _address() -> str | None:
    """The address that the connection came in on; None outside gunicorn."""
    client = request.environ.get("gunicorn.socket")
    address = client.getsockname() if client is not None else None
    return str(address[0]) if isinstance(address, tuple) else None
