"""What is said over Kafka: the topics, the headers of a dead letter, and how the brokers are reached.

The names of the options are kafka-python's, which is not imported here.
"""

import logging
import os
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stringx_dataops.contract.settings import FILES, SettingsError, secret

PREFIX = "stringx.quality-check"
PORT = 9092

# Headers of a dead letter: why, and where the message stood; `cut`: its size, where only its beginning could be kept.
ERROR, TOPIC, PARTITION, OFFSET, CUT = "error", "topic", "partition", "offset", "cut"

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Kafka:
    """The brokers, how they are spoken to, and the beginning of every name of ours there."""

    bootstrap_servers: list[str]
    prefix: str = PREFIX
    security: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def requests(self) -> str:
        return f"{self.prefix}.requests"

    @property
    def results(self) -> str:
        return f"{self.prefix}.results"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}.requests.dlq"

    @property
    def group(self) -> str:
        """Of the consumers that take in requests."""
        return self.prefix

    @property
    def replayed(self) -> str:
        """The group whose offsets say which dead letters have been replayed."""
        return f"{self.prefix}.dlq"

    @property
    def servers(self) -> str:
        return ",".join(self.bootstrap_servers)


class Heard(logging.Handler):
    """What the client says while it tries to reach a broker, in place of its log: the exception that it raises in the end says
    only that the time is over."""

    _CAUSE = re.compile(r"^Bootstrap connection to \S+ failed: (.*) \(backoff [0-9.]+ secs\)$")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._causes: deque[str] = deque(maxlen=10)
        logger = logging.getLogger("kafka")
        logger.handlers[:] = [self]
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        if found := self._CAUSE.match(record.getMessage()):
            self._causes.append(found[1])

    def why(self, settings: Kafka) -> str:
        """One line: that no broker answers, and what kept it from that."""
        causes = [cause for cause in self._causes if "socket disconnected" not in cause] or list(self._causes)
        self._causes.clear()
        return f"no Kafka broker answers at {settings.servers}" + (f" ({causes[-1].splitlines()[0]})" if causes else "")


def read(environ: Mapping[str, str] | None = None, servers: str | None = None) -> Kafka | None:
    """From the environment, `servers` in place of KAFKA_BOOTSTRAP_SERVERS; None where none is named, SettingsError in one line
    where something cannot be used."""
    env = os.environ if environ is None else environ
    text = servers or env.get("KAFKA_BOOTSTRAP_SERVERS")
    if not text:
        return None
    prefix = env.get("KAFKA_TOPIC_PREFIX") or PREFIX
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,150}", prefix) or prefix in (".", ".."):
        raise SettingsError(f"KAFKA_TOPIC_PREFIX is {prefix!r}; give letters, digits, dots, hyphens and underscores")
    return Kafka([_server(part.strip()) for part in text.split(",")], prefix, _security(env))


def of_client(servers: str | None = None) -> Kafka:
    """What a command speaks to: `servers`, else the environment's, else the broker that --kafka starts on this machine."""
    local = f"127.0.0.1:{os.environ.get('KAFKA_PORT') or PORT}"
    found = read(servers=servers or os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or local)
    assert found is not None
    return found


def _server(text: str) -> str:
    found = _SERVER.fullmatch(text)
    if not found or not 0 < int((found[2] or f":{PORT}")[1:]) < 65536:
        raise SettingsError(f"KAFKA_BOOTSTRAP_SERVERS: {text!r} is no broker; give host:port, several with commas between them")
    return text if found[2] else f"{text}:{PORT}"


def _security(env: Mapping[str, str]) -> dict[str, Any]:
    mechanism = _one_of(env, "KAFKA_SASL_MECHANISM", _MECHANISMS)
    files = {name: _file(env, name) for name in FILES}
    protocol = _one_of(env, "KAFKA_SECURITY_PROTOCOL", _PROTOCOLS) or "PLAINTEXT"
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        name, password = env.get("KAFKA_SASL_USERNAME"), secret("KAFKA_SASL_PASSWORD", environ=env)
        if mechanism is None:
            raise SettingsError(f"KAFKA_SASL_MECHANISM is not set; {protocol} needs one of {', '.join(_MECHANISMS)}")
        if not name or password is None:
            missing = "KAFKA_SASL_PASSWORD" if name else "KAFKA_SASL_USERNAME"
            raise SettingsError(f"{missing} is not set; {mechanism} needs a name and a password")
        options |= {"sasl_mechanism": mechanism, "sasl_plain_username": name, "sasl_plain_password": password}
    elif mechanism is not None:
        raise SettingsError(f"KAFKA_SASL_MECHANISM is set, and KAFKA_SECURITY_PROTOCOL is {protocol}; give SASL_SSL with it")
    if protocol.endswith("SSL"):
        options |= {
            "ssl_cafile": files["KAFKA_SSL_CAFILE"],
            "ssl_certfile": files["KAFKA_SSL_CERTFILE"],
            "ssl_keyfile": files["KAFKA_SSL_KEYFILE"],
            "ssl_password": secret("KAFKA_SSL_KEY_PASSWORD", environ=env),
        }
    elif given := [name for name, path in files.items() if path is not None]:
        raise SettingsError(f"{given[0]} is set, and KAFKA_SECURITY_PROTOCOL is {protocol}; give SSL or SASL_SSL with it")
    return options


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    text = env.get(name)
    if text and text not in known:
        raise SettingsError(f"{name} is {text!r}; give one of {', '.join(known)}")
    return text or None


def _file(env: Mapping[str, str], name: str) -> str | None:
    text = env.get(name)
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not os.access(path, os.R_OK):
        raise SettingsError(f"{name} is {text!r}, which cannot be read; give the path of a PEM file")
    return str(path)
