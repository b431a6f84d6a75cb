"""The unit of the warden, which looks at the health of instances: on hosts that have any, and on no others."""

from __future__ import annotations

from importlib.util import find_spec

from .. import files, systemd
from . import instances, paths
from .units import PYTHON

UNIT = """[Unit]
Description=Rollcall: looks at the health of this host's instances
After=network.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=%(python)s -I %(program)s warden
# Small rather than fast: what is freed goes back to the system.
Environment=MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
Restart=always
RestartSec=1
WatchdogSec=30
OOMScoreAdjust=-900
LimitNOFILE=65536
UMask=0077
# The agent, root without capabilities, reads the report as its owner. It outlives a restart of the warden.
RuntimeDirectory=rollcall-warden
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=restart

[Install]
WantedBy=multi-user.target
"""


def ensure() -> None:
    """Has the warden run, now and after a boot, where this package has one."""
    if find_spec("rollcall_host.warden") is None:
        return
    content = (UNIT % {"python": PYTHON, "program": paths.saved_program()}).encode()
    path = paths.in_units(paths.WARDEN_UNIT)
    if files.read_file(path) != content:
        files.write_file(path, content, 0o644)
        systemd.systemctl("daemon-reload")
    systemd.systemctl("enable", paths.WARDEN_UNIT)
    systemd.systemctl("start", "--no-block", paths.WARDEN_UNIT)


def remove_unneeded() -> None:
    """Stops the warden and removes its unit where no instance is left."""
    path = paths.in_units(paths.WARDEN_UNIT)
    if instances.list_ids() or files.read_file(path) is None:
        return
    systemd.systemctl("disable", "--now", paths.WARDEN_UNIT, check=False)
    files.remove_file(path)
    systemd.systemctl("daemon-reload")
