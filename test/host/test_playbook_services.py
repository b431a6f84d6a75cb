import json
import os

import pytest
from rollcall_host import systemd
from rollcall_host.services import instances, journal, lifecycle, paths, playbooks, podman, prepare, report
from rollcall_host.services.step_error import StepError
from rollcall_host.warden import units
from rollcall_host.warden.checks import Check
from rollcall_host.warden.probes import Target
from rollcall_host.warden.records import Record
from service_host import Host
from service_orders import sample

ID = "3fa9c1d2"
UNIT = "api.service"


class PlaybookHost(Host):
    """A host whose Ansible is a list of the jobs that it was given, and that makes the unit of the sample."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        self.jobs = []
        self.exit_codes = []
        self.collections = folder / "collections"
        monkeypatch.setattr(playbooks, "execute", self.execute)
        monkeypatch.setattr(playbooks, "collection_folder", self.collection_folder)
        monkeypatch.setattr(podman, "run", self.refuse_podman)
        self.collection_folder("mysite", "c" * 64)

    def collection_folder(self, name, version):
        made = self.collections / name / version
        if self.collections is not None and not made.exists() and version != "d" * 64:
            made.mkdir(parents=True)
            (made / "api.yml").write_text("- hosts: all\n")
        return str(made)

    def refuse_podman(self, *words, content=None, timeout=0):
        raise AssertionError("a playbook needs no podman: %s" % (words,))

    def execute(self, job, events):
        with open(os.path.join(job.project, job.playbook)) as file:
            assert file.read()
        self.jobs.append(job)
        state = job.extra_vars["api_state"]
        exit_code = self.exit_codes.pop(0) if self.exit_codes else 0
        status = "failed" if exit_code else "changed"
        line = {"nonce": job.nonce, "event": "result", "status": status, "name": "Write the unit", "message": "no room"}
        events.take(json.dumps(line).encode())
        if exit_code == 0:
            self.active[UNIT] = "active" if state == "present" else "inactive"
        return exit_code

    def run_systemctl(self, *words, check=True, timeout=0):
        text = super().run_systemctl(*words, check=check, timeout=timeout)
        return text.replace("\nActiveState", "\nLoadState=loaded\nActiveState")

    def states(self):
        return [job.extra_vars["api_state"] for job in self.jobs]


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    return PlaybookHost(tmp_path, monkeypatch)


def order(generation=1, **changes):
    made = {**sample("playbook"), "generation": generation, "revision": "%064x" % generation}
    made["playbook"].update(changes)
    return made


def run(host, made):
    prepare.prepare(host.upload(made))
    return lifecycle.start(ID, made["generation"])


def refused(step, *words):
    with pytest.raises(StepError) as error:
        step(*words)
    return error.value


def test_a_start_runs_the_playbook_as_present_and_starts_its_unit_on_a_host_without_podman(host):
    answer = run(host, order())
    assert answer == {"state": "running", "generation": 1, "tasks": ["changed: Write the unit"]}
    assert host.states() == ["present"]
    assert host.jobs[0].extra_vars == {**order()["playbook"]["variables"], "api_state": "present"}
    assert ("start", "--no-block", UNIT) in host.systemctl


def test_the_order_on_the_disk_holds_no_variables_beside_their_own_file(host):
    run(host, order(variables={"api_token": "secret-canary"}))
    holding = [name for name in host.files() if "secret-canary" in (host.folder / name).read_text(errors="replace")]
    assert holding == ["etc/%s/1/variables.json" % ID]
    assert os.stat(host.folder / holding[0]).st_mode & 0o777 == 0o600


def test_a_new_generation_runs_over_the_old_one_and_takes_that_away_first_where_the_unit_is_another(host):
    run(host, order(1))
    run(host, order(2, variables={"api_port": 8081}))
    assert host.states() == ["present", "present"]
    run(host, order(3, unit="other.service"))
    assert host.states() == ["present", "present", "absent", "present"]
    assert instances.list_generations(ID) == [3]


def test_a_playbook_that_fails_leaves_the_generation_before_in_force_and_names_its_task(host):
    run(host, order(1))
    host.exit_codes = [2]
    prepare.prepare(host.upload(order(2)))
    error = refused(lifecycle.start, ID, 2)
    assert (error.code, "Write the unit: no room" in str(error)) == ("instance.start_failed", True)
    instance = instances.read_instance(ID)
    assert (instance.generation, instance.prepared) == (1, 2)


def test_a_playbook_that_makes_no_unit_of_that_name_has_failed(host, monkeypatch):
    prepare.prepare(host.upload(order()))
    answer = lambda *words, **more: host.run_systemctl(*words, **more).replace("=loaded", "=not-found")  # noqa: E731
    monkeypatch.setattr(systemd, "systemctl", answer)
    assert "has made no unit api.service" in str(refused(lifecycle.start, ID, 1))


def test_a_stop_and_a_restart_are_those_of_the_unit_and_run_no_playbook(host):
    run(host, order())
    assert lifecycle.stop(ID, 1) == {"state": "stopped", "generation": 1}
    assert ("disable", UNIT) in host.systemctl and ("stop", UNIT) in host.systemctl
    assert lifecycle.restart(ID, 1)["state"] == "running"
    assert host.states() == ["present"]
    assert lifecycle.start(ID, 1)["state"] == "running"
    assert host.states() == ["present", "present"]


def test_what_has_no_unit_runs_once_it_was_made_and_cannot_be_stopped(host):
    assert run(host, order(unit=None))["state"] == "running"
    assert "names no unit" in str(refused(lifecycle.stop, ID, 1))
    assert instances.read_instance(ID).wanted == "running"
    assert [each["state"] for each in report.report()["instances"]] == ["running"]
    assert "has no unit" in str(refused(journal.logs, ID, None))


def test_a_removal_runs_the_playbooks_of_all_generations_as_absent_and_leaves_nothing(host):
    run(host, order(1))
    host.exit_codes = [2]
    prepare.prepare(host.upload(order(2)))
    refused(lifecycle.start, ID, 2)
    host.jobs.clear()
    assert lifecycle.remove(ID, 2) == {"state": "gone"}
    assert host.states() == ["absent", "absent"]
    assert [name for name in host.files() if ID in name] == []
    assert lifecycle.remove(ID, 2) == {"state": "gone"}


def test_a_removal_whose_playbook_fails_can_be_repeated_with_what_it_needs(host):
    run(host, order())
    host.exit_codes = [2]
    assert refused(lifecycle.remove, ID, 1).code == "instance.step_failed"
    assert instances.read_instance(ID).wanted == "stopped"
    assert lifecycle.remove(ID, 1) == {"state": "gone"}


def test_a_playbook_that_leaves_its_unit_running_where_it_is_absent_has_failed(host, monkeypatch):
    run(host, order())
    monkeypatch.setattr(playbooks, "execute", lambda job, events: 0)
    assert "leaves api.service running" in str(refused(lifecycle.remove, ID, 1))


def test_two_instances_of_one_unit_and_a_collection_that_is_not_there_are_refused_before_anything_runs(host):
    run(host, order())
    other = {**order(), "instance": "0badcafe", "name": "site/other.1"}
    other["playbook"]["ports"] = []
    assert "api.service is the unit of site/api.2" in str(refused(prepare.prepare, host.upload(other)))
    with pytest.raises(Exception, match="is not on this host"):
        prepare.prepare(host.upload(order(2, collection={"name": "mysite", "version": "d" * 64})))
    assert host.states() == ["present"]


def test_output_that_is_no_event_of_the_run_is_not_taken_for_one():
    events = playbooks.Events("nonce")
    for line in (b"[]", b"x", b'{"nonce": "other", "event": "result", "status": "failed"}', b'{"event": "result"}'):
        events.take(line)
    failed = {"nonce": "nonce", "event": "result", "status": "failed", "name": "n", "hidden": True, "message": "x"}
    events.take(json.dumps(failed).encode())
    assert (events.tasks, events.failure) == (["failed: n"], "n: what it says is hidden")


def test_the_warden_looks_at_the_unit_of_a_playbook_and_reaches_it_on_the_host_itself(host):
    run(host, order())
    record = Record(instances.read_instance(ID))
    (container,) = record.containers
    assert (container.name, container.unit, container.is_on_host) == ("api", UNIT, True)
    assert Target("", container, 0, None).address(8080) == ("127.0.0.1", 8080)
    assert [check.container for check in record.checks] == ["api"]
    assert units.WITHOUT_UNIT[""].is_up and isinstance(record.checks[0], Check)
    assert paths.unit_name(ID, "api") not in [name for words in host.systemctl for name in words]
