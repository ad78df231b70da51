"""Words that an entry of the rule catalogue and its JSON Schema may have; others are mistakes that JSON Schema passes over."""

from collections.abc import Iterator
from typing import Any

# The keys of an entry, the keywords of JSON Schema (2020-12), and those of ours.
OF_AN_ENTRY = frozenset(
    """
    description dimension shape columns window failures total finding arguments example decides met bounds where constraint
    types about_rows unit
    """.split()
)
_OF_A_SCHEMA = frozenset(
    """
    $anchor $comment $defs $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary additionalProperties allOf anyOf const contains
    contentEncoding contentMediaType contentSchema default dependentRequired dependentSchemas deprecated description else enum
    examples exclusiveMaximum exclusiveMinimum format if items maxContains maxItems maxLength maxProperties maximum minContains
    minItems minLength minProperties minimum multipleOf not oneOf pattern patternProperties prefixItems properties propertyNames
    readOnly required then title type unevaluatedItems unevaluatedProperties uniqueItems writeOnly errorMessage
    """.split()
)


def unknown_keywords(schema: Any) -> Iterator[str]:
    """Keys that JSON Schema would pass over, at any depth: half of a text that YAML has cut at a comma."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword not in _OF_A_SCHEMA and not str(keyword).startswith("x-"):
            yield str(keyword)
        elif keyword in ("properties", "$defs", "patternProperties", "dependentSchemas") and isinstance(value, dict):
            for part in value.values():
                yield from unknown_keywords(part)
        elif keyword in ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"):
            yield from unknown_keywords(value)
        elif keyword in ("anyOf", "allOf", "oneOf", "prefixItems") and isinstance(value, list):
            for part in value:
                yield from unknown_keywords(part)
