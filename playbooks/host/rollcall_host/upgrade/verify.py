"""Sees from inside that the new agent runs and answers, and waits until the server has confirmed it from outside."""

from __future__ import annotations

import os
import socket
import ssl
import time

from .. import files, systemd
from ..host_error import HostError
from . import paths, state

# An agent that systemd had to start again this often does not come up.
MAX_RESTARTS = 2
POLL_SECONDS = 0.1
HANDSHAKE_SECONDS = 2


def is_new_running(plan: state.Plan) -> bool:
    """Returns whether the agent's unit runs the new release. Throws `HostError` where it crashes."""
    unit = systemd.show(paths.AGENT, "ActiveState", "SubState", "MainPID", "NRestarts")
    if int(unit.get("NRestarts") or 0) >= MAX_RESTARTS or unit.get("ActiveState") == "failed":
        raise HostError("the new agent crashes at its start")
    if unit.get("ActiveState") != "active" or unit.get("SubState") != "running":
        return False
    try:
        program = os.readlink(os.path.join(paths.PROC, unit["MainPID"], "exe"))
    except OSError:
        return False
    folder = os.path.join(os.path.realpath(paths.PROGRAM), "releases", plan["release"])
    return program.startswith(folder + "/")


def is_answering(timeout: float) -> bool:
    """Returns whether the agent shows its certificate on loopback. More it shows to its server only."""
    config = files.read_json(os.path.join(paths.ETC, "config.json"))
    with open(os.path.join(paths.ETC, "ssl", "agent.crt")) as file:
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


def verify(seconds: float) -> None:
    """Waits until the new agent runs and answers. Throws `HostError` where it is late or of another version."""
    plan, deadline = state.require_plan(), time.monotonic() + seconds
    found = files.read_json(os.path.join(paths.PROGRAM, "current", "VERSION")) or {}
    if found.get("version") != plan["version"]:
        version = str(found.get("version"))[:64]
        raise HostError("the new release is version %s and not %s" % (version, plan["version"]))
    while not (is_new_running(plan) and is_answering(HANDSHAKE_SECONDS)):
        if time.monotonic() > deadline:
            raise HostError("the new agent does not answer on its port within %g seconds" % seconds)
        time.sleep(POLL_SECONDS)


def await_confirmation(seconds: float) -> None:
    """Waits until the server has confirmed the new agent. Throws `HostError` where it rejects it or is late."""
    deadline = time.monotonic() + seconds
    while True:
        decision = state.read_decision()
        if decision is not None and decision["outcome"] == state.CONFIRMED:
            return
        if decision is not None:
            raise HostError(decision["reason"])
        if time.monotonic() > deadline:
            raise HostError("the server has not reached the new agent within %g seconds" % seconds)
        time.sleep(POLL_SECONDS)
