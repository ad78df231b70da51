"""The canaries can see: on builds without quoting, the same texts that are harmless elsewhere do change, read and tell them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from database import embedded
from tests.safety import payloads
from tests.safety.canaries import FILE, Canaries, Tripped, files
from tests.safety.conftest import Gate
from tests.support.databases import Admin
from tests.support.engine import gate as specification
from tests.support.engine import rule
from tests.support.projects import copy_with

BROKEN_NAME = "{{- return('\"' ~ render(name | string) ~ '\"') -}}"
BROKEN_LITERAL = '{{- return("\'" ~ render(value | string) ~ "\'") -}}'


def change(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, (path, old)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def break_quoting(project: Path) -> None:
    """Users' names and values come into the SQL as they are, rendered; what is written stays."""
    macros = project / "macros" / "engines" / "postgres"
    text = (macros / "text.sql").read_text(encoding="utf-8")
    literal = text[text.index("{% macro stringx_literal(value) %}") :].split("{% endmacro %}")[0] + "{% endmacro %}"
    literals = text[text.index("{% macro stringx_literals(values) %}") :].split("{% endmacro %}")[0] + "{% endmacro %}"
    common = project / "macros" / "common" / "text.sql"
    shared = common.read_text(encoding="utf-8")
    name = shared[shared.index("{% macro stringx_name(name) %}") :].split("{% endmacro %}")[0] + "{% endmacro %}"
    change(common, (name, f"{{% macro stringx_name(name) %}}{BROKEN_NAME}{{% endmacro %}}"))
    change(
        macros / "text.sql",
        (literal, f"{{% macro stringx_literal(value) %}}{BROKEN_LITERAL}{{% endmacro %}}"),
        ("{%- set plain = value is string", "{%- set plain = false and value is string"),
    )
    own = f"{literal}\n{literals}".replace("stringx_literal", "stringx_our_literal")
    (macros / "own.sql").write_text(own, encoding="utf-8")
    for name in ("session.sql", "probe.sql", "run.sql"):  # and the names that the probe executes
        change(macros / name, ("stringx_literal", "stringx_our_literal"))
    change(
        macros / "session.sql",
        ("rollback;\nbegin isolation level repeatable read read only", "commit;\nbegin isolation level repeatable read"),
        ("    rollback;\n    select", "    commit;\n    select"),
    )
    change(
        macros / "probe.sql",
        ("      raise sqlstate 'SX000';\n    exception when sqlstate 'SX000' then\n", ""),
        (
            "    when others then\n      get stacked diagnostics m = message_text, s",
            "    exception when others then\n      get stacked diagnostics m = message_text, s",
        ),
    )
    change(
        macros / "run.sql",
        ("    done := true;\n    raise sqlstate 'SX000';\n", "    done := true;\n"),  # what a statement does is not undone
        (
            "exception when sqlstate 'SX000' then m := null;\n      when others",
            "exception when others",
        ),  # a value that is read as a name is told
    )
    change(project / "macros" / "gate" / "gate.sql", ("{%- if nothing is none", "{%- if true or nothing is none"))


@pytest.fixture(scope="module")
def broken(make_gate: Callable[..., Gate], admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    project = copy_with(("not_null", "aggregate", "accepted_values"), tmp_path_factory.mktemp("broken") / "stringx")
    break_quoting(project)
    return make_gate(project, **superuser(admin))


@pytest.fixture(scope="module")
def sound(make_gate: Callable[..., Gate], admin: Admin) -> Gate:
    """The real project with the same powers: what protects here is the quoting alone."""
    return make_gate(**superuser(admin))


def superuser(admin: Admin) -> dict[str, str]:
    password = embedded.keep(admin.cluster.password_file)
    return {"STRINGX_TARGET_USER": "postgres", "DBT_ENV_SECRET_TARGET_PASSWORD": password}


@pytest.fixture(autouse=True)
def placed_again(canaries: Canaries) -> Iterator[None]:
    canaries.target.execute("drop schema if exists canary cascade; drop table if exists open_door")
    canaries.target.execute("create table open_door (c text); insert into open_door values ('x')")
    canaries.place()
    canaries.target.execute(
        f"create function canary.wipe() returns text language sql volatile as 'delete from {payloads.TABLE}; select current_user::text'"
    )
    yield
    canaries.remove()


AGGREGATE = {"fail_above": None, "function": "max", "min": "a"}
DEEDS = [
    ("changed", specification(payloads.DELETES, rule("a", "not_null", "c"))),
    ("gone", specification(payloads.DROPS, rule("a", "not_null", "c"))),
    ("file was changed", specification(payloads.WRITES_THE_FILE, rule("a", "not_null", "c"))),
    ("secret", specification("open_door", rule("a", "aggregate", payloads.READS_THE_FILE, **AGGREGATE), key=[payloads.READS_THE_FILE])),
    ("changed", specification("open_door", rule("a", "accepted_values", "c", values=[payloads.CALLS_IN_A_VALUE]))),
    ("secret", specification("open_door", rule("a", "aggregate", payloads.READS_THE_TABLE, **AGGREGATE), key=[payloads.READS_THE_TABLE])),
    ("secret", specification("open_door", rule("a", "not_null", payloads.TELLS_THE_SECRET))),
    ("secret", specification("open_door", rule("a", "not_null", "c"), key=["c"], sample_rows=1, window={"column": payloads.TELLS_THE_SECRET, "from": "a", "to": None})),
    ("changed", specification("open_door", rule("a", "accepted_values", "c", values=[payloads.RUNS_A_QUERY]))),
]  # fmt: skip


def require_untouched(canaries: Canaries, gate: Gate) -> None:
    canaries.require_unchanged()
    canaries.require_unsaid([*gate.answers, *files(gate.folder)])


@pytest.mark.parametrize(("words", "spec"), DEEDS, ids=[f"{number}-{words}" for number, (words, _) in enumerate(DEEDS)])
def test_without_quoting_a_canary_trips_and_with_it_none_does(
    canaries: Canaries, broken: Gate, sound: Gate, words: str, spec: dict
) -> None:
    spec = json.loads(json.dumps(spec))
    sound.answers.clear()
    sound.run(spec)
    require_untouched(canaries, sound)
    broken.answers.clear()
    broken.run(spec)
    with pytest.raises(Tripped, match=words):
        require_untouched(canaries, broken)


def test_the_scan_sees_a_secret_in_a_file_and_in_a_row(canaries: Canaries, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.bin").write_bytes(b"\x00\xff" + canaries.secret.encode() + b"\n")
    with pytest.raises(Tripped, match=r"x\.bin"):
        canaries.require_unsaid(files(tmp_path))
    assert canaries.require_unsaid(files(tmp_path, but=[tmp_path / "deep" / "x.bin"])) == 0
    Path(FILE).write_text("x", encoding="utf-8")
    with pytest.raises(Tripped, match="file"):
        canaries.require_unchanged()
