"""Macros return what they find out; they do not change their arguments."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from stringx_dataops.contract.settings import ROOT

MACROS = ROOT / "stringx" / "macros"
FILES = sorted(path for path in MACROS.rglob("*.sql") if path.name != "materialization.sql")
JINJA = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
CHANGES = {"update", "append", "extend", "insert", "pop", "popitem", "remove", "clear", "setdefault", "sort", "reverse"}
VIEWS = {"items", "values", "get"}


def changed_arguments(source: str) -> Iterator[str]:
    """Each macro and the argument, or part of one, that it changes."""
    for macro in JINJA.parse(source).find_all(nodes.Macro):
        borrowed = {argument.name for argument in macro.args}
        for node in macro.find_all((nodes.For, nodes.Assign, nodes.ExprStmt)):
            if isinstance(node, nodes.For):
                taken, target = node.iter, node.target
            elif isinstance(node, nodes.Assign):
                taken, target = node.node, node.target
            else:
                if _method(node.node) in CHANGES and (root := _root(node.node.node.node)) in borrowed:  # type: ignore[attr-defined]
                    yield f"{macro.name}: {root}"
                continue
            given = taken.items if isinstance(node, nodes.For) and isinstance(taken, nodes.Tuple) else [taken]
            for expression, names in (pair for item in given for pair in _pairs(item, target)):
                if _root(expression) in borrowed:  # a part of an argument
                    borrowed |= {name.name for name in [names, *names.find_all(nodes.Name)] if isinstance(name, nodes.Name)}


def _pairs(value: nodes.Node, target: nodes.Node) -> list[tuple[nodes.Node, nodes.Node]]:
    """A value and the name that it gets; of several, each with its own."""
    is_several = isinstance(value, nodes.Tuple) and isinstance(target, nodes.Tuple)
    return list(zip(value.items, target.items, strict=True)) if is_several else [(value, target)]  # type: ignore[attr-defined]


def _method(node: nodes.Node) -> str | None:
    """The name of a method that is called."""
    return node.node.attr if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) else None


def _root(node: nodes.Node) -> str | None:
    """The name of the value that an expression is a part of."""
    while True:
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            node = node.node
        elif _method(node) in VIEWS:
            node = node.node.node  # type: ignore[attr-defined]
        else:
            return node.name if isinstance(node, nodes.Name) else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(MACROS)))
def test_no_macro_changes_its_arguments(path: Path) -> None:
    assert list(changed_arguments(path.read_text())) == []


@pytest.mark.parametrize(
    "body",
    [
        "{% do rule.update({'a': 1}) %}",
        "{% for part in rule.parts %}{% do part.names.append(1) %}{% endfor %}",
        "{% set first, second = rule.a, 1 %}{% do first.pop('b') %}",
        "{% for name, part in rule.items() %}{% do part.clear() %}{% endfor %}",
    ],
)
def test_the_test_sees_a_change(body: str) -> None:
    assert list(changed_arguments(f"{{% macro m(rule) %}}{body}{{% endmacro %}}"))
