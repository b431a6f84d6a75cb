import io
import json
import os
import subprocess
import sys

import pytest
from rollcall_host.host_error import HostError
from rollcall_host.upgrade import commands, paths, program, state, switch, unit


def begin(upgrade, **changes):
    switch.prepare({**upgrade["plan"], **changes})
    switch.switch()


def read(upgrade, name):
    return (upgrade["folder"] / name).read_text()


def reported(capsys, upgrade="1"):
    commands.report(upgrade)
    return json.loads(capsys.readouterr().out)


def test_a_switch_puts_link_units_and_callers_in_place_and_starts_the_agent(upgrade):
    begin(upgrade, callers="[Service]\n")
    assert switch.current_release() == "new"
    assert read(upgrade, "units/" + paths.AGENT) == "unit of new"
    assert read(upgrade, "units/" + paths.CALLERS) == "[Service]\n"
    assert upgrade["asked"][-3:] == [("daemon-reload",), ("reset-failed", paths.AGENT), ("start", paths.AGENT)]


def test_a_confirmed_upgrade_is_kept_and_nothing_of_it_is_left(upgrade, capsys):
    begin(upgrade)
    assert commands.confirm("1") == 0
    switch.finish()
    assert reported(capsys) == {"state": "upgraded", "reason": ""}
    assert sorted(os.listdir(paths.STATE)) == ["agent_switch.py", "report.json"]
    assert not os.path.exists(paths.in_units(paths.GUARD))
    # The server may ask again when its answer was lost.
    assert commands.confirm("1") == 0


def test_an_upgrade_that_is_not_confirmed_cannot_be_finished(upgrade):
    begin(upgrade)
    with pytest.raises(HostError, match="has not confirmed"):
        switch.finish()


def test_a_roll_back_restores_link_units_callers_and_configuration(upgrade, capsys):
    begin(upgrade, callers="[Service]\n")
    (upgrade["folder"] / "etc" / "config.json").write_text("config of new")
    switch.roll_back("it is silent")
    assert switch.current_release() == "old"
    assert read(upgrade, "units/" + paths.AGENT) == "unit of old"
    assert read(upgrade, "etc/config.json") == "config of old"
    assert not os.path.exists(paths.in_units(paths.CALLERS))
    assert reported(capsys) == {"state": "rolled_back", "reason": "it is silent"}


def test_the_first_decision_holds(upgrade, capsys):
    begin(upgrade)
    commands.reject("1", "another version answers")
    assert commands.confirm("1") == commands.TOO_LATE
    switch.roll_back("it took too long")
    assert reported(capsys) == {"state": "rolled_back", "reason": "another version answers"}


def test_a_roll_back_that_comes_after_the_confirmation_keeps_the_new_agent(upgrade, capsys):
    begin(upgrade)
    commands.confirm("1")
    switch.roll_back("it took too long")
    assert switch.current_release() == "new"
    assert reported(capsys)["state"] == "upgraded"


def test_a_confirmation_before_the_switch_is_too_early_and_of_another_upgrade_too_late(upgrade):
    switch.prepare(upgrade["plan"])
    assert commands.confirm("1") == commands.TOO_EARLY
    assert commands.confirm("2") == commands.TOO_LATE


def test_an_upgrade_that_never_began_is_reported_as_such(upgrade, capsys):
    assert reported(capsys) == {"state": "not_begun"}
    begin(upgrade)
    assert reported(capsys) == {"state": "under_way"}
    assert reported(capsys, "2") == {"state": "not_begun"}


def test_a_refusal_is_reported_unless_an_upgrade_is_under_way(upgrade, capsys):
    commands.record_refusal("2", "no room")
    assert reported(capsys, "2") == {"state": "refused", "reason": "no room"}
    switch.prepare(upgrade["plan"])
    with pytest.raises(HostError, match="under way"):
        commands.record_refusal("2", "no room")


def test_a_release_for_another_machine_changes_nothing(upgrade):
    (upgrade["folder"] / "program" / "releases" / "new" / "bin" / "node").write_text("no program")
    with pytest.raises(HostError, match="does not run on this machine"):
        switch.prepare(upgrade["plan"])
    assert os.listdir(paths.STATE) == []


def test_settling_without_an_upgrade_does_nothing(upgrade):
    commands.settle("--boot")
    assert upgrade["asked"] == []


def test_a_boot_decides_for_the_old_agent_and_starts_nothing_itself(upgrade, capsys):
    begin(upgrade)
    upgrade["asked"].clear()
    commands.settle("--boot")
    assert switch.current_release() == "old"
    assert ("start", paths.AGENT) not in upgrade["asked"]
    assert "restarted" in reported(capsys)["reason"]


def test_uploads_of_an_upgrade_go_with_its_end_and_no_other_folder_does(upgrade):
    for name in ("0" * 36, "other"):
        (upgrade["folder"] / "state" / name).mkdir()
        state.remove_uploads(name)
    assert os.listdir(paths.STATE) == ["other"]


def test_a_plan_that_cannot_be_read_is_named(monkeypatch):
    monkeypatch.setattr(commands.sys, "stdin", io.StringIO("{"))
    with pytest.raises(HostError, match="the plan of the upgrade cannot be read"):
        commands.prepare()


def test_the_unit_runs_the_job_with_our_own_ansible_and_settles_what_it_leaves(host_folder):
    command = unit.unit_command("/var/lib/rollcall-upgrade/1/job.json")
    run = [sys.executable, "-I", str(host_folder)]
    assert command[0] == "systemd-run"
    assert "--property=ExecStopPost=%s settle" % " ".join(run) in command
    assert command[-6:] == [*run, "run", "/var/lib/rollcall-upgrade/1/job.json", "--own"]


def test_the_saved_program_runs_alone(upgrade, tmp_path):
    program.save_program()
    saved = paths.in_state(paths.SAVED_PROGRAM)
    environment = {**os.environ, "ROLLCALL_UPGRADE_STATE": paths.STATE}
    argv = [sys.executable, "-I", saved, "report", "1"]
    said = subprocess.run(argv, env=environment, capture_output=True, check=True)
    assert json.loads(said.stdout) == {"state": "not_begun"}
