"""What the services read of the dbt project without dbt: where its packages lie, and whether its profile takes the connection
from the Target. The project is `stringx/`, a user's copy of it, or a user's own that has `stringx` as a package."""

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from stringx_dataops.contract.adapters import Adapter, adapter_of

PACKAGE = "stringx"
_WRITTEN_BY_DBT = {"target", "logs", ".user.yml", ".git", "__pycache__"}
# What each field of the profile's output must be read from, by the output's `type`, so that a check reaches the target it was
# asked about.
CONNECTION: dict[Adapter, dict[str, str]] = {
    "postgres": {
        "host": "STRINGX_TARGET_HOST",
        "port": "STRINGX_TARGET_PORT",
        "user": "STRINGX_TARGET_USER",
        "password": "DBT_ENV_SECRET_TARGET_PASSWORD",
        "dbname": "STRINGX_TARGET_DBNAME",
        "sslmode": "STRINGX_TARGET_SSLMODE",
    },
}


def settings(project_dir: Path) -> dict[str, Any]:
    """The content of dbt_project.yml, unrendered; ValueError in one line where it cannot be read."""
    return _mapping(project_dir / "dbt_project.yml", "DBT_PROJECT_DIR")


DEFAULT_FOLDERS = {  # of each kind of path in dbt_project.yml, where the project does not name its own
    "model-paths": "models",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
    "macro-paths": "macros",
    "analysis-paths": "analyses",
    "test-paths": "tests",
    "docs-paths": "docs",
}


def folders_of(project: Mapping[str, Any], kind: str) -> list[str]:
    """The folders that the settings of a project name for a kind of path such as `model-paths`, else dbt's default."""
    return project.get(kind) or [DEFAULT_FOLDERS[kind]]


def packages_folder(project_dir: Path) -> Path:
    """Where `dbt deps` puts packages."""
    try:
        named = settings(project_dir).get("packages-install-path")
    except ValueError:  # told by whoever needs the settings themselves
        named = None
    return project_dir / str(named or "dbt_packages")


def homes_of_rules(project_dir: Path) -> list[Path]:
    """The folders whose macros bring rule types: the package `stringx` where it is installed, and the project itself."""
    package = packages_folder(project_dir) / PACKAGE
    return [package, project_dir] if package.is_dir() else [project_dir]


def fault_of_packages(project_dir: Path) -> str | None:
    """One line where `dbt deps` has not been run: the project names packages and none is there."""
    for name in ("packages.yml", "dependencies.yml"):
        try:
            named = yaml.safe_load((project_dir / name).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):  # not there, or dbt says what is wrong with it
            continue
        folder = packages_folder(project_dir)
        if isinstance(named, dict) and named.get("packages") and not (folder.is_dir() and any(folder.iterdir())):
            return (
                f"DBT_PROJECT_DIR: the packages of {project_dir / name} are not installed;"
                f" run `dbt deps --project-dir {project_dir}`"
            )
    return None


def fault_of_project(project_dir: Path, profiles_dir: Path) -> str | None:
    """One line where the project cannot be used, as far as can be told without dbt."""
    return fault_of_packages(project_dir) or fault_of_profile(project_dir, profiles_dir)


def fingerprint(project_dir: Path) -> str:
    """Changes with each file of the project and of its packages; what dbt itself writes does not count."""
    found = []
    seen: set[str] = set()
    for folder, folders, files in os.walk(project_dir, followlinks=True):  # a local package is a link
        real = os.path.realpath(folder)
        folders[:] = [] if real in seen else sorted(set(folders) - _WRITTEN_BY_DBT)
        seen.add(real)
        for name in sorted(set(files) - _WRITTEN_BY_DBT):
            path = Path(folder, name)
            try:
                state = path.stat()
            except OSError:  # a link that leads nowhere, a file that is just being replaced
                continue
            found.append(f"{path} {state.st_mtime_ns} {state.st_size}")
    return sha256("\n".join(found).encode()).hexdigest()


def fault_of_profile(project_dir: Path, profiles_dir: Path) -> str | None:
    """One line where the project's profile would connect elsewhere than a check's Target says."""
    path = profiles_dir / "profiles.yml"
    try:
        name = settings(project_dir).get("profile")
        profile = _mapping(path, "DBT_PROFILES_DIR").get(str(name))
    except ValueError as error:
        return str(error)
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    if not isinstance(profile, dict) or not isinstance(outputs, dict):
        return f"DBT_PROFILES_DIR: {path} has no profile {name!r} with outputs; take it over from stringx/profiles.yml"
    chosen = profile.get("target", "default")
    for output_name, output in outputs.items():
        if chosen in outputs and output_name != chosen:
            continue  # a target that is itself an expression may choose any of them
        fields = output if isinstance(output, dict) else {}
        for field, variable in CONNECTION[adapter_of({"adapter": fields.get("type")})].items():
            if variable not in str(fields.get(field)):
                return (
                    f"DBT_PROFILES_DIR: {path}: {field} of {name}.{output_name} is not read from {variable}, so checks would"
                    " connect elsewhere than their target says; take the output over from stringx/profiles.yml"
                )
    return None


def _mapping(path: Path, variable: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{variable}: cannot read {path} ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{variable}: {path} is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{variable}: {path} holds no settings")
    return found
