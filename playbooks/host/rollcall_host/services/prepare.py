"""Puts a generation of an instance beside what runs: `prepare ORDER_FILE`."""

from __future__ import annotations

import base64
import os
import re
from typing import Any, Mapping, Optional

from .. import files, systemd
from ..host_error import HostError
from . import images, instances, podman, ports, program, states, store
from .orders import parse_order
from .podman_run import has_program, own_volumes, secret_name
from .step_error import ENGINE_MISSING, GENERATION_OLD, HOST_FULL, MOUNT_MISSING, ORDER_INVALID, StepError

Order = Mapping[str, Any]


def prepare(order_file: str) -> dict[str, Any]:
    """Checks an order and makes all that its start needs. What runs is not touched. Throws `StepError`."""
    content = files.read_file(order_file)
    if content is None:
        return repeat(order_file)
    try:
        order = parse_order(content)
    except StepError:
        files.remove_file(order_file)
        raise
    program.save()
    if order["containers"]:
        check_engine(order)
    found = {container["name"]: images.ensure_image(container["image"]) for container in order["containers"]}
    with store.locked(order["instance"]):
        if is_new(order):
            check_host(order)
            store.write_generation(order, resolve(order, found))
        if order["containers"]:
            ensure_parts(order)
        files.remove_file(order_file)
    return answer(order["generation"])


def answer(generation: int) -> dict[str, Any]:
    return {"prepared": True, "generation": generation}


def repeat(order_file: str) -> dict[str, Any]:
    """Returns the answer again whose order was taken already. Throws `HostError` where it was not."""
    found = re.fullmatch("([0-9a-f]{8})-([1-9][0-9]{0,8})[.]json", os.path.basename(order_file))
    if found and instances.read_order(found[1], int(found[2])) is not None:
        return answer(int(found[2]))
    raise HostError("There is no order at %s. Upload it again." % order_file)


def is_new(order: Order) -> bool:
    """Returns whether a generation has to be written. Throws `StepError` where the disk has a newer or another one."""
    instance = instances.read_instance(order["instance"])
    if instance is None or order["generation"] > instance.newest:
        return True
    same = instances.read_order(order["instance"], order["generation"])
    if order["generation"] < instance.newest or same is None:
        raise StepError(GENERATION_OLD, old_text(order["instance"], order["generation"], instance.newest))
    if same["revision"] != order["revision"]:
        raise StepError(
            GENERATION_OLD,
            "Generation %d of instance %s is on this host already, with another revision. Give a higher generation."
            % (order["generation"], order["instance"]),
        )
    return False


def old_text(id: str, given: int, newest: int) -> str:
    return "This host has generation %d of instance %s. Generation %d is older, and is refused." % (newest, id, given)


def check_engine(order: Order) -> None:
    """Throws `StepError` where this host's podman cannot do what the order needs."""
    version = podman.version()
    for index, container in enumerate(order["containers"]):
        if container["secret_environment"] and version < podman.FIRST_WITH_SECRET_VARIABLES:
            raise StepError(
                ENGINE_MISSING,
                "containers[%d].secret_environment needs podman %d.%d or later, this host has %d.%d: an older one has "
                "no secrets. Take the secret as a file, under secrets."
                % (index, *podman.FIRST_WITH_SECRET_VARIABLES, *version[:2]),
            )
        if container["has_init"] and not podman.has_init():
            raise StepError(
                ENGINE_MISSING, "containers[%d].has_init needs catatonit: `apt-get install catatonit`." % index
            )
    needs_resolver = is_in_network(order) and version >= podman.FIRST_WITH_RESOLV_CONF and podman.has_name_server()
    if needs_resolver and not os.path.exists(podman.RESOLV_CONF):
        raise StepError(
            ENGINE_MISSING,
            "podman's name server, aardvark-dns, does not start without %s, which this host does not have. Make it; "
            "its resolver need not answer: `echo nameserver 127.0.0.1 > %s`." % ((podman.RESOLV_CONF,) * 2),
        )


def is_in_network(order: Order) -> bool:
    return any(container["network_mode"] == "group" for container in order["containers"])


def check_host(order: Order) -> None:
    """Throws `StepError` where the host is full, ports are taken, or what is to be mounted is not there."""
    instance = instances.read_instance(order["instance"])
    if instance is None and len(instances.list_ids()) >= instances.MAX_INSTANCES:
        raise StepError(
            HOST_FULL,
            "This host has %d instances, which is the most. Remove some of them from it, or add a host, then plan and "
            "apply." % instances.MAX_INSTANCES,
        )
    ports.require_free(order, held_ports(order["instance"]))
    other = find_other_of_unit(order)
    if other is not None:
        text = "%s is the unit of %s on this host too: each would stop the other. Give them different units."
        raise StepError(ORDER_INVALID, text % (order["playbook"]["unit"], other.order["name"]))
    missing = missing_mounts(order)
    if missing:
        raise StepError(
            MOUNT_MISSING,
            "This host does not have what is to be mounted: %s. Make it there, or choose hosts that have it with "
            "`place`." % "; ".join(missing),
        )


def missing_mounts(order: Order) -> list[str]:
    """Returns what containers need of this host that is not there and is not made: folders, files, devices, volumes."""
    missing = []
    for container in order["containers"]:
        sources = [
            each["source"] for each in container["mounts"] if each["type"] == "bind" and not each["is_created"]
        ] + [each["source"] for each in container["devices"] if each["source"].startswith("/")]
        missing += ["%s for %s" % (path, container["name"]) for path in sources if not os.path.exists(path)]
    there = podman.list_volumes() if order["volumes"] else []
    for volume in order["volumes"]:
        if volume["is_external"] and volume["name"] not in there:
            missing.append("the external volume %s, which `podman volume create %s` makes" % ((volume["name"],) * 2))
    return missing


def find_other_of_unit(order: Order) -> Optional[instances.Instance]:
    """Returns another instance on this host whose playbook makes the same unit."""
    unit = order["playbook"]["unit"] if order["playbook"] is not None else None
    for other in instances.read_instances() if unit is not None else []:
        if other.id != order["instance"] and other.is_playbook and other.order["playbook"]["unit"] == unit:
            return other
    return None


def held_ports(id: str) -> "set[tuple[str, int]]":
    """Returns the ports that an instance has itself, by what runs of it now."""
    instance = instances.read_instance(id)
    if instance is None or not (instance.is_current or instance.is_playbook):
        return set()
    units = {instances.unit_of(id, each): each for each in instance.containers}
    shown = systemd.show_all([unit for unit in units if unit is not None], "ActiveState")
    up = [
        each for unit, each in units.items()
        if states.find_shown(unit, shown).get("ActiveState") in ("active", "activating")
    ]
    return {(port["protocol"], port["published"]) for each in up for port in each["ports"]}


def resolve(order: Order, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns what the argv needs to know of this host. Throws `StepError` where an image has nothing to run."""
    resolved: dict[str, Any] = {"images": {}, "addresses": None}
    for index, container in enumerate(order["containers"]):
        config = found[container["name"]].get("Config") or {}
        entrypoint, command = config.get("Entrypoint") or [], config.get("Cmd") or []
        if not has_program(container, entrypoint, command):
            raise StepError(ORDER_INVALID, "containers[%d] has nothing to run, and its image has neither." % index)
        resolved["images"][container["name"]] = {
            "entrypoint": entrypoint, "volumes": sorted(config.get("Volumes") or {}),
        }
    members = [each["name"] for each in order["containers"] if each["network_mode"] == "group"]
    if members:
        network = podman.ensure_network(order["network"])
        if not podman.resolves_names(network):
            # A container alone needs no other's name.
            named = members if len(members) > 1 else []
            free = podman.free_addresses(network, taken_addresses(order), len(named))
            resolved["addresses"] = dict(zip(named, free))
    return resolved


def taken_addresses(order: Order) -> "set[str]":
    """Returns the addresses that other instances on this host have in the network of an order."""
    taken: "set[str]" = set()
    for other in instances.read_instances():
        newest = instances.read_order(other.id, other.newest) or other.order
        for known in (other.order, newest) if other.id != order["instance"] else ():
            if known["network"] == order["network"]:
                taken.update((known["resolved"]["addresses"] or {}).values())
    return taken


def ensure_parts(order: Order) -> None:
    """Makes network, volumes, folders and variables of secrets that are not there."""
    if is_in_network(order):
        podman.ensure_network(order["network"])
    stored = instances.read_order(order["instance"], order["generation"]) or order
    there = podman.list_volumes()
    for volume in [each["name"] for each in order["volumes"] if not each["is_external"]]:
        if volume not in there:
            podman.podman("volume", "create", "--label", "rollcall.project=" + order["project"], volume)
    for volume in own_volumes(stored):
        if volume not in there:
            podman.podman("volume", "create", "--label", "rollcall.instance=" + order["instance"], volume)
    for container in order["containers"]:
        for mount in container["mounts"]:
            # What is there stays as it is: it may be a file, such as /etc/localtime.
            if mount["type"] == "bind" and mount["is_created"] and not os.path.exists(mount["source"]):
                make_folder(container["name"], mount["source"])
    ensure_secret_variables(order)


def make_folder(container: str, path: str) -> None:
    """Makes a folder that is to be mounted. Throws `StepError` where something else is in its way."""
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
    except OSError as error:
        raise StepError(
            MOUNT_MISSING,
            "%s for %s is not on this host and cannot be made: %s. Make it there by hand, or mount another path."
            % (path, container, error.strerror),
        ) from error


def ensure_secret_variables(order: Order) -> None:
    """Gives podman the secrets that are variables: it keeps them for root alone, and they are in no argv."""
    wanted = {each["secret"] for container in order["containers"] for each in container["secret_environment"]}
    if not wanted:
        return
    there = podman.podman("secret", "ls", "--format", "{{.Name}}").split()
    for secret in sorted(wanted):
        name = secret_name(order["instance"], order["generation"], secret)
        if name in there:
            podman.podman("secret", "rm", name)
        value = base64.b64decode(order["secrets"][secret]).decode()
        podman.podman("secret", "create", name, "-", content=value)
