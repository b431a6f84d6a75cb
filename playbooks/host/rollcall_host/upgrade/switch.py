"""The switch itself, forth and back."""

from __future__ import annotations

import os

from .. import files, systemd
from ..host_error import HostError
from . import backup, paths, program, state
from .state import CONFIRMED, ROLLED_BACK

MAX_MESSAGE_LENGTH = 300


def current_release() -> str:
    return os.path.basename(os.readlink(os.path.join(paths.PROGRAM, "current")))


def set_current(release: str) -> None:
    files.set_link(os.path.join(paths.PROGRAM, "current"), os.path.join("releases", release))


def refuse_other_machine(release: str) -> None:
    """Throws `HostError` unless the release runs on this machine."""
    node = os.path.join(paths.release_folder(release), "bin", "node")
    try:
        done = systemd.run([node, "--version"])
    except HostError as error:
        raise HostError("the new release does not run on this machine: %s" % error) from error
    if done.returncode != 0:
        why = done.stderr.strip()[:MAX_MESSAGE_LENGTH]
        raise HostError("the new release does not run on this machine: %s" % why)


def prepare(wanted: state.Plan) -> None:
    """Backs up what will change, and has a boot decide from here on. Throws `HostError` before anything has changed."""
    refuse_other_machine(wanted["release"])
    settle(is_boot=False)
    os.makedirs(paths.STATE, exist_ok=True)
    os.chmod(paths.STATE, 0o700)
    for name in ("decision", "switching", "report.json"):
        files.remove_file(paths.in_state(name))
    backup.back_up()
    program.save_program()
    program.enable_guard()
    # Last: only what is prepared whole is ever restored.
    state.write_plan({**wanted, "old": current_release()})


def switch() -> None:
    """Stops the old agent, sets the link, and starts the new one."""
    plan = state.require_plan()
    decision = state.read_decision()
    if decision is not None:
        raise HostError("it was decided already: %s" % decision["outcome"])
    # First: from here on there is something to put back.
    files.write_file(paths.in_state("switching"), b"")
    systemd.systemctl("stop", paths.AGENT)
    backup.copy_units(plan["units"], paths.UNITS)
    if plan.get("callers") is not None:
        backup.write_callers(plan["callers"].encode())
    set_current(plan["release"])
    start_agent()


def start_agent() -> None:
    systemd.systemctl("daemon-reload")
    systemd.systemctl("reset-failed", paths.AGENT, check=False)
    systemd.systemctl("start", paths.AGENT)


def finish() -> None:
    """Ends a confirmed upgrade. Throws `HostError` where the server has not confirmed it."""
    plan, decision = state.require_plan(), state.read_decision()
    if decision is None or decision["outcome"] != CONFIRMED:
        raise HostError("the server has not confirmed this upgrade")
    state.end(plan, state.UPGRADED, "")


def roll_back(reason: str, is_boot: bool = False) -> None:
    """Puts the old agent back, unless the new one was confirmed."""
    plan = state.require_plan()
    decision = state.decide(ROLLED_BACK, reason)
    if decision["outcome"] == CONFIRMED:
        return finish()
    if os.path.exists(paths.in_state("switching")):
        put_back(plan, is_boot)
    elif not is_boot:
        systemd.systemctl("start", paths.AGENT)
    state.end(plan, ROLLED_BACK, decision["reason"])


def put_back(plan: state.Plan, is_boot: bool) -> None:
    if not is_boot:
        systemd.systemctl("stop", paths.AGENT, check=False)
    backup.put_back()
    set_current(plan["old"])
    if is_boot:
        systemd.systemctl("daemon-reload")
    else:
        start_agent()


def settle(is_boot: bool) -> None:
    """Finishes or rolls back an upgrade whose own process has left it undecided. Does nothing where there is none."""
    if state.find_plan() is None:
        return
    decision = state.read_decision()
    if decision is not None and decision["outcome"] == CONFIRMED:
        return finish()
    why = "the host lost power or was restarted" if is_boot else "the upgrade was ended"
    roll_back("%s before the new agent was confirmed" % why, is_boot)
