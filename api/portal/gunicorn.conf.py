"""How gunicorn serves the portal."""

from contract import environment

_settings = environment.read()
bind = f"{_settings.bind_host}:{_settings.docs_port}"
workers = 1
worker_class = "gthread"
threads = 4
preload_app = True
control_socket_disable = True
