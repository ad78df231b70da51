"""Names for JSON whose shape is not declared in Python: parsed bodies, stored documents, JSON Schemas."""

from typing import Any

JsonObject = dict[str, Any]  # a JSON object; its values are JSON too
JsonSchema = dict[str, Any]  # a JSON Schema (2020-12), or a part of one
