"""What is wrong with settings though everything runs: one line each, before `ready`.

What cannot work at all ends the start instead. Nothing here raises; a server is given PATIENCE_S to answer.
"""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.settings import VARIABLES, Settings
from stringx_dataops.contract.variables import SettingsError, secret

PATIENCE_S = 3.0
_MOST = 10  # lines about documents


def about_settings(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The folder of secrets, Kafka's brokers, the OpenID provider."""
    lines = list(_secrets_folder(settings))
    if "LAUNCH_KAFKA" not in environ:  # that broker is just starting
        lines += _brokers(environ)
    if settings.sign_in is not None:
        parts = urlsplit(settings.sign_in.issuer)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if (fault := _unreachable(str(parts.hostname), port)) is not None:
            lines.append(f"OIDC_ISSUER: {parts.hostname}:{port} does not answer ({fault}); nobody can sign in there meanwhile")
    return lines


def about_documents(settings: Settings, documents: Sequence[Mapping[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """Variables and files that targets and channels name, and that are missing. Lines begin with the document's name."""
    lines = [line for document in documents for line in _of_document(settings, document, environ)]
    more = len(lines) - _MOST
    return lines if more <= 0 else [*lines[:_MOST], f"{more} more secrets of targets and channels are missing"]


def _secrets_folder(settings: Settings) -> Iterator[str]:
    folder = settings.secrets
    if not os.path.exists(folder):  # unlike Path.exists, it raises nothing
        if folder != settings.home / "secrets":
            yield f"STRINGX_SECRETS is {folder}, which does not exist; make it, or unset the variable"
    elif not os.path.isdir(folder):
        yield f"STRINGX_SECRETS is {folder}, which is no folder; give the folder that holds the files"
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield f"STRINGX_SECRETS is {folder}, which cannot be read by this user; change its owner or mode"


def _brokers(environ: Mapping[str, str]) -> list[str]:
    try:
        found = kafka.read(environ)
    except SettingsError as error:
        return [str(error)]
    if found is None:
        given = next((name for name in VARIABLES if name.startswith("KAFKA_") and environ.get(name)), None)
        return [f"{given} is set, but KAFKA_BOOTSTRAP_SERVERS is not: no Kafka trigger is started"] if given is not None else []
    with ThreadPoolExecutor(min(8, len(found.bootstrap_servers))) as pool:
        faults = list(pool.map(_fault_of_server, found.bootstrap_servers[:8]))
    if None in faults:
        return []
    return [f"KAFKA_BOOTSTRAP_SERVERS: no broker answers at {found.servers} ({faults[0]}); the trigger goes on trying"]


def _fault_of_server(server: str) -> str | None:
    host, _, port = server.rpartition(":")
    return _unreachable(host.strip("[]"), int(port))


def _unreachable(host: str, port: int) -> str | None:
    try:
        with closing(socket.create_connection((host, port), timeout=PATIENCE_S)):
            return None
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _of_document(settings: Settings, document: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    name = f"{'channel' if document.get('kind') == 'Channel' else 'target'} {document.get('name')}"
    for field in ("password", "url", "secret"):
        variable, file = document.get(f"{field}_env"), document.get(f"{field}_file")
        if isinstance(variable, str):
            try:
                if secret(variable, environ=environ) is None:
                    yield f"{name}: the variable {variable} is not set; set it or {variable}_FILE, and start again"
            except SettingsError as error:
                yield f"{name}: {error}"
        elif isinstance(file, str) and not os.access(settings.secrets / file, os.R_OK):
            yield f"{name}: {field}_file {file!r} is not in {settings.secrets}, or cannot be read; put it there"
