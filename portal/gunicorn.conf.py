"""How gunicorn serves the portal."""

from database.awaited import wait_until_migrated
from stringx_dataops.contract.settings import read_settings
from web import serving

_settings = read_settings()
bind = f"{_settings.bind_host}:{_settings.docs_port}"
workers = 1
threads = 16  # clients that are slow to read hold one each
preload_app = True
control_socket_disable = True
globals().update(serving.CONNECTIONS)


def on_starting(_: object) -> None:
    """The application is loaded; nothing is listened on yet."""
    wait_until_migrated()
