"""Keys that an entry of the rule catalogue and its JSON Schema may have. JSON Schema itself ignores misspelt keywords."""

from collections.abc import Iterator
from typing import Any

# The keys of an entry; below, the keywords of JSON Schema (2020-12) and this project's own.
OF_AN_ENTRY = frozenset(
    """
    description dimension shape columns window failures total finding arguments example decides met bounds where constraint
    types about_rows unit baseline remembers severity per engines
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
    """Unknown keywords at any depth. Typically they are half of a text without quotes, which YAML has split at a comma."""
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
