"""A host for steps of instances: real files, and models of podman and systemd that know what was asked of them."""

import json
import subprocess

from rollcall_host import systemd
from rollcall_host.services import images, paths, podman, program, storage
from rollcall_host.services.podman_run import image_reference

CONFIG = {"Entrypoint": ["/image-entrypoint"], "Cmd": None, "Volumes": {"/declared": {}}}


class Host:
    def __init__(self, folder, monkeypatch):
        for name in ("ETC", "STATE", "PROGRAM", "IMAGES", "UNITS", "RUN"):
            (folder / name.lower()).mkdir()
            monkeypatch.setattr(paths, name, str(folder / name.lower()))
        (folder / "units" / "multi-user.target.wants").mkdir()
        (folder / "state" / "orders").mkdir()
        self.folder = folder
        self.version = "4.3.1"
        self.podman = []
        self.systemctl = []
        self.volumes, self.networks, self.secrets, self.images = set(), set(), {}, set()
        # By volume, as `podman volume create --label` has set them.
        self.labels = {}
        self.active = {}
        self.start_as = "active"
        # Without podman's files, podman is asked.
        monkeypatch.setattr(storage, "GRAPH_ROOT", str(folder / "storage"))
        monkeypatch.setattr(storage, "STORAGE_CONF", ())
        monkeypatch.setattr(storage, "CONTAINERS_CONF", ())
        monkeypatch.setattr(podman, "run", self.run_podman)
        monkeypatch.setattr(systemd, "systemctl", self.run_systemctl)
        monkeypatch.setattr(podman, "NAME_SERVERS", (str(folder),))
        monkeypatch.setattr(podman, "INIT_PROGRAMS", (str(folder),))
        monkeypatch.setattr(podman, "has_cgroups", lambda: True)
        monkeypatch.setattr(program, "save", lambda: None)
        monkeypatch.setattr(images, "import_layout", lambda image: image["digest"])

    def upload(self, order):
        path = self.folder / "state" / "orders" / ("%s-%d.json" % (order["instance"], order["generation"]))
        path.write_text(json.dumps(order))
        return str(path)

    def run_podman(self, *words, content=None, timeout=0):
        self.podman.append(words)
        code, output = self.answer(words, content)
        return subprocess.CompletedProcess(words, code, output, "" if code == 0 else "Error: no such thing")

    def answer(self, words, content):
        kind, verb, last = words[0], words[1], words[-1]
        if kind == "version":
            return 0, self.version
        if kind == "tag":
            self.images.add(last)
            return 0, ""
        if words[:2] == ("image", "inspect"):
            return (0, json.dumps([{"Id": "a", "Config": CONFIG}])) if last in self.images else (125, "[]")
        if kind == "network" and verb == "inspect":
            return (0, json.dumps([{"name": last, "dns_enabled": True}])) if last in self.networks else (125, "[]")
        if kind == "untag":
            return 125, ""
        if kind == "ps":
            return 0, "[]"
        if kind in ("network", "volume", "secret"):
            return self.answer_set(getattr(self, kind + "s"), verb, words, content)
        raise AssertionError(words)

    def answer_set(self, there, verb, words, content):
        if verb == "ls":
            asked = [word[len("label="):] for word in words if word.startswith("label=")]
            meant = [name for name in sorted(there) if all(self.has_label(name, label) for label in asked)]
            return 0, "".join("%s\n" % name for name in meant)
        name = words[2] if words[0] == "secret" else words[-1]
        if verb == "create" and isinstance(there, dict):
            there[name] = content
        elif verb == "create":
            there.add(name)
            self.labels[name] = [label for flag, label in zip(words, words[1:]) if flag == "--label"]
        elif name not in there:
            return 125, ""
        elif isinstance(there, dict):
            del there[name]
        else:
            there.remove(name)
        return 0, ""

    def has_label(self, volume, label):
        return any(label in (each, each.partition("=")[0]) for each in self.labels.get(volume, []))

    def run_systemctl(self, *words, check=True, timeout=0):
        self.systemctl.append(words)
        units = [word for word in words[1:] if word.endswith(".service")]
        if words[0] == "start":
            self.active.update({unit: self.start_as for unit in units})
        elif words[0] == "stop":
            self.active.update({unit: "inactive" for unit in units})
        elif words[0] == "show":
            return "\n\n".join("Id=%s\nActiveState=%s\nSubState=%s" % (unit, *self.state_of(unit)) for unit in units)
        return ""

    def state_of(self, unit):
        state = self.active.get(unit, "inactive")
        return ("activating", "auto-restart") if state == "auto-restart" else (state, "running")

    def has_image(self, digest):
        return image_reference(digest) in self.images

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())
