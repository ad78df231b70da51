"""gunicorn's settings that all services share: one worker process with threads, forked after the app was loaded."""

import gc

from gunicorn import glogging
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from database.awaited import wait_until_migrated
from database.connecting import bound_waits
from web import logs, tracing


def _on_starting(_: Arbiter) -> None:
    """The application is loaded; nothing is listened on yet."""
    wait_until_migrated()


class JsonLogger(glogging.Logger):  # type: ignore[misc]
    """What gunicorn itself says goes the way of all other logs."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        logs.configure()
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _pre_fork(_: Arbiter, __: Worker) -> None:
    """Keep loaded objects out of garbage collection, so that their memory pages stay shared with the parent."""
    gc.collect()
    gc.freeze()


def _post_worker_init(worker: Worker) -> None:
    """Start background threads in the worker process, because threads do not survive a fork."""
    bound_waits()
    tracing.start(f"stringx-{getattr(worker.wsgi, 'name', 'web')}")
    worker.wsgi.extensions["stringx_start"]()
    presence, loops = worker.wsgi.extensions["stringx_presence"]
    presence.start(loops)


def _worker_exit(_: Arbiter, worker: Worker) -> None:
    if worker.wsgi is not None:  # the app was loaded
        worker.wsgi.extensions["stringx_presence"][0].end()
    tracing.stop()


CONNECTIONS: dict[str, object] = {
    "logger_class": "web.serving.JsonLogger",
    "worker_class": "web.connections.RequestWorker",
    "worker_connections": 600,  # together with all other open files, fewer than a process may open
}
COMMON: dict[str, object] = CONNECTIONS | {
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
    "worker_exit": _worker_exit,
}
