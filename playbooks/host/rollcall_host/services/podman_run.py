"""The argv of `podman run` for a container of an instance, as data: nothing is asked and nothing is run.

Each text of an order is one argument, or one field of a flag that podman reads as a line of CSV; no shell sees it.
`resolved` is what `prepare` has found out on this host: see `Resolved`.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Iterator, Mapping, Optional

from . import paths

Order = Mapping[str, Any]
Container = Mapping[str, Any]
# {"images": {CONTAINER: {"entrypoint": [...], "volumes": [...]}}, "addresses": {CONTAINER: ADDRESS} or null}
# `addresses` are given where the host's podman resolves no names.
Resolved = Mapping[str, Any]

GENERATED = ("ROLLCALL_INSTANCE", "ROLLCALL_GENERATION", "ROLLCALL_SERVICE")


def run_command(order: Order, container: Container, has_cgroups: bool) -> list[str]:
    """Returns the argv, which podman gets as it stands."""
    resolved: Resolved = order["resolved"]
    entrypoint, arguments = program(container, resolved["images"][container["name"]]["entrypoint"])
    return [
        "podman", "run",
        "--name=" + paths.container_name(order["instance"], container["name"]),
        # What is left of an earlier run was removed by `tidy`; this closes the gap between the two.
        "--replace", "--rm", "--pull=never", "--no-healthcheck", "--http-proxy=false",
        *supervision_flags(container, has_cgroups),
        *network_flags(order, container),
        *environment_flags(order, container),
        *mount_flags(order, container),
        *right_flags(container),
        *process_flags(container),
        *(resource_flags(container["resources"]) if has_cgroups else []),
        *label_flags(order, container),
        *(["--entrypoint=" + json.dumps(entrypoint, ensure_ascii=False)] if entrypoint is not None else []),
        image_reference(container["image"]["digest"]),
        *arguments,
    ]


def image_reference(digest: str) -> str:
    """Returns the name that an image has on this host, from the digest of the order."""
    return "localhost/rollcall:" + digest.partition(":")[2]


def program(container: Container, image_entrypoint: list[str]) -> tuple[Optional[list[str]], list[str]]:
    """Returns the entrypoint to set, None for the image's own, and the arguments after it.

    podman has no word for "without the command of the image" but another entrypoint, and none for "without entrypoint".
    """
    entrypoint, command = container["entrypoint"], container["command"]
    if entrypoint == []:
        return command or None, []
    if entrypoint is None and command == []:
        return image_entrypoint or None, []
    return entrypoint, command or []


def has_program(container: Container, image_entrypoint: list[str], image_command: list[str]) -> bool:
    """Returns whether anything is left to run of what the order and the image say."""
    if container["entrypoint"] is not None:
        return bool(container["entrypoint"] or container["command"])
    return bool(image_entrypoint or (image_command if container["command"] is None else container["command"]))


def csv(value: str) -> str:
    """Returns a value as one field of CSV, as flags that take lists are read."""
    if value[:1] not in (" ", "\t") and not any(each in value for each in ',"\n\r'):
        return value
    return '"%s"' % value.replace('"', '""')


def supervision_flags(container: Container, has_cgroups: bool) -> Iterator[str]:
    if has_cgroups:
        # All processes are in the unit's group, so that they can be counted and killed with it.
        yield "--cgroups=split"
    if container["is_job"]:
        # In the foreground: its exit code is the unit's, and its output goes to the journal through the unit.
        yield from ("--sdnotify=ignore", "--log-driver=none")
    else:
        yield from ("--detach", "--sdnotify=conmon")
        yield "--log-driver=" + ("journald" if container["has_output"] else "none")
    if container["stop_signal"] is not None:
        yield "--stop-signal=" + container["stop_signal"]
    yield "--stop-timeout=%d" % grace_seconds(container)


def grace_seconds(container: Container) -> int:
    return int(-(-container["stop_grace_ms"] // 1000))


def network_flags(order: Order, container: Container) -> Iterator[str]:
    if container["network_mode"] != "group":
        yield "--network=" + container["network_mode"]
    else:
        yield "--network=" + order["network"]
        yield from name_flags(order, container)
        for port in container["ports"]:
            yield "--publish=" + published(port)
    if container["hostname"] is not None:
        yield "--hostname=" + container["hostname"]
    for host in container["extra_hosts"]:
        yield "--add-host=" + csv("%s:%s" % (host["name"], host["address"]))
    for flag, key in (("--dns=", "dns"), ("--dns-search=", "dns_search"), ("--dns-opt=", "dns_options")):
        for value in container[key]:
            yield flag + csv(value)


def name_flags(order: Order, container: Container) -> Iterator[str]:
    """Yields what makes `db:5432` work within the group: names in its network, or fixed addresses in /etc/hosts."""
    addresses = order["resolved"]["addresses"]
    if addresses is None:
        for name in names_of(container):
            yield "--network-alias=" + name
        return
    if not addresses:
        # It is alone in its group, and gets any address.
        return
    yield "--ip=" + addresses[container["name"]]
    for other in order["containers"]:
        if other["network_mode"] == "group":
            for name in names_of(other):
                yield "--add-host=%s:%s" % (name, addresses[other["name"]])


def names_of(container: Container) -> list[str]:
    """Returns the names that a container has in the network of its group, each once."""
    return list(dict.fromkeys([container["name"], *container["aliases"]]))


def published(port: Mapping[str, Any]) -> str:
    address = port["host_ip"]
    bound = "" if address is None else ("[%s]:" if ":" in address else "%s:") % address
    return "%s%d:%d/%s" % (bound, port["published"], port["target"], port["protocol"])


def environment_flags(order: Order, container: Container) -> Iterator[str]:
    for variable in container["environment"]:
        if variable["name"] not in GENERATED:
            yield "--env=%s=%s" % (variable["name"], variable["value"])
    for variable in container["secret_environment"]:
        # The name of podman's own secret: the value is in no argv. Before 4.4 `podman inspect` shows it, to root alone.
        name = secret_name(order["instance"], order["generation"], variable["secret"])
        yield "--secret=%s,type=env,target=%s" % (name, variable["name"])
    yield "--env=ROLLCALL_INSTANCE=" + order["instance"]
    yield "--env=ROLLCALL_GENERATION=%d" % order["generation"]
    yield "--env=ROLLCALL_SERVICE=" + order["name"]


def secret_name(instance: str, generation: int, secret: str) -> str:
    return "rollcall-%s-%d-%s" % (instance, generation, short_hash(secret))


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def mount_flags(order: Order, container: Container) -> Iterator[str]:
    for mount in container["mounts"]:
        yield "--mount=" + ",".join(mount_fields(order, container, mount))
    for target in image_volumes(order, container):
        name = own_volume(order["instance"], container["name"], target)
        yield "--mount=type=volume,source=%s,target=%s" % (name, target)
    folder = paths.generation_folder(order["instance"], order["generation"])
    for kind in ("secrets", "configs"):
        for index, grant in enumerate(container[kind]):
            source = os.path.join(folder, kind, granted_file(container["name"], index))
            yield "--mount=type=bind,source=%s,target=%s,ro" % (source, grant["target"])


def granted_file(container: str, index: int) -> str:
    """Returns the name of the file with a secret or config of a container, which has an owner and mode of its own."""
    return "%s.%d" % (container, index)


def mount_fields(order: Order, container: Container, mount: Mapping[str, Any]) -> Iterator[str]:
    yield "type=" + mount["type"]
    if mount["type"] == "volume":
        yield "source=" + (mount["source"] or own_volume(order["instance"], container["name"], mount["target"]))
    elif mount["type"] == "bind":
        yield "source=" + mount["source"]
    yield "target=" + mount["target"]
    if mount["is_read_only"]:
        yield "ro"
    if mount["type"] == "bind":
        yield from filter(None, (mount["propagation"], mount["selinux"]))
    elif mount["type"] == "tmpfs":
        yield "notmpcopyup"
        if mount["size_bytes"] is not None:
            yield "tmpfs-size=%d" % mount["size_bytes"]
        if mount["mode"] is not None:
            yield "tmpfs-mode=%o" % mount["mode"]


def own_volume(instance: str, container: str, target: str) -> str:
    """Returns the name of a volume that goes with its instance, and outlives its containers."""
    return "rollcall-%s-%s-%s" % (instance, container, short_hash(target))


def image_volumes(order: Order, container: Container) -> list[str]:
    """Returns the targets of volumes that the image declares and the order does not mount anything at."""
    taken = {each["target"].rstrip("/") for key in ("mounts", "secrets", "configs") for each in container[key]}
    declared: list[str] = order["resolved"]["images"][container["name"]]["volumes"]
    return [target for target in declared if target.rstrip("/") not in taken]


def own_volumes(order: Order) -> list[str]:
    """Returns the volumes that go with the instance: those without a name, and those that images declare."""
    found = []
    for container in order["containers"]:
        unnamed = [each["target"] for each in container["mounts"] if each["type"] == "volume" and not each["source"]]
        for target in [*unnamed, *image_volumes(order, container)]:
            found.append(own_volume(order["instance"], container["name"], target))
    return found


def right_flags(container: Container) -> Iterator[str]:
    for key, flag in (
        ("is_privileged", "--privileged"), ("has_host_pids", "--pid=host"), ("has_init", "--init"),
        ("is_read_only", "--read-only"),
    ):
        if container[key]:
            yield flag
    if container["is_read_only"]:
        # podman alone would make /run, /tmp and /var/tmp writable.
        yield "--read-only-tmpfs=false"
    if container["ipc"] is not None:
        yield "--ipc=" + container["ipc"]
    for name in container["added_capabilities"]:
        yield "--cap-add=" + name
    for name in container["dropped_capabilities"]:
        yield "--cap-drop=" + name
    for option in container["security_options"]:
        yield "--security-opt=" + option
    for device in container["devices"]:
        yield "--device=%s:%s:%s" % (device["source"], device["target"], device["permissions"])


def process_flags(container: Container) -> Iterator[str]:
    if container["working_dir"] is not None:
        yield "--workdir=" + container["working_dir"]
    if container["user"] is not None:
        yield "--user=" + container["user"]
    for group in container["groups"]:
        yield "--group-add=" + csv(group)
    for limit in container["ulimits"]:
        yield "--ulimit=%s=%d:%d" % (limit["name"], limit["soft"], limit["hard"])
    for setting in container["sysctls"]:
        yield "--sysctl=" + csv("%s=%s" % (setting["name"], setting["value"]))
    if container["shm_bytes"] is not None:
        yield "--shm-size=%db" % container["shm_bytes"]
    if container["oom_score_adj"] is not None:
        yield "--oom-score-adj=%d" % container["oom_score_adj"]


def resource_flags(resources: Mapping[str, Any]) -> Iterator[str]:
    if resources["max_cpus"] is not None:
        yield "--cpus=%g" % resources["max_cpus"]
    if resources["reserved_cpus"] is not None:
        yield "--cpu-shares=%d" % cpu_shares(resources["reserved_cpus"])
    if resources["max_memory_bytes"] is not None:
        yield "--memory=%db" % resources["max_memory_bytes"]
    if resources["reserved_memory_bytes"] is not None:
        yield "--memory-reservation=%db" % resources["reserved_memory_bytes"]
    if resources["max_pids"] is not None:
        yield "--pids-limit=%d" % resources["max_pids"]


def cpu_shares(cpus: float) -> int:
    return max(2, round(cpus * 1024))


def label_flags(order: Order, container: Container) -> Iterator[str]:
    for label in container["labels"]:
        yield "--label=%s=%s" % (label["name"], label["value"])
    yield "--label=rollcall.instance=" + order["instance"]
    yield "--label=rollcall.generation=%d" % order["generation"]
    yield "--label=rollcall.service=" + order["name"]
