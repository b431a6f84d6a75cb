import os
import subprocess
import sys
import threading

from rollcall_host import groups

IGNORES_TERM = "trap '' TERM; echo ready; while :; do sleep 1; done"


def start(children, script):
    child = children.start(["sh", "-c", script], dict(os.environ), stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    return child


def test_a_group_that_ignores_being_terminated_is_killed_with_all_that_it_started(monkeypatch):
    monkeypatch.setattr(groups, "TERM_SECONDS", 0.2)
    children = groups.ProcessGroups()
    child = start(children, "(%s) & wait" % IGNORES_TERM)
    children.end()
    child.wait()
    # Its output ends when nobody of the group holds it any more.
    assert child.stdout.read() == b""


def test_a_group_that_is_started_when_the_run_is_ending_ends_too():
    children = groups.ProcessGroups()
    children.end()
    child = children.start(["sleep", "600"], dict(os.environ))
    assert groups.to_exit_code(child.wait()) == 143


def test_a_limit_of_time_ends_the_groups():
    children = groups.ProcessGroups()
    child = start(children, "echo ready; exec sleep 600")
    children.end_after(0.1)
    assert groups.to_exit_code(child.wait()) == 143


def test_the_end_of_input_ends_the_groups(host_folder):
    script = """
import os, sys
from rollcall_host.groups import ProcessGroups, to_exit_code
children = ProcessGroups()
child = children.start(["sleep", "600"], dict(os.environ))
children.end_with_input()
print(to_exit_code(child.wait()), children.has_input_ended.is_set())
"""
    argv = [sys.executable, "-c", script]
    run = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=host_folder)
    timer = threading.Timer(60, run.kill)
    timer.start()
    output, _ = run.communicate()
    timer.cancel()
    assert output == b"143 True\n"
