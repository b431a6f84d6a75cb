import os
import shutil
import subprocess
import sys

import pytest
from rollcall_host import systemd
from rollcall_host.services import paths, program

WHERE = "import sys; sys.path.insert(0, %r); from rollcall_host.warden import text; print(text.__file__)"


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """The path of the program on a host whose systemctl does nothing."""
    monkeypatch.setattr(paths, "PROGRAM", str(tmp_path / "program"))
    monkeypatch.setattr(systemd, "systemctl", lambda *_words, **_more: "")
    program.save()
    return paths.saved_program()


def where(path):
    """Returns the file from which a Python takes a module of a program."""
    command = [sys.executable, "-I", "-c", WHERE % path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_saved_program_runs_alone_from_modules_that_were_compiled_once(saved):
    assert where(saved) == os.path.join(saved, "rollcall_host", "warden", "text.pyc")
    ended = subprocess.run([sys.executable, "-I", saved, "service", "may-run", "0badcafe", "web"], check=False)
    assert ended.returncode == 1


def test_a_program_that_another_python_has_compiled_runs_from_its_sources(saved, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(program.importlib.util, "MAGIC_NUMBER", b"\x00\x00\r\n")
        with open(saved, "wb") as file:
            file.write(program.add_compiled(program.pack(), b""))
    assert where(saved) == os.path.join(saved, "rollcall_host", "warden", "text.py")


def test_a_program_is_written_again_only_where_a_module_differs(saved, tmp_path, monkeypatch):
    first = os.stat(saved)
    program.save()
    assert os.stat(saved).st_ino == first.st_ino
    # The same package of another release's tools, written at another time.
    shutil.copytree(program.host_folder(), tmp_path / "tools", copy_function=shutil.copyfile)
    monkeypatch.setattr("rollcall_host.upgrade.program.host_folder", lambda: str(tmp_path / "tools"))
    program.save()
    assert os.stat(saved).st_ino == first.st_ino
    (tmp_path / "tools" / "rollcall_host" / "more.py").write_text("X = 1\n")
    program.save()
    assert os.stat(saved).st_ino != first.st_ino
