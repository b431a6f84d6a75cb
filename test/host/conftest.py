"""The package of playbooks/host, as hosts have it, and folders of a host that tests may change."""

import sys
from pathlib import Path

import pytest

HOST = Path(__file__).resolve().parents[2] / "playbooks" / "host"
sys.path.insert(0, str(HOST))

from rollcall_host import systemd  # noqa: E402 (the path comes first)
from rollcall_host.upgrade import paths  # noqa: E402


@pytest.fixture
def host_folder() -> Path:
    return HOST


@pytest.fixture
def upgrade(tmp_path, monkeypatch):
    """A host with the release "old" in use and "new" beside it. Its systemctl is a list of what was asked of it."""
    for name in ("STATE", "PROGRAM", "ETC", "UNITS"):
        folder = tmp_path / name.lower()
        monkeypatch.setattr(paths, name, str(folder))
        folder.mkdir()
    for release in ("old", "new"):
        (tmp_path / "program" / "releases" / release / "bin").mkdir(parents=True)
        node = tmp_path / "program" / "releases" / release / "bin" / "node"
        node.write_text("#!/bin/sh\n")
        node.chmod(0o755)
    (tmp_path / "program" / "current").symlink_to("releases/old")
    (tmp_path / "units" / "multi-user.target.wants").mkdir()
    (tmp_path / "units" / paths.AGENT).write_text("unit of old")
    (tmp_path / "new-units").mkdir()
    (tmp_path / "new-units" / paths.AGENT).write_text("unit of new")
    (tmp_path / "etc" / "config.json").write_text("config of old")
    asked = []

    def systemctl(*words, check=True):
        asked.append(words)
        return ""

    monkeypatch.setattr(systemd, "systemctl", systemctl)
    return {
        "folder": tmp_path,
        "asked": asked,
        "plan": {"id": "1", "release": "new", "version": "2", "units": str(tmp_path / "new-units"), "callers": ""},
    }
