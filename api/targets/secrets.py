"""The password of a target, or its keys: where its document says they are, on this machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.targets.engine import TargetUnusable
from stringx_dataops.contract.documents.engines.base import WithPassword
from stringx_dataops.contract.variables import SettingsError, secret


@dataclass(frozen=True)
class Named:
    """A secret that the document of a target names by a variable or a file, in the fields FIELD_env and FIELD_file. `kind` says
    what it is."""

    target: str
    variable: str | None
    file: str | None
    field: str = "password"
    kind: str = "password"


def password(target: WithPassword, secrets_dir: Path, environ: Mapping[str, str] | None = None) -> str:
    """The target's password, empty where its document names none."""
    return secret_of(Named(target.name, target.password_env, target.password_file), secrets_dir, environ)


def secret_of(named: Named, secrets_dir: Path, environ: Mapping[str, str] | None = None) -> str:
    """The secret, empty where the document names none. Raises TargetUnusable if it cannot be read."""
    field = named.field
    if named.variable is not None:
        try:
            value = secret(named.variable, environ=environ)
        except SettingsError as error:
            raise TargetUnusable(f"target {named.target}: {error}") from error
        if value is None:
            raise TargetUnusable(
                f"target {named.target}: the variable {named.variable} ({field}_env) is not set where the worker runs;"
                " set it and start the service again"
            )
        return _sent(named, value, f"the variable {named.variable} ({field}_env)")
    if named.file is not None:
        path = _secret_file(named, named.file, secrets_dir)
        try:
            value = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise TargetUnusable(
                f"target {named.target}: cannot read the {field}_file {named.file!r} in the secrets folder"
                f" ({getattr(error, 'strerror', None) or 'not UTF-8'}); write the {named.kind} into it (STRINGX_SECRETS)"
            ) from error
        return _sent(named, value, f"the {field}_file {named.file!r} in the secrets folder")
    return ""


def _sent(named: Named, value: str, source: str) -> str:
    if "\0" in value:
        raise TargetUnusable(
            f"target {named.target}: {source} holds a NUL character, as a text in UTF-16 does; write the {named.kind} in UTF-8"
        )
    return value


def _secret_file(named: Named, name: str, secrets_dir: Path) -> Path:
    """In the folder that bears the target's name, which serves this target alone, or else at the top, which serves all."""
    own = secrets_dir / named.target / name.removeprefix(f"{named.target}/")
    is_own = "/" in name or os.path.lexists(own)
    path = Path(os.path.realpath(own if is_own else secrets_dir / name))
    root = Path(os.path.realpath(secrets_dir))
    folders = list(path.relative_to(root).parts[:-1]) if path.is_relative_to(root) else None
    if folders is None:
        raise TargetUnusable(f"target {named.target}: {named.field}_file leads out of the secrets folder; put the file into it")
    if folders and folders[0].startswith(".."):  # where Kubernetes keeps what the names of a mounted secret lead to
        folders.pop(0)
    if folders[:1] not in ([[named.target]] if is_own else [[], [named.target]]):
        where = (
            f"into its folder {folders[0]}, whose files serve the target {folders[0]} alone" if folders else "out of its folder"
        )
        raise TargetUnusable(
            f"target {named.target}: {named.field}_file leads {where}; put a file into {named.target}/ in the secrets folder"
        )
    return path
