"""podman, by its own program, and what this host's one can do."""

from __future__ import annotations

import glob
import ipaddress
import itertools
import json
import os
import re
import subprocess
from typing import Any, Callable, Mapping, Optional

from .. import systemd
from ..host_error import HostError
from .step_error import ENGINE_MISSING, STORAGE_BROKEN, StepError

TIMEOUT_SECONDS = 120
MAX_MESSAGE_LENGTH = 300
# `podman secret` came with 3.1, its variables with 3.2.
FIRST_WITH_SECRET_VARIABLES = (3, 2)
# What podman says when its storage, and not what was asked of it, is the trouble.
BROKEN_STORAGE = re.compile(
    "layer not known|database disk image|invalid database|unexpected end of JSON|graph driver|"
    "error loading storage|loading stores|storage/overlay/[^ ]*: no such file|container storage is corrupt",
    re.IGNORECASE,
)
CONTAINERS_CONF = (
    "/usr/share/containers/containers.conf",
    "/etc/containers/containers.conf",
    "/etc/containers/containers.conf.d/*.conf",
)
NAME_SERVERS = (
    "/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns", "/usr/local/libexec/podman/aardvark-dns",
    "/usr/local/lib/podman/aardvark-dns", "/usr/lib/cni/dnsname", "/usr/libexec/cni/dnsname", "/opt/cni/bin/dnsname",
)
INIT_PROGRAMS = (
    "/usr/libexec/podman/catatonit", "/usr/lib/podman/catatonit", "/usr/bin/catatonit", "/usr/local/bin/catatonit",
)
FIRST_ADDRESS = 10
# Without it the name server of networks does not start, from that of podman 5 on.
RESOLV_CONF = "/etc/resolv.conf"
FIRST_WITH_RESOLV_CONF = (5, 0)


def podman(*words: str, content: Optional[str] = None, timeout: float = TIMEOUT_SECONDS) -> str:
    """Returns what podman prints. Throws `StepError` where its storage is broken or it is missing, else `HostError`."""
    done = run(*words, content=content, timeout=timeout)
    if done.returncode != 0:
        raise HostError("podman %s failed: %s" % (" ".join(words[:2]), reason(done.stderr)))
    return done.stdout


def run(
    *words: str, content: Optional[str] = None, timeout: float = TIMEOUT_SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Returns how podman has ended. Throws `StepError` where its storage is broken or it is missing."""
    if not is_there():
        raise StepError(ENGINE_MISSING, missing_text())
    done = systemd.run(["podman", *words], content=content, timeout=timeout)
    if done.returncode != 0 and BROKEN_STORAGE.search(done.stderr):
        raise StepError(
            STORAGE_BROKEN,
            "podman cannot read its storage on this host: %s. Take the host out of placement, then repair the storage "
            "by hand; its volumes are under /var/lib/containers." % reason(done.stderr),
        )
    return done


def missing_text() -> str:
    """Says what a host without podman needs. Docker is no engine: its containers are in no unit's control group."""
    install = "`apt-get install podman`"
    if is_there("docker"):
        return "This host has Docker and no podman, by which instances run. Install it beside Docker: %s." % install
    return "This host has no podman. Install it, e.g. by %s." % install


def is_there(program: str = "podman") -> bool:
    # As shutil.which, whose archives of all kinds would take each start of a container some milliseconds to import.
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.get_exec_path())


def reason(stderr: str) -> str:
    """Returns the last line of what podman has said."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return (lines[-1] if lines else "it says nothing")[:MAX_MESSAGE_LENGTH]


def version() -> tuple[int, ...]:
    """Returns the version of podman, major and minor. Throws `StepError` where there is none that works."""
    text = podman("version", "--format", "{{.Client.Version}}").strip()
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        raise StepError(ENGINE_MISSING, "podman on this host does not say its version.")
    return int(found[1]), int(found[2])


def has_cgroups() -> bool:
    """Returns whether podman may make control groups: not where containers.conf says `cgroups = "disabled"`."""
    answer = True
    for path in [path for pattern in CONTAINERS_CONF for path in sorted(glob.glob(pattern))]:
        with open(path, encoding="utf-8", errors="replace") as file:
            for value in re.findall(r'^\s*cgroups\s*=\s*"([a-z-]+)"', file.read(), re.MULTILINE):
                answer = value != "disabled"
    return answer


def has_init() -> bool:
    return any(os.path.exists(path) for path in INIT_PROGRAMS)


def list_containers() -> list[tuple[str, str]]:
    """Returns id and name of all containers, and of storage that podman has no record of, which no name removes."""
    found = json.loads(podman("ps", "--all", "--external", "--no-trunc", "--format", "json") or "[]") or []
    return [(str(each.get("Id") or each.get("ID")), name) for each in found for name in each.get("Names") or []]


def remove_containers(is_meant: Callable[[str], bool]) -> None:
    """Removes what is left of containers of such names, by their ids: a removal by name proves nothing."""
    for id in [id for id, name in list_containers() if is_meant(name)]:
        # To replace a container that runs would wait for its stop timeout. Before 4.0 podman knows no other way.
        podman("rm", "--force", *(["--time", "0"] if version() >= (4, 0) else []), id)


def list_volumes() -> "set[str]":
    return set(podman("volume", "ls", "--format", "{{.Name}}").split())


def ensure_network(name: str) -> Mapping[str, Any]:
    """Makes a network that is not there. Returns what podman says of it."""
    done = run("network", "inspect", name)
    if done.returncode != 0:
        podman("network", "create", name)
        done = run("network", "inspect", name)
    networks = json.loads(done.stdout or "[]")
    if not networks:
        raise HostError("podman does not show the network %s: %s" % (name, reason(done.stderr)))
    network: Mapping[str, Any] = networks[0]
    return network


def resolves_names(network: Mapping[str, Any]) -> bool:
    """Returns whether containers find each other by name in a network of podman's."""
    if "plugins" in network:
        return any(plugin.get("type") == "dnsname" for plugin in network["plugins"])
    return bool(network.get("dns_enabled")) and has_name_server()


def has_name_server() -> bool:
    return any(os.path.exists(path) for path in NAME_SERVERS)


def free_addresses(network: Mapping[str, Any], taken: "set[str]", count: int) -> list[str]:
    """Returns addresses of a network that are not taken. Throws `HostError` where it has no subnet, or not so many."""
    subnets = [each["subnet"] for each in network.get("subnets") or []]
    for plugin in network.get("plugins") or []:
        for ranges in plugin.get("ipam", {}).get("ranges", []):
            subnets.extend(each["subnet"] for each in ranges)
    if not subnets:
        raise HostError("podman says no subnet of the network %s" % network.get("name"))
    hosts = itertools.islice(ipaddress.ip_network(subnets[0]).hosts(), FIRST_ADDRESS - 1, None)
    free = list(itertools.islice((str(host) for host in hosts if str(host) not in taken), count))
    if len(free) < count:
        raise HostError("The network %s has no address left for another container." % network.get("name"))
    return free
