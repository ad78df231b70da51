"""What dbt does again in each run, done once when it is loaded."""

import pkgutil
import sys
from importlib.machinery import FileFinder, ModuleSpec
from types import ModuleType

import jinja2.sandbox
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.jinja import template_cache

PACKAGES_OF_DBT = ("dbt", "dbt_postgres")


class _Folder:
    """A folder of the module path whose modules are listed once: dbt goes through the whole path at each run, 12 ms."""

    def __init__(self, path: str, finder: FileFinder) -> None:
        self._finder = finder
        self._modules = [(found.name, found.ispkg) for found in pkgutil.iter_modules([path])]

    def find_spec(self, name: str, target: ModuleType | None = None) -> ModuleSpec | None:
        return self._finder.find_spec(name, target)

    def invalidate_caches(self) -> None:
        self._finder.invalidate_caches()

    def iter_modules(self, prefix: str = "") -> list[tuple[str, bool]]:
        """As `pkgutil.iter_modules` asks finders that are none of Python's own."""
        return [(prefix + name, is_package) for name, is_package in self._modules]


def list_path_once() -> None:
    """List the modules of each folder of the path now, for all runs to come."""
    for path in sys.path:
        finder = pkgutil.get_importer(path)
        if isinstance(finder, FileFinder):
            sys.path_importer_cache[path] = _Folder(path, finder)


def compile_macros(manifest: Manifest) -> None:
    """Put the project's macros into dbt's own cache of compiled templates: no check is the first to use a rule type."""
    for macro in manifest.macros.values():
        if macro.package_name not in PACKAGES_OF_DBT:
            template_cache.get_node_template(macro)


def remember_attributes() -> None:
    """Jinja's sandbox asks at each attribute that a macro reads whether it is one of Python's own, which the type decides: a
    third of the time that macros take."""
    is_internal, known = jinja2.sandbox.is_internal_attribute, dict[tuple[type, str], bool]()

    def remembered(obj: object, attr: str) -> bool:
        key = (type(obj), attr)
        if key not in known:
            known[key] = is_internal(obj, attr)
        return known[key]

    jinja2.sandbox.is_internal_attribute = remembered
