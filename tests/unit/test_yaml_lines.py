"""Faults of a document are found at their lines of the YAML text."""

import pytest

from stringx_dataops.contract.documents.yaml_lines import Fault, faults_in_lines
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.problems import FieldError, Malformed, invalid

TEXT = """# a comment
---
target: shop
rules:
  - id: a
    type: regex
    arguments: {pattern: 'x',
      a/b~c: 1}
  - &second
    id: b
  - <<: *second
    column: c
"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 3),
        ("/target", 3),
        ("/table", 3),
        ("/rules", 4),
        ("/rules/0", 5),
        ("/rules/0/type", 6),
        ("/rules/0/column", 5),
        ("/rules/0/arguments/pattern", 7),
        ("/rules/0/arguments/a~1b~0c", 8),
        ("/rules/1/id", 10),
        ("/rules/2/id", 10),
        ("/rules/2/column", 12),
        ("/rules/3/id", 4),
        ("/rules/x", 4),
        ("/target/deeper", 3),
    ],
)
def test_a_pointer_leads_to_the_line_of_its_key_or_of_what_lacks_it(pointer: str, line: int) -> None:
    assert faults_in_lines(invalid([FieldError(pointer, "is wrong")]), TEXT) == [Fault(line, pointer, "is wrong")]


def test_a_line_that_the_message_names_is_taken_from_there() -> None:
    with pytest.raises(Malformed) as raised:
        read_yaml(b"a: 1\nb: [\n")
    assert [fault.line for fault in faults_in_lines(raised.value, "a: 1\nb: [\n")] == [3]
    assert faults_in_lines(invalid([FieldError("/rules/0/id", "line 9: is null")]), TEXT) == [Fault(9, "/rules/0/id", "is null")]


def test_a_fault_of_the_whole_text_stands_at_its_beginning() -> None:
    assert faults_in_lines(Malformed("not YAML: odd"), "") == [Fault(1, "", "not YAML: odd")]
    assert faults_in_lines(invalid([FieldError("", "must be an object")]), "3") == [Fault(1, "", "must be an object")]


def test_faults_come_by_line() -> None:
    error = invalid([FieldError("/rules/0/type", "b"), FieldError("/target", "a")])
    assert [fault.line for fault in faults_in_lines(error, TEXT)] == [3, 6]
