"""How gunicorn serves the DataOps service."""

from api.app import THREADS
from stringx_dataops.contract.settings import read_settings
from web import serving

_settings = read_settings()
bind = f"{_settings.bind_host}:{_settings.dataops_port}"
threads = THREADS
globals().update(serving.COMMON)
