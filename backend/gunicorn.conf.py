"""How gunicorn serves the Backend."""

from backend.app import THREADS
from contract import environment
from web import serving

_settings = environment.read()
bind = f"{_settings.bind_host}:{_settings.backend_port}"
threads = THREADS
globals().update(serving.COMMON)
