"""Checks values by the part of JSON Schema that our contracts use."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping

Schema = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
# Says nothing about a value that JSON itself does not: `$ref` leads to "any JSON" only.
ANNOTATIONS = {"$schema", "$defs", "$ref", "default", "description", "title"}
CHECKED = {
    "type", "anyOf", "pattern", "maxLength", "minimum", "maximum", "properties", "required", "additionalProperties",
    "propertyNames",
}


def find_faults(schema: Schema, value: Any, name: str) -> Iterator[str]:
    """Yields what is wrong with a value: the field and what it must be, never the value, which may be a secret."""
    if "anyOf" in schema:
        each = [list(find_faults(part, value, name)) for part in schema["anyOf"]]
        if all(each):
            yield each[0][0]
        return
    if "type" in schema and not has_type(schema["type"], value):
        yield "%s must be of type %s" % (name, schema["type"])
    elif isinstance(value, str):
        yield from find_text_faults(schema, value, name)
    elif isinstance(value, dict):
        yield from find_object_faults(schema, value, name)
    elif isinstance(value, (int, float)):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield "%s must be from %s to %s" % (name, schema.get("minimum"), schema.get("maximum"))


def has_type(name: str, value: Any) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def find_text_faults(schema: Schema, value: str, name: str) -> Iterator[str]:
    if len(value) > schema.get("maxLength", len(value)):
        yield "%s must not be longer than %d characters" % (name, schema["maxLength"])
    # All patterns of ours are anchored; a "$" of Python's alone would let a line end pass.
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield "%s must match %s" % (name, schema["pattern"])


def find_object_faults(schema: Schema, value: Mapping[str, Any], name: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for key in schema.get("required", []):
        if key not in value:
            yield "%s.%s is missing" % (name, key)
    others = schema.get("additionalProperties", {})
    for key, item in value.items():
        place = "%s.%s" % (name, key)
        if key not in properties and others is False:
            yield "%s is not known" % place
            continue
        if "propertyNames" in schema:
            yield from find_faults(schema["propertyNames"], key, "a name in %s" % name)
        yield from find_faults(properties.get(key, others), item, place)
