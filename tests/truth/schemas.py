"""The rule type json_schema, by Python's `jsonschema`."""

from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.truth.kinds import JSONB, PLAIN_JSON, WORDS, JsonNull
from tests.truth.tables import Draft
from tests.truth.truth import Tested, row_rule, rule_type

TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"]
LEAVES = st.one_of(
    st.sampled_from(TYPES).map(lambda name: {"type": name}),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True).map(lambda names: {"type": names}),
    st.integers(-3, 3).map(lambda bound: {"minimum": bound}),
    st.integers(0, 2).map(lambda size: {"minLength": size, "maxItems": size}),
    st.integers(0, 2).map(lambda size: {"minItems": size, "maxProperties": size}),
    st.sampled_from([{"uniqueItems": True}, {"multipleOf": 0.5}, {"const": 1}, {"enum": ["", None, {}]}, {}]),
)


def _within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda schema: {"items": schema}),
        inner.map(lambda schema: {"additionalProperties": schema}),
        inner.map(lambda schema: {"not": schema}),
        st.dictionaries(WORDS, inner, min_size=1, max_size=2).map(lambda named: {"properties": named, "required": list(named)}),
        st.tuples(st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=2)).map(
            lambda pair: {pair[0]: pair[1]}
        ),
        st.tuples(inner, inner, inner).map(lambda parts: dict(zip(("if", "then", "else"), parts, strict=True))),
    )


SCHEMAS = st.recursive(LEAVES, _within, max_leaves=4)


@rule_type("json_schema")
def json_schema(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(JSONB, PLAIN_JSON)
    schema = draft.draw(SCHEMAS)

    def violates(value: Any) -> bool:
        return value is not None and not Draft202012Validator(schema).is_valid(None if isinstance(value, JsonNull) else value)

    if wish == "pass":
        schema = {"anyOf": [schema, {"type": ["object", "array", "string", "null"]}]}
    elif wish == "fail":
        schema = {"allOf": [schema, {"type": "string"}]}
    good = kind.values.filter(lambda value: not violates(value)) if wish == "pass" else kind.values
    bad = st.sampled_from([1, [1], {"a": 1}]) if wish == "fail" else kind.values
    name = draft.add(kind, draft.cells(wish, good, bad))
    return row_rule("json_schema", [name], {"schema": schema}, lambda row: violates(row[name]))
