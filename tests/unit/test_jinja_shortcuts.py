"""Shortcuts of Jinja give what Jinja itself gives."""

from collections import ChainMap
from typing import Any

import jinja2.sandbox
import pytest
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from api.engine import jinja_shortcuts

# Each is rendered with and without the shortcuts: its text, or the class and text of its error.
TEMPLATES = (
    "{{ d.one }} {{ d.items() | list }} {{ d.get('two', 2) }} {{ d.missing is defined }} {{ d.none is none }} {{ d.missing }}",
    "{{ d.keys is callable }}|{{ d['keys'] }}|{{ d.copy() == d }}|{{ d.update({'new': 1}) }}{{ d.new }}|{{ d.pop('new') }}",
    "{% for x in range(3) %}{% set y = [] %}{% do y.append(loop.index) %}{{ y }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{{ 'a-b'.split('-', 1) }} {{ 'x'.join(['1', '2']) }} {{ '{} {a}'.format(1, a=2) }} {{ '{x}'.format_map({'x': 3}) }}",
    "{{ d.__class__ }}|{{ [].__class__.__mro__ }}|{{ ''.__init__ }}",
    "{{ '{0.__class__}'.format(d) }}",
    "{{ (''.format)(1) }} {{ ''.upper() }} {{ s.name }} {{ s.nothing is defined }}",
    "{{ [].pop() }}",
    "{{ {}.pop('x') }}",
    "{{ d.missing.deeper }}",
    "{{ d.one() }}",
    "{{ outer }} {{ inner }} {{ both }} {{ nowhere is defined }} {% set outer = 5 %}{{ outer }} {{ range(2) | list }}",
    "{% macro m(x) %}{{ x.one }}{{ both }}{{ caller() if caller is defined }}{% endmacro %}{{ m(d) }}{% call m(d) %}c{{ inner }}{% endcall %}",
    "{{ nowhere() }}",
    "{{ special.any }} {{ special['x'] }}",
    "{{ late is defined }}{% do d.setdefault('k', []).append(1) %}{{ d.k }}{{ next(it) }}{{ next(it) is defined }}",
)  # fmt: skip


class Special(dict[str, Any]):
    """A dictionary that answers for every attribute."""

    def __getattr__(self, name: str) -> str:
        return f"attribute {name}"


def rendered(source: str) -> str:
    environment = SandboxedEnvironment(extensions=["jinja2.ext.do"])
    template = environment.from_string(source)
    given = {
        "d": {"one": 1, "none": None, "keys": "a key", "items of": 2},
        "s": type("S", (), {"name": "a name"})(),
        "special": Special(x="item x"),
        "inner": "in",
        "both": "first",
        "next": next,
        "it": iter([7]),
    }
    parent = ChainMap(given, {"both": "second", "outer": "out", "range": range})
    try:
        return "".join(template.root_render_func(Context(environment, parent, None, template.blocks)))  # type: ignore[arg-type]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def test_a_template_renders_the_same_with_the_shortcuts(monkeypatch: pytest.MonkeyPatch) -> None:
    without = [rendered(source) for source in TEMPLATES]
    for name in ("SecurityError", "UndefinedError"):
        assert any(name in text for text in without)
    for holder, name in ((SandboxedEnvironment, "getattr"), (SandboxedEnvironment, "call"), (Context, "resolve_or_missing"),
                         (jinja2.sandbox, "is_internal_attribute")):  # fmt: skip
        monkeypatch.setattr(holder, name, getattr(holder, name))  # so that it is as before after the test
    jinja_shortcuts.remember_attributes()
    jinja_shortcuts.read_dictionaries_first()
    jinja_shortcuts.call_methods_at_once()
    jinja_shortcuts.resolve_in_maps()
    assert [rendered(source) for source in TEMPLATES] == without
