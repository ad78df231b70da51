"""What a child leaves out of dbt's work changes nothing that anybody reads."""

import gc
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.events.types import SQLQuery, SQLQueryStatus
from dbt.artifacts.resources.types import NodeType
from dbt.clients.jinja import MacroGenerator
from dbt.contracts.graph.nodes import Macro
from dbt_common.clients import agate_helper
from dbt_common.clients.jinja import BaseMacroGenerator, template_cache
from dbt_common.events import event_manager_client
from dbt_common.events.base_types import BaseEvent, msg_from_base_event

from api.engine import child, dbt_shortcuts
from api.engine.loaded_before import LoadedBefore
from tests.support.processes import eventually

ROWS = [{"text": "005", "number": 7, "flag": True, "none": None, "day": "2026-01-31"}, {"text": "null", "number": 8, "flag": False, "none": None, "day": ""}]  # fmt: skip


def table(rows: list[dict[str, object]]) -> list[object]:
    made = agate_helper.table_from_data_flat(rows, list(rows[0]))
    return [made.column_names, [type(kind).__name__ for kind in made.column_types], [tuple(row) for row in made.rows]]


def test_messages_macros_and_types_are_as_dbt_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"conn_name": "gate", "sql": "select 'é'", "node_info": {"node_name": "gate", "meta": {"a": "b"}}}
    eager = SQLQuery(**fields)
    plain = [eager.to_dict(), eager.message(), eager.conn_name]
    plain_tables = [table(ROWS), table([{"text": "a", "number": 1.5}])]
    for name in ("__init__", "__getattr__", "__setattr__"):
        monkeypatch.setattr(BaseEvent, name, getattr(BaseEvent, name))
    monkeypatch.setattr(BaseMacroGenerator, "get_macro", BaseMacroGenerator.get_macro)
    monkeypatch.setattr(agate_helper, "build_type_tester", agate_helper.build_type_tester)
    monkeypatch.setattr(event_manager_client, "_EVENT_MANAGER", event_manager_client.get_event_manager())
    dbt_shortcuts.silence_events()
    dbt_shortcuts.remember_macros()
    dbt_shortcuts.remember_types()

    lazy = SQLQuery(**fields)
    assert "pb_msg" not in lazy.__dict__
    assert [lazy.to_dict(), lazy.message(), lazy.conn_name] == plain
    changed = SQLQueryStatus(status="SELECT 1", elapsed=0.5, node_info={}, query_id="")
    changed.status = "SELECT 2"
    assert msg_from_base_event(changed).data.status == "SELECT 2"

    for _ in range(2):
        assert [table(ROWS), table([{"text": "a", "number": 1.5}])] == plain_tables

    context = {"word": "before"}
    macro = SimpleNamespace(name="said", unique_id="macro.said", macro_sql="{% macro said() %}{{ word }}{% endmacro %}")
    generator = MacroGenerator(macro, context)
    assert generator() == "before"
    context["word"] = "after"
    assert generator() == "after"


def test_an_event_reaches_a_log_and_a_warning_becomes_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    manager = dbt_shortcuts.Events()
    event = SQLQuery(conn_name="gate", sql="select 1", node_info={})
    manager.callbacks.append(seen.append)
    manager.fire_event(event)
    assert seen == []  # the only callback of a child's dbt counts usage, which is switched off
    manager.loggers.append(SimpleNamespace(filter=lambda message: True, write_line=seen.append))
    manager.fire_event(event)
    assert [message.data.sql for message in seen if hasattr(message, "data")][:1] == ["select 1"]


def macro(name: str, body: str) -> Macro:
    return Macro(
        name=name, resource_type=NodeType.Macro, package_name="mine", path=f"{name}.sql", original_file_path=f"macros/{name}.sql",
        unique_id=f"macro.mine.{name}", macro_sql=f"{{% macro {name}() %}}{body}{{% endmacro %}}",
    )  # fmt: skip


def test_macros_that_few_checks_call_are_compiled_while_no_child_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(child, "_COMPILES_AFTER_S", 0.0)
    whole = [macro("first", "{{ 1 }}"), macro("last", "{{ 2 }}")]
    left = [whole[0], macro("broken", "{{ 1 | no_such_filter }}"), whole[1]]
    worker, ours = socket.socketpair()
    with ours, ThreadPoolExecutor() as pool:
        before = LoadedBefore(None, tmp_path, tmp_path)
        forking = pool.submit(child._fork_on_request, ours, left, before)
        eventually(lambda: not left, 60, "that all are compiled")
        worker.close()
        assert forking.result(60) is None
    gc.unfreeze()
    assert all(each.macro_sql in template_cache.file_cache for each in whole)
