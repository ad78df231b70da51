"""What Jinja does for each name, attribute and call in a macro, in fewer steps where the result is the same. A check of ten rules
looks up 700 names and 1,400 attributes, and makes 750 calls."""

from collections import ChainMap
from types import BuiltinMethodType
from typing import Any

import jinja2.sandbox
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

_OF_DICTIONARIES = frozenset(dir(dict))
_PLAIN = (dict, list, str)


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


def read_dictionaries_first() -> None:
    """Look for `a.b` among the keys of a dictionary, unless dictionaries have an attribute with this name. Jinja looks for the
    attribute first, and raises and catches an error for each key."""
    read = SandboxedEnvironment.getattr

    def shortened(self: SandboxedEnvironment, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj and attribute not in _OF_DICTIONARIES:
            return obj[attribute]
        return read(self, obj, attribute)

    SandboxedEnvironment.getattr = shortened  # type: ignore[method-assign]


def call_methods_at_once() -> None:
    """Call the methods of dictionaries, lists and strings without asking whether they want a context. `str.format` is none of
    them: the sandbox replaces it when it is read."""
    call = SandboxedEnvironment.call

    def shortened(__self: SandboxedEnvironment, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        if type(__obj) is BuiltinMethodType and type(__obj.__self__) in _PLAIN:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return __obj(*args, **kwargs)
        return call(__self, __context, __obj, *args, **kwargs)

    SandboxedEnvironment.call = shortened  # type: ignore[method-assign]


def resolve_in_maps() -> None:
    """Look for a name directly in the dictionaries of a context of dbt, which is a ChainMap."""
    resolve = Context.resolve_or_missing

    def shortened(self: Context, key: str) -> Any:
        parent: Any = self.parent
        if type(parent) is ChainMap and key not in self.vars:
            for names in parent.maps:
                if key in names:
                    return names[key]
            return missing
        return resolve(self, key)

    Context.resolve_or_missing = shortened  # type: ignore[method-assign]
