"""What gunicorn is told the same way for both services: one process of threads, loaded before the fork."""

import gc
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from database.pool import bound_waits
from web import logs


def _on_starting(_: Arbiter) -> None:
    logs.configure()


def _pre_fork(_: Arbiter, __: Worker) -> None:
    """What is loaded stays shared with the parent: no collection writes into it, nor looks through it."""
    gc.collect()
    gc.freeze()


def _post_worker_init(worker: Worker) -> None:
    """Threads do not survive a fork, so a web process starts its own."""
    bound_waits()
    worker.wsgi.extensions["stringx_start"]()


CONNECTIONS: dict[str, Any] = {
    "worker_class": "web.connections.RequestWorker",
    "worker_connections": 600,  # with what else is open, fewer files than a process may have
}
COMMON: dict[str, Any] = CONNECTIONS | {
    "workers": 1,
    "preload_app": True,
    "keepalive": 30,
    "timeout": 60,
    "graceful_timeout": 25,
    "max_requests": 0,
    "worker_tmp_dir": None,
    "control_socket_disable": True,
    "on_starting": _on_starting,
    "pre_fork": _pre_fork,
    "post_worker_init": _post_worker_init,
}
