"""Variables as a file for `--extra-vars`, in which text is data: what looks like a template stays as it is."""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

# The variable with the names of those whose text is meant as a template. Ansible never sees it.
TEMPLATES = "rollcall_templates"


def format_variables(variables: Mapping[str, Any]) -> str:
    """Returns variables as JSON, or, where one could be a template, as YAML that marks each text as none."""
    values = {name: value for name, value in variables.items() if name != TEMPLATES}
    templates = variables.get(TEMPLATES, [])
    if not any(may_be_template(value) for name, value in values.items() if name not in templates):
        return json.dumps(values)
    entries = ("%s: %s" % (quote(name), to_yaml(value, name in templates)) for name, value in values.items())
    return "{%s}\n" % ", ".join(entries)


def may_be_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{" in value
    if isinstance(value, dict):
        return any("{" in key or may_be_template(item) for key, item in value.items())
    return isinstance(value, list) and any(map(may_be_template, value))


def to_yaml(value: Any, is_template: bool) -> str:
    if isinstance(value, str):
        return text_to_yaml(value, is_template)
    if isinstance(value, dict):
        entries = (
            "? %s : %s" % (text_to_yaml(key, is_template), to_yaml(item, is_template)) for key, item in value.items()
        )
        return "{%s}" % ", ".join(entries)
    if isinstance(value, list):
        return "[%s]" % ", ".join(to_yaml(item, is_template) for item in value)
    # Without a point YAML takes a number with an exponent for text.
    return re.sub("^(-?[0-9]+)e", r"\1.0e", json.dumps(value))


def text_to_yaml(text: str, is_template: bool) -> str:
    return quote(text) if is_template else "!unsafe " + quote(text)


def quote(text: str) -> str:
    """Returns a text as YAML in double quotes. Any but plain characters become numbers: YAML folds some line ends."""
    escaped = (character if is_plain(character) else "\\U%08x" % ord(character) for character in text)
    return '"%s"' % "".join(escaped)


def is_plain(character: str) -> bool:
    return " " <= character <= "~" and character not in '"\\'
