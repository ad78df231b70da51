"""`dataops rules validate`: every fault with its place, without a service; and what other commands read of files."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stringx_dataops.cli.rules.apply import apply
from stringx_dataops.cli.rules.checking import load_catalogue
from stringx_dataops.cli.rules.documents import load
from stringx_dataops.cli.rules.paths import read_files
from stringx_dataops.cli.rules.trials import try_
from stringx_dataops.cli.rules.validate import validate
from stringx_dataops.client import Refused
from stringx_dataops.contract.documents.streams import parse_stream
from stringx_dataops.contract.settings import ROOT

TABLE = "apiVersion: stringx/v1\ntarget: shop\ntable: public.a\n"
TARGET = "apiVersion: stringx/v1\nkind: Target\nname: shop\nhost: db\ndbname: d\nuser: u\n"
CALLS = "rules:\n- {id: a, type: expression, arguments: {sql: 'own.f(x) > 1'}}\n"
UNREADABLE = [
    (b"a: [", ":2:1: not YAML"),
    (b"a:\n\tb: 1", ":2:1: not YAML: a tab stands where YAML takes none; indent with spaces"),
    (b"a: 1\na: 2", ":2:1: the field 'a' stands twice"),
    (b"\xff", ":1:1: the file is not UTF-8 (byte 0)"),
    (b"\x00\x01\x02", "not YAML"),
    (b"[" * 200_000, ":1:1: the file is nested deeper than 64 levels"),
    (b"x: 1\n---\nb: 2\na: \"\\0\"", ":4:1: a: contains a NUL character"),
    (b"a: &a [1]\nb: &b [" + b"*a," * 400 + b"]\nc: &c [" + b"*b," * 400 + b"]\nd: [*c]", "its aliases repeat too many"),
    (b"a: &a [*a]", ":1:1: the alias *a is recursive"),
    (b"", "is empty; write a document, or leave the file out"),
    (b" \n\n", "is empty"),
    (b"\xef\xbb\xbf", "is empty"),
    (b"# rules\n", "holds no document"),
    (b"---\n...\n", "holds no document"),
]  # fmt: skip


def run(*arguments: str, code: int = 0, text: str | None = None, **environ: str) -> list[str]:
    done = CliRunner().invoke(validate, arguments, input=text, env=environ, standalone_mode=False)
    assert done.exception is None, done.output
    assert done.return_value == code, done.output
    return done.output.splitlines()


@pytest.mark.parametrize(("body", "words"), UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_line_and_nothing_is_sent(tmp_path: Path, body: bytes, words: str) -> None:
    full, bad = tmp_path / "full.yml", tmp_path / "rules.yml"
    full.write_text(TABLE)
    bad.write_bytes(body)
    (line, *rest) = run(str(tmp_path), code=2)
    assert line.startswith(f"{bad}:")
    assert words in line
    assert len(rest) == 2, rest
    for command in (apply, try_):
        done = CliRunner().invoke(
            command, [str(full), str(bad)], env={"STRINGX_API_KEY": "k"}, standalone_mode=False, obj="http://127.0.0.1:9"
        )
        assert isinstance(done.exception, Refused)
        assert str(done.exception) == line


def test_the_demo_has_no_fault() -> None:
    note, summary = run(str(ROOT / "rules"))
    assert note == "note: not in the files, and looked up when they are applied: target nyc"
    assert summary.startswith("no fault in 5 documents of 1 file")


def test_each_fault_has_its_place_rule_and_fix(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(
        TABLE + "rules:\n  - {id: one, type: not_nul, column: x}\n  - id: two\n    type: between\n    column: x\n"
        "    arguments: {min: 9,\n      max: 1}\n---\n" + TABLE.replace(".a", ".b*") + "ownr: me\n"
    )
    *lines, _, summary = run(str(file), code=2)
    assert lines == [
        f"{file}:5:15: rule one: type: 'not_nul' is no rule type; did you mean not_null?",
        f"{file}:9:17: rule two: arguments/min: is above max; nothing could pass",
        f"{file}:14:1: table: holds *, and no pattern is meant here; name one table",
        f"{file}:15:1: ownr: unknown field; did you mean owner?",
    ]
    assert summary == "4 faults in 2 documents of 1 file, 0 rules"
    answer = json.loads("\n".join(run(str(file), "--format", "json", code=2)))
    assert (answer["valid"], answer["count"], answer["documents"]) == (False, 4, 2)
    assert answer["faults"][0] == {
        "file": str(file), "line": 5, "column": 15, "rule": "one", "field": "/type",
        "message": "'not_nul' is no rule type; did you mean not_null?",
    }  # fmt: skip
    first = run(str(file), "--format", "github", code=2)[0]
    assert first == f"::error file={file},line=5,col=15,title=rule one::type: 'not_nul' is no rule type; did you mean not_null?"


def test_the_fault_of_a_target_is_none_of_its_tables(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    target = "apiVersion: stringx/v1\nkind: Target\nname: shop\nadapter: duckdb\npath: data/shop.duckdb\n"
    sql = "rules:\n- {id: a, type: expression, arguments: {sql: 'day > today() - interval 1 day'}}\n"
    defaults = "---\napiVersion: stringx/v1\nkind: Defaults\ntarget: shop\n"
    file.write_text(target + "---\n" + TABLE + sql + defaults)
    assert [line.split(":", 3)[3].split(":")[0].strip() for line in run(str(file), code=2)[:-1]] == ["path"]
    values = list(load(read_files([str(file)]), fills_in=False).values)
    (fault,) = parse_stream({}, load_catalogue(), values).errors
    assert fault.pointer == "/0/path"


def test_of_an_adapter_that_is_not_known_that_alone_is_said() -> None:
    values = [{"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "oracle", "service": "x"}]
    (fault,) = parse_stream({}, load_catalogue(), values).errors
    assert (fault.pointer, fault.message) == ("/0/adapter", "must be 'postgres', 'duckdb' or 'trino'")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("[A-", "is no regular expression: a bracket [ without its ] (at character 1)"),
        ("(a|b", "is no regular expression: a group ( without its ) (at character 1)"),
        ("[z-a]", "is no regular expression: a range whose end is before its beginning (at character 2)"),
        ("a{5,2}", "is no regular expression: a quantifier whose end is before its beginning (at character 3)"),
        ("a|b)", "is no regular expression: a ) without its ( (at character 4)"),
        ("a**", "is no regular expression: a quantifier behind another one (at character 3)"),
        (r"\y", "has something that PostgreSQL and DuckDB read differently"),
        ("[[:alpha:]]", "has something that PostgreSQL and DuckDB read differently"),
    ],
)
def test_a_broken_pattern_is_told_from_one_that_is_read_differently(pattern: str, words: str) -> None:
    target = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "duckdb", "path": "/d/x.duckdb"}
    rule = {"id": "a", "type": "regex", "column": "c", "arguments": {"pattern": pattern}}
    table = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.a", "rules": [rule]}
    (fault,) = parse_stream({}, load_catalogue(), [target, table]).errors
    assert fault.message.startswith(words)


def test_the_parts_of_a_workflow_command_are_escaped(tmp_path: Path) -> None:
    file = tmp_path / "a,b:%.yml"
    file.write_text(TABLE + "rules:\n- {id: r, type: regex, column: c, arguments: {patern: '100%'}}\n")
    lines = run(str(file), "--format", "github", code=2)
    assert all(line.startswith(f"::error file={tmp_path}/a%2Cb%3A%25.yml,line=5,col=") for line in lines[:-2])


def test_a_document_in_two_files_is_a_fault_that_names_both(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yaml"):
        (tmp_path / name).write_text(TARGET + "---\n" + TABLE)
    first, second, _ = run(str(tmp_path), code=2)
    assert first == f"{tmp_path}/b.yaml:3:1: name: target shop stands in {tmp_path}/a.yml:1 too; keep one of the two"
    assert second == f"{tmp_path}/b.yaml:10:1: table: table public.a stands in {tmp_path}/a.yml:8 too; keep one of the two"


def test_functions_of_targets_that_are_not_in_the_files_are_judged_when_they_are_applied(tmp_path: Path) -> None:
    file, target = tmp_path / "a.yml", tmp_path / "t.yml"
    file.write_text(TABLE + CALLS)
    assert run(str(file))[0] == "note: target shop is not in the files: whether it allows own.f is judged when they are applied"
    assert "calls own.f, which is not allowed" in run(str(file), "--allow-functions", "own.g", code=2)[0]
    assert run(str(file), "--allow-functions", "own.f")[0].startswith("note: not in the files, and looked up")
    target.write_text(TARGET)
    assert "calls own.f, which is not allowed" in run(str(tmp_path), code=2)[0]
    target.write_text(TARGET + "allow_functions: [own.f]\n")
    assert run(str(tmp_path)) == ["no fault in 2 documents of 2 files, 1 rule"]
    file.write_text(TABLE + CALLS.replace("own.f(x) > 1", "own.f(x) > 1; drop table a"))
    assert run(str(file), code=2)[0].startswith(f"{file}:5:"), "everything else is judged"


def test_a_dataset_whose_tables_are_elsewhere_is_noted(tmp_path: Path) -> None:
    text = "apiVersion: stringx/v1\nkind: Dataset\nname: d\ntarget: shop\ntables: [public.a, public.b]\n---\n" + TABLE
    notes = run("-", text=text)
    assert notes[-2] == "note: not in the files, and looked up when they are applied: shop/public.b"


def test_what_a_note_quotes_stays_in_its_line() -> None:
    text = TABLE.replace("shop", '"x\\n::error::\\e[31m"')
    assert "\\n::error::\\x1b[31m" in run("-", text=text, code=2)[-2]


def test_folders_are_read_sorted_without_hidden_files_and_loops(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for name in ("z.yml", "b/c/x.yaml", "b/y.yml", ".git/h.yml", ".hidden.yml", "b/other.txt", "a.yml"):
        (tmp_path / name).write_text(f"# {name}")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "again.yml").symlink_to(tmp_path / "a.yml")
    names = [os.path.relpath(file.name, tmp_path) for file in read_files([str(tmp_path), str(tmp_path / "z.yml")])]
    assert names == ["a.yml", "b/c/x.yaml", "b/y.yml", "z.yml"]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "b" / "p.yml").symlink_to(tmp_path / "pipe")  # whoever opens it waits for ever
    assert [(file.name, file.fault) for file in read_files([str(tmp_path)]) if file.fault] == [
        (str(tmp_path / "b" / "p.yml"), "is a pipe or device, and no file; leave it out")
    ]
    (tmp_path / "empty").mkdir()
    assert read_files([str(tmp_path / "empty")])[0].fault == "holds no *.yml or *.yaml; name the folder with the rules"


def test_more_than_the_backend_takes_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stringx_dataops.cli.rules.paths.MOST_BYTES", 1024 * 1024)
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(TABLE + "# " + "x" * 600_000)
    line, *_ = run(str(tmp_path), code=2)
    assert (
        line
        == f"{tmp_path}/b.yml:1:1: the files hold more than 1 MiB together, and one stream takes no more; give fewer of them at a time"
    )


@pytest.mark.parametrize(
    ("text", "environ", "owner"),
    [
        ("owner: ${A}", {"A": "me"}, "me"),
        ("owner: ${A}", {"A": "a: b #c"}, "a: b #c"),
        ('owner: "x ${A}"', {"A": 'a"\\n'}, 'x a"\\n'),
        ("owner: 'x ${A} ''${B}'", {"A": "it's", "B": "😀"}, "x it's '😀"),
        ("owner: |\n  ${A}\n  $${A}", {"A": "a: b"}, "a: b\n${A}\n"),
        ("owner: x-${A}-${B}", {"A": "1", "B": ""}, "x-1-"),
        ("sample_rows: ${A}", {"A": "7"}, None),
        ("owner: !!str ${A}", {"A": "7"}, "7"),
        ("description: &a ${A}\nowner: *a", {"A": "x"}, "x"),
    ],
)
def test_a_variable_cannot_change_what_stands_around_it(
    tmp_path: Path, text: str, environ: dict[str, str], owner: str | None
) -> None:
    from stringx_dataops.cli.rules.documents import load

    file = tmp_path / "a.yml"
    file.write_text(TABLE + text + "\nmode: sync\n")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        documents = load(read_files([str(file)]), fills_in=True)
    assert documents.faults == []
    value: dict[str, Any] = documents.values[0]
    assert (value.get("owner"), value["mode"]) == (owner, "sync")
    assert owner is not None or value["sample_rows"] == 7


def test_variables_are_filled_in_only_with_env_and_an_unset_one_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "t.yml"
    file.write_text(
        TARGET.replace("host: db", "host: ${STRINGX_T_HOST}") + "---\n" + TABLE + 'description: "é ${STRINGX_T_X} ${"\n'
    )
    assert run(str(file), code=2, STRINGX_T_HOST="db")[0].startswith(
        f"{file}:4:1: host: holds ${{, and variables are not filled in"
    )
    unset, open_, _ = run(str(file), "--env", code=2, STRINGX_T_HOST="db")
    assert (
        unset == f"{file}:11:17: the variable STRINGX_T_X is not set; set it, or write $${{STRINGX_T_X}} where the text is meant"
    )
    assert open_.startswith(f"{file}:11:32: ${{ begins no variable")
    file.write_text(file.read_text().replace("${STRINGX_T_X} ${", "x"))
    assert run(str(file), "--env", STRINGX_T_HOST="db") == ["no fault in 2 documents of 1 file, 0 rules"]
    assert "holds a line break" in run(str(file), "--env", code=2, STRINGX_T_HOST="a\nb")[0]
