"""The password of a target: where its document says it is, on this machine."""

import os
from collections.abc import Mapping
from pathlib import Path

from api.targets.engine import TargetUnusable
from stringx_dataops.contract.documents.engines.base import WithPassword
from stringx_dataops.contract.settings import SettingsError, secret


def password(target: WithPassword, secrets_dir: Path, environ: Mapping[str, str] | None = None) -> str:
    """The target's password, empty where its document names none."""
    if target.password_env is not None:
        try:
            value = secret(target.password_env, environ=environ)
        except SettingsError as error:
            raise TargetUnusable(f"target {target.name}: {error}") from error
        if value is None:
            raise TargetUnusable(
                f"target {target.name}: the variable {target.password_env} (password_env) is not set where the worker runs;"
                " set it and start the service again"
            )
        return _sent(target, value, f"the variable {target.password_env} (password_env)")
    if target.password_file is not None:
        path = _secret_file(target, target.password_file, secrets_dir)
        try:
            value = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise TargetUnusable(
                f"target {target.name}: cannot read the password_file {target.password_file!r} in the secrets folder"
                f" ({getattr(error, 'strerror', None) or 'not UTF-8'}); write the password into it (STRINGX_SECRETS)"
            ) from error
        return _sent(target, value, f"the password_file {target.password_file!r} in the secrets folder")
    return ""


def _sent(target: WithPassword, value: str, source: str) -> str:
    if "\0" in value:
        raise TargetUnusable(
            f"target {target.name}: {source} holds a NUL character, as a text in UTF-16 does; write the password in UTF-8"
        )
    return value


def _secret_file(target: WithPassword, name: str, secrets_dir: Path) -> Path:
    """In the folder that bears the target's name, which serves this target alone, or else at the top, which serves all."""
    own = secrets_dir / target.name / name.removeprefix(f"{target.name}/")
    is_own = "/" in name or os.path.lexists(own)
    path = Path(os.path.realpath(own if is_own else secrets_dir / name))
    root = Path(os.path.realpath(secrets_dir))
    folders = list(path.relative_to(root).parts[:-1]) if path.is_relative_to(root) else None
    if folders is None:
        raise TargetUnusable(f"target {target.name}: password_file leads out of the secrets folder; put the file into it")
    if folders and folders[0].startswith(".."):  # where Kubernetes keeps what the names of a mounted secret lead to
        folders.pop(0)
    if folders[:1] not in ([[target.name]] if is_own else [[], [target.name]]):
        where = (
            f"into its folder {folders[0]}, whose files serve the target {folders[0]} alone" if folders else "out of its folder"
        )
        raise TargetUnusable(
            f"target {target.name}: password_file leads {where}; put a file into {target.name}/ in the secrets folder"
        )
    return path
