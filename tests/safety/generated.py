"""Requests made from an OpenAPI document: what each operation takes, and, here and there, what nobody should send."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_TEXTS = (
    "", " ", "a", "public.orders", "shop", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\n", "a\nb", "\t", "\x7f", "\x85", "\u2028", "é", "名前", "🚀",
    "..", ".", "/", "//", "a/b", "a/versions", "%", "%2F", "%00", "%zz", "'", '"', "\\", "${a}", "{{ a }}", "*", "null", "true",
    "x" * 64, "x" * 1001, "x" * 70_000, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "0000-00-00T00:00:00Z",
    "2024-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "-infinity", "294277-01-01T00:00:00Z", "01890000-0000-7000-8000-000000000000",
    "http://[::1", "http://[x]/y", "http://a:99999999/", "http://a\tb/", "javascript:1", "1e999", "NaN", "9" * 400, "1" * 5000, "٣",
)  # fmt: skip
_NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**31 - 1, -(2**31) - 1, 2**63, 2**63 - 1, 10**30, 10**4000, 0.5, -0.0, 1e308, 5e-324, 1.0, 300, 86401,
)  # fmt: skip
_RAW_NUMBERS = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" * 5000, b"0123", b"1.10", b"+1", b"0x1F")
_HEADERS = (
    "",
    " ",
    "a",
    "é",
    "\x80\xff",
    "a" * 201,
    "a" * 3000,
    '"1"',
    'W/"1"',
    "*",
    '"999999999999999999999"',
    ",",
    "a\tb",
    "Basic eDp5",
    "Bearer",
)
_PATHS = tuple(text for text in _TEXTS if len(text) < 1100 and text not in ("", ".", ".."))


@dataclass
class Request:
    """As it is sent; `body` None: none."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    sent_in_chunks: bool = False


class Generator:
    """Requests of one service, the same for the same seed."""

    def __init__(
        self, document: Mapping[str, Any], key: str, known: Mapping[str, list[str]], examples: Mapping[str, Any], seed: int
    ) -> None:
        self._random = random.Random(seed)
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._key, self._known, self._examples = key, known, examples
        self.operations = [
            (method.upper(), path, item) for path, methods in document["paths"].items() for method, item in methods.items()
        ]

    def request(self, method: str, path: str, item: Mapping[str, Any]) -> Request:
        query: list[tuple[str, str]] = []
        example, names = self._examples.get(path), {}
        for parameter in item["parameters"]:
            name = parameter["name"]
            if parameter["in"] == "path":
                names[name] = self._of_path(name)
                path = path.replace(f"{{{name}}}", self._quoted(names[name]))
            elif self._chance(0.4):
                query.append((name, self._of_query(parameter)))
        if self._chance(0.1):
            query.append((self._random.choice((*_PATHS, "limit", "wait")), self._random.choice(("0", *_PATHS))))
        text = "&".join(f"{self._quoted(name)}={self._quoted(value)}" for name, value in query)
        made = Request(method, path + (f"?{text}" if text else ""), self._headers())
        if (body := item.get("requestBody")) is not None and not self._chance(0.05):
            if example is not None and "request_id" in example:
                example = example | {"request_id": names["request_id"]}
            self._give_body(made, body["content"], example)
        elif self._chance(0.1):
            made.body = self._random.choice((b"", b"{}", b"x"))
        if made.body is not None:
            made.sent_in_chunks = self._chance(0.2)
        return made

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _quoted(self, text: str) -> str:
        if self._chance(0.05):
            return quote(text.encode("utf-16-le", "surrogatepass"), safe="")  # no UTF-8
        return quote(text.encode("utf-8", "surrogatepass"), safe="")

    def _of_path(self, name: str) -> str:
        return self._random.choice(self._known[name] if self._chance(0.6) else _PATHS)

    def _of_query(self, parameter: Mapping[str, Any]) -> str:
        if self._chance(0.4):
            return self._random.choice(_PATHS)
        if parameter["name"] == "wait":
            return self._random.choice(("0", "0.01", "1e-3"))
        return str(self._value(parameter["schema"], 0))[:1000]

    def _headers(self) -> dict[str, str]:
        found = {"Authorization": f"Bearer {self._key}"}
        if self._chance(0.05):
            found["Authorization"] = self._random.choice(_HEADERS)
        for name, share in (("Idempotency-Key", 0.15), ("If-Match", 0.15), ("Content-Encoding", 0.03)):
            if self._chance(share):
                found[name] = self._random.choice(_HEADERS)
        return found

    def _give_body(self, made: Request, content: Mapping[str, Any], example: Any) -> None:
        kind = self._random.choice(list(content))
        value = self._value(content[kind]["schema"], 0)
        example = example or content[kind].get("example")
        if isinstance(example, dict) and self._chance(0.6):
            value = dict(example)
            for _ in range(self._random.randrange(3)):
                name = self._random.choice([*example, *self._fields(content[kind]["schema"])])
                value[name] = self._odd()
        if isinstance(value, dict) and "wait_s" in self._fields(content[kind]["schema"]):
            value |= {"wait_s": 0}  # no worker runs here
        made.body = json.dumps(value).encode()  # JSON is YAML, too, but for halves of surrogate pairs
        if self._chance(0.1):
            made.body = self._broken(made.body)
        made.headers["Content-Type"] = self._random.choice(_HEADERS[:7]) if self._chance(0.03) else kind

    def _fields(self, schema: Mapping[str, Any]) -> list[str]:
        return list(self._resolved(schema).get("properties", {}))

    def _broken(self, body: bytes) -> bytes:
        match self._random.randrange(5):
            case 0:
                return body[: self._random.randrange(len(body) + 1)]
            case 1:
                return body.replace(b":", b": " + self._random.choice(_RAW_NUMBERS) + b', "x":', 1)
            case 2:
                return b"[" * self._random.choice((70, 20_000)) + body
            case 3:
                return b"\xff\xfe" + body
            case _:
                at = self._random.randrange(len(body) + 1)
                return body[:at] + bytes([self._random.randrange(256)]) + body[at + 1 :]

    def _odd(self) -> Any:
        return self._random.choice((None, True, {}, [], [[]], {"a": 1}, {"\ud800": 1}, *_NUMBERS[:8], *_TEXTS, *_NUMBERS))

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while (reference := schema.get("$ref")) is not None:
            schema = self._schemas[str(reference).rpartition("/")[2]]
        return schema

    def _value(self, schema: Mapping[str, Any], depth: int) -> Any:
        schema = self._resolved(schema)
        if self._chance(0.08) or depth > 6:
            return self._odd()
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        if forms := schema.get("anyOf") or (schema.get("oneOf") if "properties" not in schema else None):
            return self._value(self._random.choice(forms), depth)
        match schema.get("type"):
            case "object":
                required = schema.get("required", ())
                found = {
                    name: self._value(part, depth + 1)
                    for name, part in schema.get("properties", {}).items()
                    if self._chance(0.95 if name in required else 0.4)
                }
                return found | ({self._random.choice(_TEXTS): self._odd()} if self._chance(0.05) else {})
            case "array":
                return [self._value(schema.get("items", {}), depth + 1) for _ in range(self._random.randrange(4))]
            case "integer":
                return self._random.choice((schema.get("minimum", 0), schema.get("maximum", 5), 1, 2**31, 2**63))
            case "number":
                return self._random.choice((schema.get("minimum", 0), 0.5, 1, 1e300))
            case "boolean":
                return self._chance(0.5)
            case "string" if schema.get("format") == "date-time":
                return self._random.choice(("2026-01-01T00:00:00Z", *_TEXTS[-18:-10]))
            case "string":
                return self._random.choice(("shop", "public.orders", "a", "5m", "2026-01-01T00:00:00Z"))
            case _:
                return self._odd()
