"""Reads the dbt project without dbt: where its packages are, and whether its profile takes the connection from the Target.

The project is `stringx/`, a copy of it, or another dbt project that has `stringx` as a package.
"""

import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import yaml

import stringx_dataops
from stringx_dataops.contract.adapters import Adapter, adapter_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.settings import ROOT

PACKAGE = "stringx"
PACKED = Path(stringx_dataops.__file__).parent / "packed"  # of an installed package; setup.py puts the catalogue there
_WRITTEN_BY_DBT = {"target", "logs", ".user.yml"}  # at the top of a project
_NO_PART = {".git", "__pycache__"}
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
    "duckdb": {
        "path": "STRINGX_TARGET_PATH",
        "config_options": "STRINGX_TARGET_ACCESS_MODE",
        "plugins": "STRINGX_TARGET_READS",
    },
    "trino": {
        "host": "STRINGX_TARGET_HOST",
        "port": "STRINGX_TARGET_PORT",
        "user": "STRINGX_TARGET_USER",
        "password": "DBT_ENV_SECRET_TARGET_PASSWORD",
        "method": "STRINGX_TARGET_METHOD",
        "http_scheme": "STRINGX_TARGET_SCHEME",
        "cert": "STRINGX_TARGET_SSLROOTCERT",
        "catalog": "STRINGX_TARGET_CATALOG",
    },
}

# Adapters whose queries run in the process that runs dbt. It serves one check, and ends with it.
READS_ITSELF: frozenset[Adapter] = frozenset({"duckdb"})
# Adapters that send nothing before the first statement, whatever the project says.
SILENT: frozenset[Adapter] = frozenset({"trino"})
# The flag of dbt_project.yml, of adapters that have one, without which an adapter sends BEGIN and COMMIT before each test.
SILENT_FLAGS: dict[Adapter, str] = {"postgres": "postgres_skip_autocommit_transaction_statements"}
# The variable from which a driver whose sessions have names takes the name if the profile's is empty.
SESSION_NAMES: dict[Adapter, str] = {"postgres": "PGAPPNAME", "trino": "STRINGX_TARGET_SOURCE"}


def project_of_commands(environ: Mapping[str, str] | None = None) -> Path:
    """The project whose rule types count offline: DBT_PROJECT_DIR, else that of the checkout, else what the package brings."""
    given = (os.environ if environ is None else environ).get("DBT_PROJECT_DIR")
    return Path(given) if given else PACKED if PACKED.is_dir() else ROOT / "stringx"


def settings(project_dir: Path) -> JsonObject:
    """The content of dbt_project.yml before rendering. Raises ValueError in one line if it cannot be read."""
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


def folders_of(project: JsonObject, kind: str) -> list[str]:
    """The folders that the settings of a project name for a kind of path such as `model-paths`, else dbt's default."""
    return project.get(kind) or [DEFAULT_FOLDERS[kind]]


def packages_folder(project_dir: Path) -> Path:
    """The folder into which `dbt deps` installs packages; dbt's default if dbt_project.yml cannot be read."""
    try:
        install_path = settings(project_dir).get("packages-install-path")
    except ValueError:  # reported by callers that need the settings
        install_path = None
    return project_dir / str(install_path or "dbt_packages")


def homes_of_rules(project_dir: Path) -> list[Path]:
    """Folders whose macros define rule types: the package `stringx` if it is installed, and the project itself."""
    package = packages_folder(project_dir) / PACKAGE
    return [package, project_dir] if package.is_dir() else [project_dir]


def fault_of_packages(project_dir: Path) -> str | None:
    """One line if `dbt deps` has not been run: the project names packages, but none is installed. None otherwise."""
    for name in ("packages.yml", "dependencies.yml"):
        try:
            content = yaml.safe_load((project_dir / name).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):  # missing, or dbt will report the error
            continue
        folder = packages_folder(project_dir)
        if isinstance(content, dict) and content.get("packages") and not (folder.is_dir() and any(folder.iterdir())):
            return (
                f"DBT_PROJECT_DIR: the packages of {project_dir / name} are not installed;"
                f" run `dbt deps --project-dir {project_dir}`"
            )
    return None


def fault_of_project(project_dir: Path, profiles_dir: Path) -> str | None:
    """One line if the project cannot be used, as far as that is visible without dbt. None otherwise."""
    return fault_of_packages(project_dir) or fault_of_profile(project_dir, profiles_dir)


def fingerprint(project_dir: Path) -> str:
    """A hash of path, time and size of each file of the project and its packages, without the files that dbt writes."""
    states = []
    for path in files(project_dir):
        try:
            state = path.stat()
        except OSError:  # a broken link, or a file that is just being replaced
            continue
        states.append(f"{path} {state.st_mtime_ns} {state.st_size}")
    return sha256("\n".join(states).encode()).hexdigest()


def files(project_dir: Path) -> Iterator[Path]:
    """Each file of the project and its packages, without those that dbt writes, always in the same order; not all are regular
    files."""
    seen: set[str] = set()
    for folder, folders, names in os.walk(project_dir, followlinks=True):  # local packages are links
        real = os.path.realpath(folder)
        left_out = _NO_PART | (_WRITTEN_BY_DBT if "dbt_project.yml" in names else set())
        folders[:] = [] if real in seen else sorted(set(folders) - left_out)
        seen.add(real)
        for name in sorted(set(names) - left_out):
            yield Path(folder, name)


def fault_of_profile(project_dir: Path, profiles_dir: Path) -> str | None:
    """One line if the project's profile would not connect to the Target of a check. None otherwise."""
    path = profiles_dir / "profiles.yml"
    try:
        name = settings(project_dir).get("profile")
        profile = _mapping(path, "DBT_PROFILES_DIR").get(str(name))
    except ValueError as error:
        return str(error)
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    if not isinstance(profile, dict) or not isinstance(outputs, dict):
        return f"DBT_PROFILES_DIR: {path} has no profile {name!r} with outputs; take it over from stringx/profiles.yml"
    active = profile.get("target", "default")
    for output_name, output in outputs.items():
        if active in outputs and output_name != active:
            continue  # if the profile's target is a Jinja expression, any output may be active
        fields = output if isinstance(output, dict) else {}
        for field, variable in CONNECTION[adapter_of({"adapter": fields.get("type")})].items():
            if variable not in str(fields.get(field)):
                return (
                    f"DBT_PROFILES_DIR: {path}: {field} of {name}.{output_name} is not read from {variable}, so checks would"
                    " connect elsewhere than their target says; take the output over from stringx/profiles.yml"
                )
    return None


def _mapping(path: Path, variable: str) -> JsonObject:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{variable}: cannot read {path} ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{variable}: {path} is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{variable}: {path} holds no settings")
    return content
