"""What both providers' strict modes ask of a JSON schema; a request outside it is refused as they would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Keywords of JSON Schema that at least one of the two providers refuses.
_REFUSED = frozenset(
    "minLength maxLength minItems maxItems minimum maximum multipleOf uniqueItems patternProperties oneOf allOf not "
    "dependentRequired if then else unevaluatedProperties propertyNames contains default".split()
)


def complaints(schema: Any, path: str = "$") -> Iterator[str]:
    """One sentence for each thing outside the strict subset; nothing for a schema that both take."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from complaints(item, f"{path}[{index}]")
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            yield f"{path}: a free-form object"
        elif set(schema.get("required", ())) != set(properties):
            yield f"{path}: every property has to be required"
        if schema.get("additionalProperties") is not False:
            yield f"{path}: additionalProperties has to be false"
    for keyword, value in schema.items():
        if keyword in _REFUSED:
            yield f"{path}: {keyword} is not supported"
        named = keyword in ("properties", "$defs") and isinstance(value, dict)
        for name, inner in value.items() if named else [(keyword, value)]:
            yield from complaints(inner, f"{path}.{name}")
