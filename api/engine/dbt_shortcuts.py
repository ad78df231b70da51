"""Work that dbt repeats in each run, done once when it is loaded, or left out where nobody sees it."""

import multiprocessing
import pkgutil
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from importlib.machinery import FileFinder, ModuleSpec
from types import ModuleType
from typing import Any

from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import Macro
from dbt.mp_context import get_mp_context
from dbt_common.clients import agate_helper
from dbt_common.clients.jinja import BaseMacroGenerator
from dbt_common.events.base_types import BaseEvent
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager

from stringx_dataops.contract.adapters import ADAPTERS

PACKAGES_OF_DBT = ("dbt", *(f"dbt_{adapter}" for adapter in ADAPTERS))  # dbt and its adapters
# Folders and files of the project whose macros few checks call, and which take long to compile.
_SELDOM_USED = ("column_type", "compare_rows", "correlation", "dbt", "distribution", "json_schema", "quantiles")
_RULES = ("macros/rules/", "macros/common/rules/")
_SELDOM = ("macros/profile/", "macros/dbt/", *(folder + name for name in _SELDOM_USED for folder in _RULES))


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


def lock_within_process() -> None:
    """Make dbt's locks without names. With names, other processes could share them, which none does. They take a Python process
    that removes them at the end, and what is killed before leaves them in memory for good."""
    vars(get_mp_context())["get_context"] = partial(multiprocessing.get_context, "fork")


def macros_to_compile(manifest: Manifest) -> tuple[list[Macro], list[Macro]]:
    """The macros that most checks call, and the others that a check may call, without dbt's own."""
    ours = [macro for macro in manifest.macros.values() if macro.package_name not in PACKAGES_OF_DBT]
    often = [macro for macro in ours if not macro.original_file_path.startswith(_SELDOM)]
    return often, [macro for macro in ours if macro.original_file_path.startswith(_SELDOM)]


def remember_macros() -> None:
    """Make each macro of a run's context once. dbt makes it at each call, which takes as long as a short macro. All of them read
    the same context, so a name that is set later is seen too."""
    make = BaseMacroGenerator.get_macro

    def remembered(self: BaseMacroGenerator) -> Callable[..., Any]:
        known: Callable[..., Any] | None = self.__dict__.get("_remembered")
        if known is None:
            known = self.__dict__["_remembered"] = make(self)
        return known

    BaseMacroGenerator.get_macro = remembered


def remember_types() -> None:
    """Make what guesses the types of a result's columns once for the same columns of text. It makes three calendars each time."""
    make = lru_cache(maxsize=100)(agate_helper.build_type_tester)

    def remembered(text_columns: Iterable[str], string_null_values: Iterable[str] | None = ("null", "")) -> Any:
        return make(frozenset(text_columns), None if string_null_values is None else tuple(string_null_values))

    agate_helper.build_type_tester = remembered


def silence_events() -> None:
    """Fill in the message of an event only if something reads it. A child has no log of dbt's, and dbt fills in two messages for
    each of the 36 events of a run."""
    fill_in = BaseEvent.__init__

    def begin(self: BaseEvent, *arguments: Any, **fields: Any) -> None:
        if arguments:
            fill_in(self, *arguments, **fields)
        else:
            object.__setattr__(self, "_fields", fields)

    def message(self: BaseEvent, name: str) -> Any:
        """Called for attributes that are not set: the message, or one of its fields."""
        if name == "pb_msg":
            fill_in(self, **object.__getattribute__(self, "_fields"))
            return object.__getattribute__(self, name)
        return getattr(self.pb_msg, name)

    def change(self: BaseEvent, name: str, value: Any) -> None:
        if name == "pb_msg":
            object.__setattr__(self, name, value)
        else:
            setattr(self.pb_msg, name, value)

    BaseEvent.__init__, BaseEvent.__getattr__, BaseEvent.__setattr__ = begin, message, change
    ctx_set_event_manager(Events())


class Events(EventManager):  # type: ignore[misc]  # dbt has no types
    """Without a log and a callback, an event is made into no message."""

    def fire_event(self, e: BaseEvent, level: Any = None, node: Any = None, force_warn_or_error_handling: bool = False) -> None:
        """As dbt's own does it, for events that something may see: a log, or the handling of warnings."""
        if self.loggers or force_warn_or_error_handling or self.require_warn_or_error_handling:
            super().fire_event(e, level, node, force_warn_or_error_handling)
