"""Replaces the running agent by a release that lies beside it, or puts the old one back.

    python3 agent_switch.py prepare < PLAN       sees that the release runs on this machine, backs up link, configuration and units; from here
                                                 on a boot decides
    python3 agent_switch.py switch               stops the old agent, points the link, starts the new one
    python3 agent_switch.py keep SECONDS MORE    waits until the new agent runs and answers TLS on loopback, then until the server has confirmed
                                                 it, and keeps it
    python3 agent_switch.py confirm ID           the server: it is the right one. Exits with 3 when it is too late, 4 when too early
    python3 agent_switch.py reject ID REASON     the server: it is not
    python3 agent_switch.py restore REASON       puts the old agent back
    python3 agent_switch.py refuse ID REASON     reports that nothing was changed
    python3 agent_switch.py settle [--boot]      finishes or restores what its own process left undecided
    python3 agent_switch.py report ID            prints how it stands as JSON

Everything is under /var/lib/rollcall-upgrade: plan.json while an upgrade is under way, `decision`, which is made once and by
whoever is first, and report.json with how the last one ended. A folder named like the upgrade, into which the server uploads, goes with its end.
Every step may be repeated. Needs Python 3.9 and its
standard library only, and no agent.
"""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

STATE = os.environ.get("ROLLCALL_UPGRADE_STATE", "/var/lib/rollcall-upgrade")
PROGRAM = os.environ.get("ROLLCALL_UPGRADE_PROGRAM", "/opt/rollcall-agent")
ETC = os.environ.get("ROLLCALL_UPGRADE_ETC", "/etc/rollcall-agent")
UNITS = os.environ.get("ROLLCALL_UPGRADE_UNITS", "/etc/systemd/system")
SYSTEMCTL = os.environ.get("ROLLCALL_UPGRADE_SYSTEMCTL", "systemctl")
PROC = "/proc"

AGENT = "rollcall-agent.service"
GUARD = "rollcall-upgrade-guard.service"
CONFIRMED, ROLLED_BACK = "confirmed", "rolled_back"
TOO_LATE, TOO_EARLY = 3, 4
MAX_REASON = 800
# An agent that systemd had to start again so often does not come up.
CRASHES = 2

# Who may reach the agent's port, where the server says so.
CALLERS = os.path.join(AGENT + ".d", "rollcall-callers.conf")

GUARD_UNIT = """[Unit]
Description=Rollcall: decides on an upgrade of the agent that a loss of power broke off
ConditionPathExists=%(state)s/plan.json
RequiresMountsFor=%(state)s %(program)s %(etc)s
Before=rollcall-agent.service

[Service]
Type=oneshot
ExecStart=%(python)s -I %(state)s/agent_switch.py settle --boot

[Install]
WantedBy=multi-user.target
"""


class Failed(Exception):
    """What a person is told."""


def state(*names):
    return os.path.join(STATE, *names)


def flush(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path, content, mode=0o600):
    """On the disk, whole and under its name, or as it was."""
    fresh = path + ".new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(fresh, path)
    flush(os.path.dirname(path))


def read_json(path):
    try:
        with open(path, "rb") as file:
            return json.loads(file.read().decode())
    except (FileNotFoundError, ValueError):
        return None


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def systemctl(*words, check=True):
    done = subprocess.run([SYSTEMCTL, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise Failed("systemctl %s failed: %s" % (" ".join(words), (done.stderr or done.stdout).strip()[:300]))
    return done.stdout


def plan_of(needed=True):
    plan = read_json(state("plan.json"))
    if plan is None and needed:
        raise Failed("no upgrade is under way on this host")
    return plan


def units_of(folder):
    """Unit files. A folder with parts that somebody added to a unit stays as it is."""
    ours = [name for name in os.listdir(folder) if name.startswith(("rollcall-agent.", "rollcall-runner."))]
    return sorted(name for name in ours if os.path.isfile(os.path.join(folder, name)))


def read_callers():
    try:
        with open(os.path.join(UNITS, CALLERS), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def write_callers(content):
    """Sets who may reach the agent; nothing for everybody."""
    path = os.path.join(UNITS, CALLERS)
    if content == read_callers():
        return
    if content:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write(path, content, 0o644)
    else:
        remove(path)


def copy_files(source, target):
    """Every file of a tree, each whole; files that are in the way of nothing stay."""
    for root, _, names in os.walk(source):
        folder = os.path.join(target, os.path.relpath(root, source))
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                write(os.path.join(folder, name), file.read(), os.stat(path).st_mode & 0o7777)


def point(release):
    link, fresh = os.path.join(PROGRAM, "current"), os.path.join(PROGRAM, "current.new")
    remove(fresh)
    os.symlink(os.path.join("releases", release), fresh)
    os.replace(fresh, link)
    flush(PROGRAM)


def keep_self():
    """Where the server, and a boot, find this program."""
    with open(os.path.abspath(__file__), "rb") as file:
        write(state("agent_switch.py"), file.read())


def refuse_other_machine(plan):
    program = os.path.join(PROGRAM, "releases", plan["release"], "bin", "node")
    try:
        done = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise Failed("the new release does not run on this machine: %s" % error)
    if done.returncode != 0:
        raise Failed("the new release does not run on this machine: %s" % done.stderr.strip()[:300])


def prepare(text=None):
    """`text` holds id, release, version, units, the folder of the new release's unit files, and callers, as JSON."""
    try:
        wanted = json.loads(sys.stdin.read() if text is None else text)
    except ValueError as error:
        raise Failed("the plan of the upgrade cannot be read: %s" % error)
    refuse_other_machine(wanted)
    settle([])
    os.makedirs(STATE, exist_ok=True)
    os.chmod(STATE, 0o700)
    for name in ("decision", "switching", "report.json"):
        remove(state(name))
    shutil.rmtree(state("backup"), ignore_errors=True)
    copy_files(ETC, state("backup", "etc"))
    os.makedirs(state("backup", "units"), mode=0o700)
    for name in units_of(UNITS):
        with open(os.path.join(UNITS, name), "rb") as file:
            write(state("backup", "units", name), file.read(), 0o644)
    write(state("backup", "callers"), read_callers())
    keep_self()
    guard = GUARD_UNIT % {"state": STATE, "program": PROGRAM, "etc": ETC, "python": sys.executable}
    write(os.path.join(UNITS, GUARD), guard.encode(), 0o644)
    systemctl("enable", GUARD)
    flush(os.path.join(UNITS, "multi-user.target.wants"))
    old = os.path.basename(os.readlink(os.path.join(PROGRAM, "current")))
    # Last: only what is prepared whole is ever restored.
    write(state("plan.json"), json.dumps({**wanted, "old": old}).encode())


def switch():
    plan = plan_of()
    if decision() is not None:
        raise Failed("it was decided already: %s" % decision()["outcome"])
    # First: from here on there is something to put back.
    write(state("switching"), b"")
    systemctl("stop", AGENT)
    for name in units_of(plan["units"]):
        with open(os.path.join(plan["units"], name), "rb") as file:
            write(os.path.join(UNITS, name), file.read(), 0o644)
    if plan.get("callers") is not None:
        write_callers(plan["callers"].encode())
    point(plan["release"])
    systemctl("daemon-reload")
    systemctl("reset-failed", AGENT, check=False)
    systemctl("start", AGENT)


def shown(*properties):
    text = systemctl("show", AGENT, *["--property=" + name for name in properties])
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def is_new_running(plan):
    unit = shown("ActiveState", "SubState", "MainPID", "NRestarts")
    if int(unit.get("NRestarts") or 0) >= CRASHES or unit.get("ActiveState") == "failed":
        raise Failed("the new agent crashes at its start")
    if unit.get("ActiveState") != "active" or unit.get("SubState") != "running":
        return False
    try:
        program = os.readlink(os.path.join(PROC, unit["MainPID"], "exe"))
    except OSError:
        return False
    return program.startswith(os.path.join(os.path.realpath(PROGRAM), "releases", plan["release"]) + "/")


def is_answering(timeout):
    """Whether the agent shows its certificate on loopback. More it shows to its server only."""
    config = read_json(os.path.join(ETC, "config.json"))
    with open(os.path.join(ETC, "ssl", "agent.crt")) as file:
        own = ssl.PEM_cert_to_DER_cert(file.read())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", config["rpc_port"]), timeout) as plain:
            with context.wrap_socket(plain) as tls:
                return tls.getpeercert(True) == own
    except OSError:
        return False


def keep(seconds, more):
    verify(seconds)
    await_confirmation(more)
    finish()


def verify(seconds):
    plan, deadline = plan_of(), time.monotonic() + float(seconds)
    found = read_json(os.path.join(PROGRAM, "current", "VERSION")) or {}
    if found.get("version") != plan["version"]:
        raise Failed("the new release is version %s and not %s" % (str(found.get("version"))[:64], plan["version"]))
    while not (is_new_running(plan) and is_answering(2)):
        if time.monotonic() > deadline:
            raise Failed("the new agent does not answer on its port within %s seconds" % seconds)
        time.sleep(0.1)


def await_confirmation(seconds):
    deadline = time.monotonic() + float(seconds)
    while True:
        made = decision()
        if made is not None and made["outcome"] == CONFIRMED:
            return
        if made is not None:
            raise Failed(made["reason"])
        if time.monotonic() > deadline:
            raise Failed("the server has not reached the new agent within %s seconds" % seconds)
        time.sleep(0.1)


def decision():
    return read_json(state("decision"))


def decide(outcome, reason=""):
    """Made once: whoever comes first is obeyed by all, over a loss of power too. Returns what was decided."""
    own = state("decision.%d" % os.getpid())
    write(own, json.dumps({"outcome": outcome, "reason": reason[:MAX_REASON]}).encode())
    try:
        os.link(own, state("decision"))
        flush(STATE)
    except FileExistsError:
        pass
    finally:
        remove(own)
    return decision()


def confirm(upgrade):
    plan, ended = plan_of(False), read_json(state("report.json"))
    if plan is None and ended and ended["id"] == upgrade and ended["outcome"] == "upgraded":
        return 0
    if plan is None or plan["id"] != upgrade:
        return TOO_LATE
    if current() != plan["release"]:
        return TOO_EARLY
    return 0 if decide(CONFIRMED)["outcome"] == CONFIRMED else TOO_LATE


def reject(upgrade, reason):
    plan = plan_of(False)
    if plan is not None and plan["id"] == upgrade:
        decide(ROLLED_BACK, reason)


def end(plan, outcome, reason):
    report = {"id": plan["id"], "outcome": outcome, "reason": reason, "release": plan["release"]}
    write(state("report.json"), json.dumps(report).encode())
    # The plan is what all the rest hangs on: once it is gone there is nothing to decide.
    remove(state("plan.json"))
    flush(STATE)
    systemctl("disable", GUARD, check=False)
    remove(os.path.join(UNITS, GUARD))
    systemctl("daemon-reload", check=False)
    shutil.rmtree(state("backup"), ignore_errors=True)
    for name in ("switching", "decision"):
        remove(state(name))
    remove_uploaded(plan["id"])


def remove_uploaded(upgrade):
    if re.fullmatch("[0-9a-f-]{36}", upgrade):
        shutil.rmtree(state(upgrade), ignore_errors=True)


def finish():
    plan = plan_of()
    made = decision()
    if made is None or made["outcome"] != CONFIRMED:
        raise Failed("the server has not confirmed this upgrade")
    end(plan, "upgraded", "")


def restore(reason, is_boot=False):
    plan = plan_of()
    made = decide(ROLLED_BACK, reason)
    if made["outcome"] == CONFIRMED:
        return finish()
    if os.path.exists(state("switching")):
        put_back(plan, is_boot)
    elif not is_boot:
        systemctl("start", AGENT)
    end(plan, ROLLED_BACK, made["reason"])


def refuse(upgrade, reason):
    if plan_of(False) is not None:
        raise Failed("an upgrade is under way on this host")
    os.makedirs(STATE, exist_ok=True)
    keep_self()
    write(state("report.json"), json.dumps({"id": upgrade, "outcome": "refused", "reason": reason[:MAX_REASON]}).encode())
    remove_uploaded(upgrade)


def current():
    return os.path.basename(os.readlink(os.path.join(PROGRAM, "current")))


def put_back(plan, is_boot):
    if not is_boot:
        systemctl("stop", AGENT, check=False)
    copy_files(state("backup", "etc"), ETC)
    copy_files(state("backup", "units"), UNITS)
    try:
        with open(state("backup", "callers"), "rb") as file:
            write_callers(file.read())
    except FileNotFoundError:
        pass  # prepared by a program of before there was such a part
    point(plan["old"])
    systemctl("daemon-reload")
    if not is_boot:
        systemctl("reset-failed", AGENT, check=False)
        systemctl("start", AGENT)


def settle(words):
    plan = plan_of(False)
    if plan is None:
        return
    made = decision()
    if made is not None and made["outcome"] == CONFIRMED:
        return finish()
    is_boot = "--boot" in words
    why = "the host lost power or was restarted" if is_boot else "the upgrade was ended"
    restore("%s before the new agent was confirmed" % why, is_boot)


def report(upgrade):
    plan, ended = plan_of(False), read_json(state("report.json"))
    if plan is not None and plan["id"] == upgrade:
        print(json.dumps({"state": "under_way"}))
    elif ended is not None and ended["id"] == upgrade:
        print(json.dumps({"state": ended["outcome"], "reason": ended["reason"]}))
    else:
        print(json.dumps({"state": "not_begun"}))


STEPS = {
    "prepare": prepare,
    "switch": switch,
    "keep": keep,
    "confirm": confirm,
    "reject": reject,
    "restore": restore,
    "refuse": refuse,
    "report": report,
    "settle": lambda *words: settle(words),
}


def main(step, *words):
    try:
        return STEPS[step](*words) or 0
    except (Failed, OSError, subprocess.SubprocessError) as error:
        print(str(error)[:MAX_REASON], file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
