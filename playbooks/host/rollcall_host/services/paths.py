"""Where things are on the host. The variables are for tests."""

from __future__ import annotations

import os

ETC = os.environ.get("ROLLCALL_SERVICES_ETC", "/etc/rollcall-services")
STATE = os.environ.get("ROLLCALL_SERVICES_STATE", "/var/lib/rollcall-services")
PROGRAM = os.environ.get("ROLLCALL_SERVICES_PROGRAM", "/opt/rollcall-services")
IMAGES = os.environ.get("ROLLCALL_SERVICES_IMAGES", "/var/lib/rollcall-images")
UNITS = os.environ.get("ROLLCALL_SERVICES_UNITS", "/etc/systemd/system")
RUN = os.environ.get("ROLLCALL_SERVICES_RUN", "/run/rollcall-services")
WARDEN_REPORT = os.environ.get("ROLLCALL_WARDEN_REPORT", "/run/rollcall-warden/report.json")

# This package as a zip archive, which the units run.
SAVED_PROGRAM = "rollcall_host.zip"
WARDEN_UNIT = "rollcall-warden.service"


def saved_program() -> str:
    return os.path.join(PROGRAM, SAVED_PROGRAM)


def in_units(*names: str) -> str:
    return os.path.join(UNITS, *names)


def instance_folder(instance: str) -> str:
    return os.path.join(ETC, instance)


def generation_folder(instance: str, generation: int) -> str:
    return os.path.join(ETC, instance, str(generation))


def order_file(instance: str, generation: int) -> str:
    """Returns where the server puts an order. `prepare` removes it: it holds secrets."""
    return os.path.join(STATE, "orders", "%s-%d.json" % (instance, generation))


def unit_name(instance: str, container: str) -> str:
    return "rollcall-i-%s-%s.service" % (instance, container)


def container_name(instance: str, container: str) -> str:
    return "rollcall-%s-%s" % (instance, container)
