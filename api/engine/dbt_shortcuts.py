"""Work that dbt repeats in each run, done once when it is loaded."""

import pkgutil
import sys
from importlib.machinery import FileFinder, ModuleSpec
from types import ModuleType

import jinja2.sandbox
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.jinja import template_cache

from stringx_dataops.contract.adapters import ADAPTERS

PACKAGES_OF_DBT = ("dbt", *(f"dbt_{adapter}" for adapter in ADAPTERS))  # dbt and its adapters


class _Folder:
    """A folder of the module path whose modules are listed once. dbt lists the whole path in each run, which takes 12 ms."""

    def __init__(self, path: str, finder: FileFinder) -> None:
        self._finder = finder
        self._modules = [(module.name, module.ispkg) for module in pkgutil.iter_modules([path])]

    def find_spec(self, name: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """As `importlib.abc.PathEntryFinder` has it."""
        return self._finder.find_spec(name, target)

    def invalidate_caches(self) -> None:
        """As `importlib.abc.PathEntryFinder` has it; the list of modules stays."""
        self._finder.invalidate_caches()

    def iter_modules(self, prefix: str = "") -> list[tuple[str, bool]]:
        """The method that `pkgutil.iter_modules` calls on finders other than Python's own."""
        return [(prefix + name, is_package) for name, is_package in self._modules]


def list_path_once() -> None:
    """List the modules of each folder of the module path now, for all later runs of this process and its children."""
    for path in sys.path:
        finder = pkgutil.get_importer(path)
        if isinstance(finder, FileFinder):
            sys.path_importer_cache[path] = _Folder(path, finder)


def compile_macros(manifest: Manifest) -> None:
    """Put the project's macros into dbt's own cache of compiled templates, so that the first check of a rule type is as fast as
    later ones."""
    for macro in manifest.macros.values():
        if macro.package_name not in PACKAGES_OF_DBT:
            template_cache.get_node_template(macro)


def remember_attributes() -> None:
    """Remember which attributes are internal to Python. Jinja's sandbox decides that for each attribute that a macro reads, which
    takes a third of the macros' time. It depends on the type alone."""
    is_internal, known = jinja2.sandbox.is_internal_attribute, dict[tuple[type, str], bool]()

    def remembered(obj: object, attr: str) -> bool:
        key = (type(obj), attr)
        if key not in known:
            known[key] = is_internal(obj, attr)
        return known[key]

    jinja2.sandbox.is_internal_attribute = remembered
