"""How gunicorn serves the DataOps service."""

from api.app import THREADS
from contract import environment
from web import serving

_settings = environment.read()
bind = f"{_settings.bind_host}:{_settings.dataops_port}"
threads = THREADS
globals().update(serving.COMMON)
