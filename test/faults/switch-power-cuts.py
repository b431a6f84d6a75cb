"""Takes the power away before every single change that agent_switch.py makes to the disk, and again during the boot after it.

    python3 switch-power-cuts.py agent_switch.py

Prints how many cuts were made as JSON. Exits with 1 at the first that leaves a host without the agent it should have.
systemd is replaced by a model of it, which knows which release it has started; the files are real.
"""

import importlib.util
import json
import os
import shutil
import sys
import tempfile

OLD, NEW = "1.0-old", "2.0-new"


class PowerCut(BaseException):
    pass


class World:
    """A host's files, its systemd, and the number of changes until the power goes."""

    def __init__(self, module, root):
        self.module, self.root, self.left, self.made = module, root, None, 0
        self.running = OLD
        for name in ("STATE", "PROGRAM", "ETC", "UNITS"):
            setattr(module, name, os.path.join(root, name.lower()))
        module.flush = lambda path: None
        module.systemctl = self.systemctl
        module.is_new_running = lambda plan: self.running == plan["release"]
        module.is_answering = lambda timeout: True
        module.refuse_other_machine = lambda plan: None
        for name in ("replace", "link", "unlink", "symlink"):
            real = getattr(os, name)
            setattr(module.os, name, self.cutting(real))
        self.real_rmtree = shutil.rmtree

    def cutting(self, real):
        real = getattr(real, "real", real)

        def change(*args, **options):
            self.made += 1
            if self.left is not None:
                if self.left == 0:
                    raise PowerCut()
                self.left -= 1
            return real(*args, **options)

        change.real = real
        return change

    def reset(self):
        self.left = None
        self.real_rmtree(self.root, ignore_errors=True)
        m = self.module
        for folder in (m.ETC + "/ssl", m.UNITS + "/multi-user.target.wants", self.root + "/new-units", m.PROGRAM + "/releases"):
            os.makedirs(folder)
        for release in (OLD, NEW):
            os.makedirs(os.path.join(m.PROGRAM, "releases", release))
            self.put(os.path.join(m.PROGRAM, "releases", release, "VERSION"), json.dumps({"version": release}))
        os.symlink.real("releases/" + OLD, m.PROGRAM + "/current")
        self.put(m.ETC + "/config.json", "config of " + OLD)
        self.put(m.ETC + "/ssl/agent.crt", "certificate")
        for name in ("rollcall-agent.service", "rollcall-runner.service"):
            self.put(os.path.join(m.UNITS, name), "unit of " + OLD)
            self.put(os.path.join(self.root, "new-units", name), "unit of " + NEW)
        plan = {"id": "u", "release": NEW, "version": NEW, "units": self.root + "/new-units", "callers": "callers of " + NEW}
        self.put(self.root + "/plan.json", json.dumps(plan))
        os.makedirs(os.path.dirname(os.path.join(m.UNITS, m.CALLERS)))
        self.put(os.path.join(m.UNITS, m.CALLERS), "callers of " + OLD)
        self.put(os.path.join(m.UNITS, m.AGENT + ".d", "override.conf"), "of the host's own administrator")
        self.running = OLD

    @staticmethod
    def put(path, text):
        with open(path, "w") as file:
            file.write(text)

    @staticmethod
    def get(path):
        with open(path) as file:
            return file.read()

    def systemctl(self, verb, *words, check=True):
        m = self.module
        link = os.path.join(m.UNITS, "multi-user.target.wants", m.GUARD)
        if verb == "stop":
            self.running = None
        if verb == "start":
            self.running = m.current()
            if self.running == NEW:
                # A newer agent may leave what an older one must not meet.
                self.put(m.ETC + "/config.json", "config of " + NEW)
        if verb == "enable" and not os.path.lexists(link):
            os.symlink.real("../" + m.GUARD, link)
        if verb == "disable" and os.path.lexists(link):
            os.unlink.real(link)
        return ""

    def upgrade(self, is_confirmed):
        m = self.module
        m.prepare(self.get(self.root + "/plan.json"))
        m.switch()
        m.verify("1")
        if is_confirmed:
            assert m.confirm("u") == 0
            m.finish()
        else:
            m.restore("the server has not reached it")

    def boot(self):
        m = self.module
        self.running = None
        is_guarded = os.path.lexists(os.path.join(m.UNITS, "multi-user.target.wants", m.GUARD))
        if os.path.exists(m.STATE + "/plan.json"):
            assert is_guarded, "a plan without its guard"
            m.settle(["--boot"])
        self.systemctl("start", m.AGENT)

    def check(self, was_confirmed, what):
        m = self.module
        release = m.current()
        expected = NEW if was_confirmed else OLD
        found = {
            "link": release,
            "running": self.running,
            "unit": self.get(m.UNITS + "/rollcall-agent.service").replace("unit of ", ""),
            "callers": self.get(os.path.join(m.UNITS, m.CALLERS)).replace("callers of ", ""),
            "config": self.get(m.ETC + "/config.json").replace("config of ", ""),
        }
        assert all(value == expected for value in found.values()), "%s: %s" % (what, found)
        assert not os.path.exists(m.STATE + "/plan.json"), what


def attempt(world, cut, work):
    """Whether the power went before `work` was done."""
    world.left = cut
    try:
        work()
        return False
    except PowerCut:
        return True
    finally:
        world.left = None


def was_confirmed(world):
    made = world.module.decision()
    report = world.module.read_json(world.module.STATE + "/report.json")
    return bool(made and made["outcome"] == "confirmed") or bool(report and report["outcome"] == "upgraded")


def main(path):
    spec = importlib.util.spec_from_file_location("agent_switch", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tempfile.mkdtemp(prefix="rollcall-switch-")
    world = World(module, root + "/host")
    cuts = {"once": 0, "twice": 0}
    try:
        for is_confirmed in (True, False):
            for first in range(10_000):
                world.reset()
                if not attempt(world, first, lambda: world.upgrade(is_confirmed)):
                    world.check(is_confirmed, "no cut")
                    break
                cuts["once"] += 1
                confirmed = was_confirmed(world)
                world.boot()
                world.check(confirmed, "cut %d" % first)
                for second in range(10_000):
                    world.reset()
                    attempt(world, first, lambda: world.upgrade(is_confirmed))
                    if not attempt(world, second, world.boot):
                        break
                    cuts["twice"] += 1
                    world.boot()
                    world.check(confirmed, "cuts %d and %d" % (first, second))
    finally:
        world.real_rmtree(root, ignore_errors=True)
    print(json.dumps(cuts))


if __name__ == "__main__":
    main(sys.argv[1])
