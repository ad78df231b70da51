"""Kafka: names of topics and groups, headers of dead letters, and the settings for the brokers.

The names of the options are those of kafka-python, which is not imported here.
"""

import logging
import os
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from stringx_dataops.contract.settings import FILES
from stringx_dataops.contract.variables import SettingsError, secret

PREFIX = "stringx.quality-check"
PORT = 9092

# Headers of a dead letter: the error, and where the message was. `cut`: only the beginning was kept; the value is the whole size.
ERROR, TOPIC, PARTITION, OFFSET, CUT = "error", "topic", "partition", "offset", "cut"

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?")


class Security(TypedDict, total=False):
    """Keyword arguments of kafka-python's clients for encryption and authentication."""

    security_protocol: str
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str
    ssl_cafile: str | None
    ssl_certfile: str | None
    ssl_keyfile: str | None
    ssl_password: str | None


@dataclass(frozen=True)
class Kafka:
    """The brokers, the options for connecting to them, and the prefix of all topics and groups."""

    bootstrap_servers: list[str]
    prefix: str = PREFIX
    security: Security = field(default_factory=Security, repr=False)

    @property
    def requests(self) -> str:
        """The topic of requests."""
        return f"{self.prefix}.requests"

    @property
    def results(self) -> str:
        """The topic of results."""
        return f"{self.prefix}.results"

    @property
    def gates(self) -> str:
        """The topic of gates that changed: `stringx.gates` with the default prefix."""
        return f"{self.prefix.removesuffix('.quality-check')}.gates"

    @property
    def dead_letters(self) -> str:
        """The topic of messages that could not become requests."""
        return f"{self.prefix}.requests.dlq"

    @property
    def group(self) -> str:
        """The consumer group that reads requests."""
        return self.prefix

    @property
    def replayed(self) -> str:
        """The consumer group whose offsets mark the dead letters that have been replayed."""
        return f"{self.prefix}.dlq"

    @property
    def servers(self) -> str:
        """The brokers as they appear in messages: host:port, separated by commas."""
        return ",".join(self.bootstrap_servers)


class Heard(logging.Handler):
    """Collects the connection errors that the Kafka client logs, and replaces its log.

    When the client gives up, its exception says only that the time is over, not why.
    """

    _CAUSE = re.compile(r"^Bootstrap connection to \S+ failed: (.*) \(backoff [0-9.]+ secs\)$")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._causes: deque[str] = deque(maxlen=10)
        logger = logging.getLogger("kafka")
        logger.handlers[:] = [self]
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the cause of a failed connection; drop all other records."""
        if failure := self._CAUSE.match(record.getMessage()):
            self._causes.append(failure[1])

    def why(self, settings: Kafka) -> str:
        """One line that says that no broker answers, with the last known cause. Forgets the causes so far."""
        causes = [cause for cause in self._causes if "socket disconnected" not in cause] or list(self._causes)
        self._causes.clear()
        return f"no Kafka broker answers at {settings.servers}" + (f" ({causes[-1].splitlines()[0]})" if causes else "")


def read(environ: Mapping[str, str] | None = None, servers: str | None = None) -> Kafka | None:
    """Read the settings from the environment; `servers` replaces KAFKA_BOOTSTRAP_SERVERS.

    Returns None if no broker is named. Raises SettingsError in one line for a wrong setting.
    """
    env = os.environ if environ is None else environ
    text = servers or env.get("KAFKA_BOOTSTRAP_SERVERS")
    if not text:
        return None
    prefix = env.get("KAFKA_TOPIC_PREFIX") or PREFIX
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,150}", prefix) or prefix in (".", ".."):
        raise SettingsError(f"KAFKA_TOPIC_PREFIX is {prefix!r}; give letters, digits, dots, hyphens and underscores")
    return Kafka([_server(part.strip()) for part in text.split(",")], prefix, _security(env))


def of_client(servers: str | None = None) -> Kafka:
    """The settings for a command. Its brokers are `servers`, those of the environment, or the one that `--kafka` starts here.

    Raises SettingsError as `read` does.
    """
    local = f"127.0.0.1:{os.environ.get('KAFKA_PORT') or PORT}"
    settings = read(servers=servers or os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or local)
    assert settings is not None
    return settings


def _server(text: str) -> str:
    match = _SERVER.fullmatch(text)
    if not match or not 0 < int((match[2] or f":{PORT}")[1:]) < 65536:
        raise SettingsError(f"KAFKA_BOOTSTRAP_SERVERS: {text!r} is no broker; give host:port, several with commas between them")
    return text if match[2] else f"{text}:{PORT}"


def _security(env: Mapping[str, str]) -> Security:
    mechanism = _one_of(env, "KAFKA_SASL_MECHANISM", _MECHANISMS)
    files = {name: _file(env, name) for name in FILES}
    protocol = _one_of(env, "KAFKA_SECURITY_PROTOCOL", _PROTOCOLS) or "PLAINTEXT"
    options: Security = {"security_protocol": protocol}
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
