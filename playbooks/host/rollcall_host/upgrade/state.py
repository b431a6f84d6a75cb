"""What the host has put down of an upgrade: its plan, the decision on it, and the report of the last one."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import Any, Mapping, Optional

from .. import files, systemd
from ..host_error import HostError
from . import paths

CONFIRMED, ROLLED_BACK, UPGRADED, REFUSED = "confirmed", "rolled_back", "upgraded", "refused"
MAX_REASON_LENGTH = 800

Plan = Mapping[str, Any]


def find_plan() -> Optional[Plan]:
    """Returns the upgrade that is under way: id, release, version, units, callers, and `old`, the release before."""
    plan: Optional[Plan] = files.read_json(paths.in_state("plan.json"))
    return plan


def require_plan() -> Plan:
    """Returns the upgrade that is under way. Throws `HostError` where there is none."""
    plan = find_plan()
    if plan is None:
        raise HostError("no upgrade is under way on this host")
    return plan


def write_plan(plan: Plan) -> None:
    files.write_file(paths.in_state("plan.json"), json.dumps(plan).encode())


def read_decision() -> Optional[Mapping[str, str]]:
    """Returns the outcome that was decided, with its reason; None before that."""
    decision: Optional[Mapping[str, str]] = files.read_json(paths.in_state("decision"))
    return decision


def decide(outcome: str, reason: str = "") -> Mapping[str, str]:
    """Decides on the upgrade, unless that was done. Returns the first decision, which outlives a loss of power."""
    own = paths.in_state("decision.%d" % os.getpid())
    files.write_file(own, json.dumps({"outcome": outcome, "reason": reason[:MAX_REASON_LENGTH]}).encode())
    try:
        os.link(own, paths.in_state("decision"))
        files.sync(paths.STATE)
    except FileExistsError:
        pass
    finally:
        files.remove_file(own)
    made = read_decision()
    if made is None:
        raise HostError("the decision on the upgrade cannot be read")
    return made


def read_report() -> Optional[Mapping[str, str]]:
    """Returns how the last upgrade ended."""
    report: Optional[Mapping[str, str]] = files.read_json(paths.in_state("report.json"))
    return report


def write_report(upgrade: str, outcome: str, reason: str, **more: str) -> None:
    report = {"id": upgrade, "outcome": outcome, "reason": reason[:MAX_REASON_LENGTH], **more}
    files.write_file(paths.in_state("report.json"), json.dumps(report).encode())


def end(plan: Plan, outcome: str, reason: str) -> None:
    """Reports the outcome and removes all else that belongs to the upgrade."""
    write_report(plan["id"], outcome, reason, release=plan["release"])
    # Everything else depends on the plan: without it there is nothing to decide.
    files.remove_file(paths.in_state("plan.json"))
    files.sync(paths.STATE)
    systemd.systemctl("disable", paths.GUARD, check=False)
    files.remove_file(paths.in_units(paths.GUARD))
    systemd.systemctl("daemon-reload", check=False)
    shutil.rmtree(paths.in_state("backup"), ignore_errors=True)
    for name in ("switching", "decision"):
        files.remove_file(paths.in_state(name))
    remove_uploads(plan["id"])


def remove_uploads(upgrade: str) -> None:
    """Removes what the server has uploaded for an upgrade."""
    if re.fullmatch("[0-9a-f-]{36}", upgrade):
        shutil.rmtree(paths.in_state(upgrade), ignore_errors=True)
