"""Checks values by the part of JSON Schema that our contracts use."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping

Schema = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
# Says nothing about a value that JSON itself does not: `$ref` leads to "any JSON" only.
ANNOTATIONS = {"$schema", "$defs", "$ref", "default", "description", "title"}
CHECKED = {
    "type", "anyOf", "const", "enum", "pattern", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems",
    "properties", "required", "additionalProperties", "propertyNames",
}
# How much of a name that is not ours stands in a fault.
MAX_KEY_LENGTH = 64


def find_faults(schema: Schema, value: Any, name: str) -> Iterator[str]:
    """Yields what is wrong with a value: the field and what it must be, never the value, which may be a secret."""
    if "anyOf" in schema:
        each = [list(find_faults(part, value, name)) for part in meant_parts(schema["anyOf"], value)]
        if all(each):
            yield from each[0]
        return
    if "type" in schema and not has_type(schema["type"], value):
        yield "%s must be of type %s" % (name, schema["type"])
    elif value not in schema.get("enum", [schema.get("const", value)]):
        yield "%s must be %s" % (name, " or ".join(map(str, schema.get("enum", [schema.get("const")]))))
    elif isinstance(value, str):
        yield from find_text_faults(schema, value, name)
    elif isinstance(value, dict):
        yield from find_object_faults(schema, value, name)
    elif isinstance(value, list):
        yield from find_list_faults(schema, value, name)
    elif isinstance(value, (int, float)):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield "%s must be from %s to %s" % (name, schema.get("minimum"), schema.get("maximum"))


def meant_parts(parts: list[Schema], value: Any) -> list[Schema]:
    """Returns the alternatives that a value means: of objects told apart by a constant, the one with its constant."""
    if not isinstance(value, dict):
        return parts
    meant = [part for part in parts if has_constants(part.get("properties", {}), value)]
    return meant or parts


def has_constants(properties: Mapping[str, Schema], value: Mapping[str, Any]) -> bool:
    constants = {key: part["const"] for key, part in properties.items() if "const" in part}
    return bool(constants) and all(value.get(key) == constant for key, constant in constants.items())


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
            yield "%s is missing" % ("%s.%s" % (name, key) if name else key)
    others = schema.get("additionalProperties", {})
    for key, item in value.items():
        place = "%s.%s" % (name, key[:MAX_KEY_LENGTH]) if name else key[:MAX_KEY_LENGTH]
        if key not in properties and others is False:
            yield "%s is not known" % place
            continue
        if "propertyNames" in schema:
            yield from find_faults(schema["propertyNames"], key, "a name in %s" % name)
        yield from find_faults(properties.get(key, others), item, place)


def find_list_faults(schema: Schema, value: list[Any], name: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield "%s must have at least %d entries" % (name, schema["minItems"])
    if len(value) > schema.get("maxItems", len(value)):
        yield "%s must have at most %d entries" % (name, schema["maxItems"])
        return
    for index, item in enumerate(value):
        yield from find_faults(schema.get("items", {}), item, "%s[%d]" % (name, index))
