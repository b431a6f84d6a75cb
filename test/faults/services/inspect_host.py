"""Prints what this host has of instances, as JSON: by processes, by podman, by systemd and by their folders."""

import glob
import json
import os
import subprocess


def ask(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=True).stdout


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def programs():
    """Yields the first process of each container."""
    for status in glob.glob("/proc/[0-9]*/status"):
        pids = [line.split()[1:] for line in read(status).splitlines() if line.startswith("NSpid:")]
        if not pids or len(pids[0]) < 2 or pids[0][-1] != "1":
            continue
        environment = read(os.path.dirname(status) + "/environ").split("\0")
        variables = dict(each.split("=", 1) for each in environment if "=" in each)
        if "ROLLCALL_INSTANCE" in variables:
            yield {
                "instance": variables["ROLLCALL_INSTANCE"],
                "container": variables.get("CONTAINER", ""),
                "slot": variables.get("ROLLCALL_SERVICE", ""),
                "generation": int(variables["ROLLCALL_GENERATION"]),
                "revision": int(variables.get("REVISION", "0")),
                "pid": int(pids[0][0]),
            }


def containers():
    for each in json.loads(ask("podman", "ps", "--all", "--format", "json") or "[]"):
        labels = each.get("Labels") or {}
        if "rollcall.instance" in labels:
            yield {
                "instance": labels["rollcall.instance"],
                "name": each["Names"][0],
                "generation": int(labels["rollcall.generation"]),
                "state": each["State"],
            }


def units():
    names = [os.path.basename(path) for path in glob.glob("/etc/systemd/system/rollcall-i-*.service")]
    if not names:
        return
    for paragraph in ask("systemctl", "show", "--property=Id,ActiveState,UnitFileState", "--", *names).split("\n\n"):
        shown = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if "Id" in shown:
            yield {"name": shown["Id"], "active": shown["ActiveState"], "enabled": shown["UnitFileState"]}


def folders():
    for path in glob.glob("/etc/rollcall-services/*"):
        state = json.loads(read(path + "/state.json") or "{}")
        yield {
            "instance": os.path.basename(path),
            "generation": state.get("generation", 0),
            "wanted": state.get("wanted", "stopped"),
        }


report = {"units": list(units()), "folders": list(folders()), "containers": list(containers())}
# They come last, since they are the nearest to the truth.
report["programs"] = list(programs())
print(json.dumps(report))
