"""Reads the orders of a server: all faults of one at once, each by its field and never with its value."""

from __future__ import annotations

import base64
import binascii
import json
import socket
from typing import Any, Iterator, Mapping, Optional

from .. import schema
from .order_schema import MAX_CONFIG_BYTES, MAX_SECRET_BYTES, ORDER
from .step_error import FENCE_UNSUPPORTED, ORDER_INVALID, StepError

MAX_ORDER_BYTES = 4 * 1024 * 1024
# The kernel takes arguments of at most 128 KiB each, and some MiB in all.
MAX_TEXT_BYTES = 120_000
MAX_CONTAINER_BYTES = 1_000_000
MAX_FAULTS = 20

Order = Mapping[str, Any]


def parse_order(content: bytes) -> Order:
    """Returns an order that is right in every field. Throws `StepError` with all its faults."""
    if len(content) > MAX_ORDER_BYTES:
        raise StepError(ORDER_INVALID, "The order is larger than %d bytes." % MAX_ORDER_BYTES)
    try:
        order = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise StepError(ORDER_INVALID, "The order is not JSON in UTF-8.") from error
    faults = list(find_faults(order))
    if faults:
        more = "; and %d more" % (len(faults) - MAX_FAULTS) if len(faults) > MAX_FAULTS else ""
        raise StepError(ORDER_INVALID, "The order is not right: %s%s." % ("; ".join(faults[:MAX_FAULTS]), more))
    if order["fence"] != "none":
        raise StepError(FENCE_UNSUPPORTED, "fence must be none: this host program keeps no leases yet.")
    return dict(order)


def find_faults(order: Any) -> Iterator[str]:
    """Yields what is wrong with an order. Relations between fields are looked at where the fields are right."""
    if not isinstance(order, dict):
        yield "it must be of type object"
        return
    faults = list(schema.find_faults(ORDER, order, ""))
    yield from faults
    yield from find_text_faults(order, "")
    if not faults:
        yield from find_relation_faults(order)


def find_text_faults(value: Any, name: str) -> Iterator[str]:
    """Yields texts that no program's argument can be."""
    if isinstance(value, str):
        if "\0" in value:
            yield "%s must not contain a NUL character" % name
        size = encoded_size(value)
        if size is None:
            yield "%s must be Unicode text" % name
        elif size > MAX_TEXT_BYTES and not name.startswith(("secrets.", "configs.")):
            yield "%s must not be longer than %d bytes" % (name, MAX_TEXT_BYTES)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_text_faults(item, "%s.%s" % (name, key[:schema.MAX_KEY_LENGTH]) if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_text_faults(item, "%s[%d]" % (name, index))


def encoded_size(value: str) -> Optional[int]:
    """Returns the bytes of a text, None where it has half a surrogate pair."""
    try:
        return len(value.encode())
    except UnicodeEncodeError:
        return None


def find_relation_faults(order: Order) -> Iterator[str]:
    if bool(order["containers"]) == (order["playbook"] is not None):
        yield "containers must be there, or a playbook in place of them"
    names = [container["name"] for container in order["containers"]]
    for name in find_repeated(names):
        yield "containers: the name %s stands twice" % name
    yield from find_file_faults(order)
    volumes = [volume["name"] for volume in order["volumes"]]
    for name in find_repeated(volumes):
        yield "volumes: the name %s stands twice" % name
    for index, container in enumerate(order["containers"]):
        place = "containers[%d]" % index
        yield from find_container_faults(order, container, place)
        for at, after in enumerate(container["after"]):
            # The file's order: a container waits for earlier ones only, so there is no circle.
            if after["container"] not in names[:index]:
                yield "%s.after[%d].container must be one of the containers before it" % (place, at)
        for at, mount in enumerate(container["mounts"]):
            if mount["type"] == "volume" and mount["source"] is not None and mount["source"] not in volumes:
                yield "%s.mounts[%d].source must be one of volumes" % (place, at)
    for index, check in enumerate(order["checks"]):
        if check["container"] not in (names or [order["service"]]):
            yield "checks[%d].container must be one of containers" % index
    yield from find_port_faults(order)


def find_container_faults(order: Order, container: Mapping[str, Any], place: str) -> Iterator[str]:
    if container["network_mode"] == "group" and order["network"] is None:
        yield "network must be named, since %s is in the network of the group" % place
    for kind in ("secrets", "configs"):
        for at, grant in enumerate(container[kind]):
            if grant["source"] not in order[kind]:
                yield "%s.%s[%d].source must be one of %s" % (place, kind, at, kind)
    for at, variable in enumerate(container["secret_environment"]):
        if variable["secret"] not in order["secrets"]:
            yield "%s.secret_environment[%d].secret must be one of secrets" % (place, at)
        elif not is_variable(order["secrets"][variable["secret"]]):
            yield "%s.secret_environment[%d].secret must be UTF-8, without NUL and not empty" % (place, at)
    for key in ("mounts", "secrets", "configs"):
        for at, entry in enumerate(container[key]):
            if ".." in entry["target"].split("/"):
                yield "%s.%s[%d].target must not contain .." % (place, key, at)
    targets = [entry["target"].rstrip("/") for key in ("mounts", "secrets", "configs") for entry in container[key]]
    for target in find_repeated(targets):
        yield "%s has two mounts at one target" % place
    variables = [each["name"] for key in ("environment", "secret_environment") for each in container[key]]
    for _ in find_repeated(variables):
        yield "%s has two variables of one name" % place
    if len(json.dumps(container)) > MAX_CONTAINER_BYTES:
        yield "%s must not be longer than %d bytes in all" % (place, MAX_CONTAINER_BYTES)


def find_file_faults(order: Order) -> Iterator[str]:
    for kind, most in (("secrets", MAX_SECRET_BYTES), ("configs", MAX_CONFIG_BYTES)):
        for name, value in order[kind].items():
            try:
                decode(value, most)
            except ValueError as error:
                yield "%s.%s %s" % (kind, name, error)


def decode(value: str, most: int) -> bytes:
    """Returns what a text in base64 stands for. Throws `ValueError` that says what it must be."""
    try:
        content = base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("must be base64") from error
    if len(content) > most:
        raise ValueError("must not be larger than %d bytes" % most)
    return content


def is_variable(value: str) -> bool:
    """Returns whether a secret can be a variable. One that is no base64 is told elsewhere."""
    try:
        content = decode(value, MAX_SECRET_BYTES)
    except ValueError:
        return True
    try:
        return b"\0" not in content and content.decode() != ""
    except UnicodeDecodeError:
        return False


def find_port_faults(order: Order) -> Iterator[str]:
    for at, port in enumerate(order["playbook"]["ports"] if order["playbook"] is not None else []):
        if port["host_ip"] is not None and not is_address(port["host_ip"]):
            yield "playbook.ports[%d].host_ip must be an address" % at
    seen = set()
    for index, container in enumerate(order["containers"]):
        for at, port in enumerate(container["ports"]):
            place = "containers[%d].ports[%d]" % (index, at)
            if port["host_ip"] is not None and not is_address(port["host_ip"]):
                yield "%s.host_ip must be an address" % place
            if container["network_mode"] == "host" and port["published"] != port["target"]:
                yield "%s.published must be its target: the container is in the host's network" % place
            key = (port["protocol"], port["published"], port["host_ip"])
            if key in seen:
                yield "%s.published is given twice" % place
            seen.add(key)


def is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
            return True
        except OSError:
            pass
    return False


def find_repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
