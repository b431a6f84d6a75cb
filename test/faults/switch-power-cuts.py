"""Takes the power away before every change to the disk that an upgrade makes, and again during the boot after it.

    python3 switch-power-cuts.py FOLDER OF rollcall_host

Prints how many cuts were made as JSON. Exits with 1 at the first that leaves a host without the agent it should have.
systemd is replaced by a model of it, which knows which release it has started; the files are real.
"""

import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, sys.argv[1])

from rollcall_host import files  # noqa: E402 (the path comes first)
from rollcall_host import systemd  # noqa: E402
from rollcall_host.upgrade import commands, paths, state, switch, verify  # noqa: E402

OLD, NEW = "1.0-old", "2.0-new"


class PowerCut(BaseException):
    pass


class World:
    """A host's files, its systemd, and the number of changes until the power goes."""

    def __init__(self, root):
        self.root, self.left = root, None
        self.running = OLD
        for name in ("STATE", "PROGRAM", "ETC", "UNITS"):
            setattr(paths, name, os.path.join(root, name.lower()))
        # The cut is before a change, never before it is on the disk: waiting for that would only take time.
        files.sync = os.fsync = lambda handle: None
        systemd.systemctl = self.systemctl
        verify.is_new_running = lambda plan: self.running == plan["release"]
        verify.is_answering = lambda timeout: True
        switch.refuse_other_machine = lambda release: None
        for name in ("replace", "link", "unlink", "symlink"):
            setattr(os, name, self.cutting(getattr(os, name)))
        self.real_rmtree = shutil.rmtree

    def cutting(self, real):
        real = getattr(real, "real", real)

        def change(*args, **options):
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
        folders = (paths.ETC + "/ssl", paths.in_units("multi-user.target.wants"), self.root + "/new-units")
        for folder in (*folders, paths.PROGRAM + "/releases"):
            os.makedirs(folder)
        for release in (OLD, NEW):
            os.makedirs(paths.release_folder(release))
            self.put(paths.release_folder(release) + "/VERSION", json.dumps({"version": release}))
        os.symlink.real("releases/" + OLD, paths.PROGRAM + "/current")
        self.put(paths.ETC + "/config.json", "config of " + OLD)
        self.put(paths.ETC + "/ssl/agent.crt", "certificate")
        for name in ("rollcall-agent.service", "rollcall-runner.service"):
            self.put(paths.in_units(name), "unit of " + OLD)
            self.put(os.path.join(self.root, "new-units", name), "unit of " + NEW)
        os.makedirs(os.path.dirname(paths.in_units(paths.CALLERS)))
        self.put(paths.in_units(paths.CALLERS), "callers of " + OLD)
        self.put(paths.in_units(paths.AGENT + ".d", "override.conf"), "of the host's own administrator")
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
        link = paths.in_units("multi-user.target.wants", paths.GUARD)
        if verb == "stop":
            self.running = None
        if verb == "start":
            self.running = switch.current_release()
            if self.running == NEW:
                # A newer agent may leave what an older one must not meet.
                self.put(paths.ETC + "/config.json", "config of " + NEW)
        if verb == "enable" and not os.path.lexists(link):
            os.symlink.real("../" + paths.GUARD, link)
        if verb == "disable" and os.path.lexists(link):
            os.unlink.real(link)
        return ""

    def upgrade(self, is_confirmed):
        units = self.root + "/new-units"
        switch.prepare({"id": "u", "release": NEW, "version": NEW, "units": units, "callers": "callers of " + NEW})
        switch.switch()
        verify.verify(1)
        if is_confirmed:
            assert commands.confirm("u") == 0
            switch.finish()
        else:
            switch.roll_back("the server has not reached it")

    def boot(self):
        self.running = None
        is_guarded = os.path.lexists(paths.in_units("multi-user.target.wants", paths.GUARD))
        if os.path.exists(paths.in_state("plan.json")):
            assert is_guarded, "a plan without its guard"
            commands.settle("--boot")
        self.systemctl("start", paths.AGENT)

    def check(self, was_confirmed, what):
        expected = NEW if was_confirmed else OLD
        found = {
            "link": switch.current_release(),
            "running": self.running,
            "unit": self.get(paths.in_units("rollcall-agent.service")).replace("unit of ", ""),
            "callers": self.get(paths.in_units(paths.CALLERS)).replace("callers of ", ""),
            "config": self.get(paths.ETC + "/config.json").replace("config of ", ""),
        }
        assert all(value == expected for value in found.values()), "%s: %s" % (what, found)
        assert not os.path.exists(paths.in_state("plan.json")), what


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


def was_confirmed():
    made, report = state.read_decision(), state.read_report()
    return bool(made and made["outcome"] == "confirmed") or bool(report and report["outcome"] == "upgraded")


def main():
    root = tempfile.mkdtemp(prefix="rollcall-switch-")
    world = World(root + "/host")
    cuts = {"once": 0, "twice": 0}
    try:
        for is_confirmed in (True, False):
            for first in range(10_000):
                world.reset()
                if not attempt(world, first, lambda: world.upgrade(is_confirmed)):
                    world.check(is_confirmed, "no cut")
                    break
                cuts["once"] += 1
                confirmed = was_confirmed()
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
    main()
