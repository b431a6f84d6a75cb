import os

import pytest
from rollcall_host import systemd
from rollcall_host.services import instances, lifecycle, podman, prepare, unit_steps
from service_host import Host
from service_orders import sample

ID = "0badcafe"
# What changes the disk, beside podman and systemd.
CHANGES = ("replace", "rename", "unlink", "mkdir", "rmdir", "open")
MOST_CHANGES = 400


class PowerCut(BaseException):
    """The end of everything, which nothing catches."""


class Power:
    """Cuts the power before the change of a number."""

    def __init__(self, host, monkeypatch):
        self.left = None
        for name in CHANGES:
            monkeypatch.setattr(os, name, self.counted(getattr(os, name)))
        host.run_podman = self.counted(host.run_podman)
        host.run_systemctl = self.counted(host.run_systemctl)

    def counted(self, act):
        def counting(*words, **named):
            self.count()
            return act(*words, **named)

        return counting

    def count(self):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise PowerCut

    def cut_at(self, number, act):
        """Returns whether the power went before `act` was done."""
        self.left = number
        try:
            act()
            return False
        except PowerCut:
            return True
        finally:
            self.left = None


def order(generation):
    made = {**sample("minimal"), "generation": generation, "revision": "%064x" % generation}
    made["volumes"] = [{"name": "shop_cache", "is_external": False}]
    return made


STEPS = {
    "prepare": lambda host: prepare.prepare(str(host.folder / "state" / "orders" / (ID + "-2.json"))),
    "start": lambda host: lifecycle.start(ID, 2),
    "stop": lambda host: lifecycle.stop(ID, 2),
    "restart": lambda host: lifecycle.restart(ID, 2),
    "remove": lambda host: lifecycle.remove(ID, 2, ["shop_cache"]),
}
# The steps before each one; generation 1 runs before all.
BEFORE = {"prepare": [], "start": ["prepare"], "stop": ["prepare", "start"]}
BEFORE["restart"] = BEFORE["remove"] = BEFORE["stop"]


def boot(host):
    """What a boot does: units that may run do, whichever generation is in force."""
    instance = instances.read_instance(ID)
    for unit in list(host.active):
        container = unit[len("rollcall-i-0badcafe-"):-len(".service")]
        host.active[unit] = "active" if unit_steps.may_run(ID, container) == 0 else "inactive"
    return instance


@pytest.mark.parametrize("step", STEPS)
def test_a_loss_of_power_before_any_change_of_a_step_is_mended_by_its_repetition(step, tmp_path, monkeypatch):
    for number in range(MOST_CHANGES):
        folder = tmp_path / str(number)
        folder.mkdir()
        with monkeypatch.context() as patch:
            host = Host(folder, patch)
            power = Power(host, patch)
            patch.setattr(podman, "run", host.run_podman)
            patch.setattr(systemd, "systemctl", host.run_systemctl)
            prepare.prepare(host.upload(order(1)))
            lifecycle.start(ID, 1)
            host.upload(order(2))
            for earlier in BEFORE[step]:
                STEPS[earlier](host)
            was_cut = power.cut_at(number, lambda: STEPS[step](host))
            instance = boot(host)
            if instance is not None and step in ("prepare", "start", "restart"):
                assert (instance.wanted, instance.generation) in (("running", 1), ("running", 2))
            STEPS[step](host)
            check(step, host)
            if not was_cut:
                assert number > 5
                return
    raise AssertionError("%s does not end" % step)


def check(step, host):
    instance = instances.read_instance(ID)
    if step == "remove":
        assert instance is None
        left = (host.volumes, host.networks, host.secrets, os.listdir(host.folder / "etc"))
        assert left == (set(), set(), {}, [])
        assert not [name for name in os.listdir(host.folder / "units") if name.startswith("rollcall-i-")]
    else:
        lifecycle.start(ID, 2) if step == "prepare" else None
        instance = instances.read_instance(ID)
        assert (instance.generation, instance.wanted) == (2, "stopped" if step == "stop" else "running")
        assert sorted(os.listdir(host.folder / "etc" / ID)) == ["2", "state.json"]
    assert os.listdir(host.folder / "state" / "orders") == []
