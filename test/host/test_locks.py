import os
import signal
import subprocess
import sys

import pytest
from rollcall_host import locks
from rollcall_host.host_error import HostError

HOLD = """
import sys, time
from rollcall_host.locks import InstallLock
lock = InstallLock(sys.argv[1])
lock.take_over()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path, host_folder):
    """A process that holds the lock `path`."""
    path = str(tmp_path / "lock")
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, cwd=host_folder)
    assert process.stdout.readline() == b"held\n"
    yield path, process
    process.kill()
    process.wait()


def test_a_later_run_ends_the_holder_and_has_the_lock(holder, capsys):
    path, process = holder
    lock = locks.InstallLock(path)
    lock.take_over()
    assert process.wait() == -signal.SIGTERM
    assert "ending it" in capsys.readouterr().out
    assert open(path).read() == "process %d" % os.getpid()
    lock.release()
    assert not os.path.exists(path)


def test_one_that_waits_says_so_when_its_patience_is_over(holder, monkeypatch):
    path, process = holder
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0)
    with pytest.raises(HostError, match="An agent is being installed on this host"):
        locks.InstallLock(path).wait()
    assert process.poll() is None


def test_the_lock_names_the_group_that_has_inherited_it(tmp_path):
    lock = locks.InstallLock(str(tmp_path / "lock"))
    lock.wait()
    lock.record_group(4711)
    assert (tmp_path / "lock").read_text() == "group 4711"


def test_a_lock_file_that_is_another_runs_by_now_is_not_removed(tmp_path):
    path = tmp_path / "lock"
    lock = locks.InstallLock(str(path))
    lock.wait()
    path.unlink()
    path.write_text("of a later run")
    lock.release()
    assert path.read_text() == "of a later run"
