"""How a check reaches a cluster of Trino: the environment of the dbt profile."""

import json
import os
import ssl
from pathlib import Path

from api.engine.profile import PASSWORD_VARIABLE, SESSION_VARIABLE, module_path
from api.targets.engine import TargetUnusable
from api.targets.secrets import password
from stringx_dataops.contract.documents.engines.trino import TrinoTarget


def connection_environment(target: TrinoTarget, secrets_dir: Path, application_name: str) -> dict[str, str]:
    """The variables that `profiles.yml` reads, the password among them; TargetUnusable where it is missing."""
    return {
        "STRINGX_TARGET_METHOD": target.method,
        "STRINGX_TARGET_HOST": target.address,
        "STRINGX_TARGET_PORT": str(target.server_port),
        "STRINGX_TARGET_USER": target.user,
        "STRINGX_TARGET_CATALOG": target.catalog,
        "STRINGX_TARGET_SCHEMA": target.schema,
        "STRINGX_TARGET_SCHEME": "http" if target.tls == "disable" else "https",
        "STRINGX_TARGET_SSLROOTCERT": _authorities(target),
        "STRINGX_TARGET_SESSION_PROPERTIES": json.dumps(
            {name: _text(each) for name, each in target.session_properties.items()}, ensure_ascii=False
        ),
        "STRINGX_TARGET_ROLES": json.dumps(target.roles, ensure_ascii=False),
        "PYTHONPATH": module_path("trino"),
        SESSION_VARIABLE: application_name,
    } | _secret(target, secrets_dir)


def _secret(target: TrinoTarget, secrets_dir: Path) -> dict[str, str]:
    """The password or token, if there is one; what HTTP cannot carry would be another one there."""
    if target.method == "none":
        return {}
    value = password(target, secrets_dir)
    if not (value and value.isascii() and value.isprintable()):
        named = target.password_env or target.password_file
        raise TargetUnusable(
            f"target {target.name}: {named} is empty, or holds what a header of HTTP cannot carry; write letters, digits and"
            " signs of ASCII"
        )
    return {PASSWORD_VARIABLE: value}


def _authorities(target: TrinoTarget) -> str:
    """The file or folder of the certificate authorities by which the server is verified; `False` if it is not. The system's are
    named, because the client would otherwise take a list of its own."""
    if target.tls == "require":
        return "False"
    if target.sslrootcert is not None:
        return target.sslrootcert
    paths = ssl.get_default_verify_paths()
    found = (path for path in (paths.cafile, paths.capath) if path is not None and os.path.exists(path))
    return next(found, "True")


def _text(value: bool | int | float | str) -> str:
    """As Trino writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
