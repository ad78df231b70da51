"""The container's health check: calls /healthz of the services that the container's role runs."""

import http.client
import urllib.request
from pathlib import Path

from stringx_dataops.contract.settings import Settings

_SERVED = {"api.app": "api", "backend.app": "backend", "portal.app": "docs"}


def check(settings: Settings) -> int:
    """Return 0 if healthy, else 1. A role without a port counts as healthy: the container engine watches its process."""
    ports = {
        "all": (settings.dataops_port, settings.backend_port),
        "api": (settings.dataops_port,),
        "backend": (settings.backend_port,),
        "docs": (settings.docs_port,),
    }
    role = Path("/proc/1/cmdline").read_bytes().rstrip(b"\0").split(b"\0")[-1].decode()
    return 0 if all(answers(settings, port) for port in ports.get(_role(role), ())) else 1


def answers(settings: Settings, port: int) -> bool:
    """Whether the process that serves this port of this machine says that it lives."""
    host = "127.0.0.1" if settings.bind_host in ("0.0.0.0", "::") else settings.bind_host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"http://{host}:{port}/healthz", timeout=3).close()
    except (OSError, http.client.HTTPException):
        return False
    return True


def _role(last_argument: str) -> str:
    """The role, from the last argument of process 1, which by now is supervisord or gunicorn."""
    if last_argument.endswith("supervisord.conf"):
        return "all"
    return _SERVED.get(last_argument.partition(":")[0], "other")
