import sys

import pytest
from rollcall_host import ansible
from rollcall_host.ansible import AnsibleRun
from rollcall_host.jobs import AnsibleJob

SECRET = "s3cret"


def job(**changes):
    given = {"playbook": "deploy.yml", "project": None, "extra_vars": {"password": SECRET}, "nonce": "n" * 22}
    return AnsibleJob(**{**given, "check": False, "diff": False, "expected_digest": None, "timeout": None, **changes})


def run(is_own=False, result=None):
    return AnsibleRun("/run/private", "/var/tmp/scratch", is_own, "/opt/tools/1", result)


@pytest.fixture
def no_ansible(monkeypatch):
    monkeypatch.setattr(ansible, "OWN_PROGRAM", "/nonexistent/ansible-playbook")


def test_the_command_names_the_playbook_and_the_file_of_variables_and_no_value(no_ansible):
    assert run().command(job(), check=False, diff=False) == [
        sys.executable, "-I", "/opt/tools/1/ansible",
        "--inventory", "localhost,",
        "--connection", "local",
        "--extra-vars", "ansible_python_interpreter=" + sys.executable,
        "--extra-vars", "@/run/private/variables.yml",
        "/opt/tools/1/playbooks/deploy.yml",
    ]


def test_a_plan_has_check_and_diff(no_ansible):
    command = run().command(job(), check=True, diff=True)
    assert command[-3:] == ["--check", "--diff", "/opt/tools/1/playbooks/deploy.yml"]


def test_a_playbook_of_a_collection_takes_roles_from_there_first(no_ansible):
    mine = job(project="/opt/collections/mine/1")
    assert run().command(mine, check=False, diff=False)[-1] == "/opt/collections/mine/1/deploy.yml"
    roles = run().environment(mine)["ANSIBLE_ROLES_PATH"]
    assert roles == "/opt/collections/mine/1/roles:/opt/tools/1/playbooks/roles"


def test_a_recent_ansible_of_the_host_runs_users_playbooks_and_never_our_own(monkeypatch):
    monkeypatch.setattr(ansible, "OWN_PROGRAM", sys.executable)
    monkeypatch.setattr(ansible, "own_version", lambda: (2, 16))
    assert run().program() == [sys.executable]
    assert run(is_own=True).program()[-1] == "/opt/tools/1/ansible"
    monkeypatch.setattr(ansible, "own_version", lambda: (2, 10))
    assert run().program()[-1] == "/opt/tools/1/ansible"


def test_users_playbooks_have_the_environment_of_a_login_without_what_changes_ansible(monkeypatch):
    for name in ("ANSIBLE_ROLES_PATH", "PYTHONPATH", "LD_PRELOAD", "SUDO_USER", "SSH_CLIENT"):
        monkeypatch.setenv(name, "/evil")
    monkeypatch.setenv("http_proxy", "http://proxy")
    environment = run().environment(job())
    assert "/evil" not in environment.values()
    assert environment["http_proxy"] == "http://proxy"
    assert environment["ANSIBLE_CONFIG"] == "/opt/tools/1/playbooks/ansible.cfg"


def test_our_own_playbooks_have_nothing_of_the_login(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy")
    environment = run(is_own=True).environment(job())
    assert "http_proxy" not in environment
    assert environment["HOME"] == environment["TMPDIR"] == "/var/tmp/scratch"


def test_a_nonce_asks_for_events_and_a_result_file_for_the_outcome():
    assert run().environment(job())["ANSIBLE_STDOUT_CALLBACK"] == "rollcall_events"
    people = run(is_own=True, result="/staging/result.json").environment(job(nonce=None))
    assert "ANSIBLE_STDOUT_CALLBACK" not in people
    assert people["ROLLCALL_RESULT"] == "/staging/result.json"


def test_variables_are_in_a_file_that_only_the_user_can_read(tmp_path):
    AnsibleRun(str(tmp_path), str(tmp_path), True).write_variables(job())
    path = tmp_path / "variables.yml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert SECRET in path.read_text()
