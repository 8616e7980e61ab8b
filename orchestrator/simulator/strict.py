"""What both providers' strict modes require of a JSON schema; other requests are refused, as the providers would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Keywords of JSON Schema that at least one of the two providers refuses.
_REFUSED = frozenset(
    [
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "multipleOf",
        "uniqueItems",
        "patternProperties",
        "oneOf",
        "allOf",
        "not",
        "dependentRequired",
        "if",
        "then",
        "else",
        "unevaluatedProperties",
        "propertyNames",
        "contains",
        "default",
    ]
)


def complaints(schema: Any, path: str = "$") -> Iterator[str]:
    """One sentence for each violation of the strict subset; none for a schema that both providers accept."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        yield from _object_complaints(schema, path)
    yield from (f"{path}: {keyword} is not supported" for keyword in schema if keyword in _REFUSED)
    for place, inner in _inner_schemas(schema):
        yield from complaints(inner, f"{path}.{place}")


def _object_complaints(schema: dict[str, Any], path: str) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        yield f"{path}: a free-form object"
    elif set(schema.get("required", ())) != set(properties):
        yield f"{path}: every property must be required"
    if schema.get("additionalProperties") is not False:
        yield f"{path}: additionalProperties must be false"


def _inner_schemas(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword in ("properties", "$defs"):
        if isinstance(named := schema.get(keyword), dict):
            yield from ((f"{keyword}.{name}", inner) for name, inner in named.items())
    yield "items", schema.get("items")
    for index, inner in enumerate(schema.get("anyOf") or ()):
        yield f"anyOf[{index}]", inner
