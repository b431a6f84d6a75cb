"""The steps of an upgrade as verbs:

    prepare < PLAN              checks that the release runs on this machine, backs up link, configuration and units
    switch                      stops the old agent, starts the new one
    complete SECONDS MORE       waits until the new agent answers, then until the server has confirmed it, and keeps it
    roll-back REASON            puts the old agent back
    record-refusal ID REASON    reports that nothing was changed
    settle [--boot]             finishes or rolls back what its own process left undecided
    confirm ID                  the server: it is the right one. Returns 3 when that is too late, 4 when too early
    reject ID REASON            the server: it is not
    report ID                   prints the state of an upgrade as JSON
"""

from __future__ import annotations

import json
import os
import sys
from typing import Callable, Mapping, Optional

from ..host_error import HostError
from . import paths, program, state, switch, verify

TOO_LATE, TOO_EARLY = 3, 4


def prepare() -> None:
    """Reads id, release, version, units, the folder of the new release's unit files, and callers, as JSON."""
    try:
        wanted = json.loads(sys.stdin.read())
    except ValueError as error:
        raise HostError("the plan of the upgrade cannot be read: %s" % error) from error
    switch.prepare(wanted)


def complete(seconds: str, more: str) -> None:
    verify.verify(float(seconds))
    verify.await_confirmation(float(more))
    switch.finish()


def record_refusal(upgrade: str, reason: str) -> None:
    """Reports that nothing was changed. Throws `HostError` where an upgrade is under way."""
    if state.find_plan() is not None:
        raise HostError("an upgrade is under way on this host")
    os.makedirs(paths.STATE, exist_ok=True)
    program.save_program()
    state.write_report(upgrade, state.REFUSED, reason)
    state.remove_uploads(upgrade)


def confirm(upgrade: str) -> int:
    plan, ended = state.find_plan(), state.read_report()
    if plan is None and ended is not None and (ended["id"], ended["outcome"]) == (upgrade, state.UPGRADED):
        return 0
    if plan is None or plan["id"] != upgrade:
        return TOO_LATE
    if switch.current_release() != plan["release"]:
        return TOO_EARLY
    return 0 if state.decide(state.CONFIRMED)["outcome"] == state.CONFIRMED else TOO_LATE


def reject(upgrade: str, reason: str) -> None:
    plan = state.find_plan()
    if plan is not None and plan["id"] == upgrade:
        state.decide(state.ROLLED_BACK, reason)


def report(upgrade: str) -> None:
    plan, ended = state.find_plan(), state.read_report()
    if plan is not None and plan["id"] == upgrade:
        print(json.dumps({"state": "under_way"}))
    elif ended is not None and ended["id"] == upgrade:
        print(json.dumps({"state": ended["outcome"], "reason": ended["reason"]}))
    else:
        print(json.dumps({"state": "not_begun"}))


def settle(*flags: str) -> None:
    switch.settle(is_boot="--boot" in flags)


STEPS: Mapping[str, Callable[..., Optional[int]]] = {
    "prepare": prepare,
    "switch": switch.switch,
    "complete": complete,
    "roll-back": switch.roll_back,
    "record-refusal": record_refusal,
    "confirm": confirm,
    "reject": reject,
    "report": report,
    "settle": settle,
}


def main(verb: str, *words: str) -> int:
    return STEPS[verb](*words) or 0
