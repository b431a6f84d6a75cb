import json

import pytest
from rollcall_host.services import instances, paths, states

ORDER = {"containers": [{"name": "web", "is_job": False}, {"name": "migrate", "is_job": True}]}


@pytest.fixture
def etc(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ETC", str(tmp_path))
    return tmp_path


def write(etc, id, generations, state=None):
    for generation in generations:
        folder = etc / id / str(generation)
        folder.mkdir(parents=True)
        (folder / "instance.json").write_text(json.dumps({**ORDER, "generation": generation}))
    if state is not None:
        (etc / id / "state.json").write_text(json.dumps(state))


def test_an_instance_that_was_only_prepared_is_not_in_force_and_stopped(etc):
    write(etc, "0badcafe", [3])
    found = instances.read_instance("0badcafe")
    assert (found.generation, found.prepared, found.is_current, found.wanted) == (3, 3, False, "stopped")


def test_the_generation_of_the_state_is_in_force_beside_a_prepared_one(etc):
    write(etc, "0badcafe", [3, 4, 10], {"generation": 4, "wanted": "running"})
    found = instances.read_instance("0badcafe")
    assert (found.generation, found.prepared, found.newest, found.wanted) == (4, 10, 10, "running")
    assert found.order["generation"] == 4


def test_half_a_folder_of_a_generation_and_foreign_folders_are_no_instances(etc):
    (etc / "0badcafe" / "5.new").mkdir(parents=True)
    (etc / "not-an-id").mkdir()
    assert instances.read_instances() == []
    assert instances.read_instance("../../etc") is None


def test_a_host_without_the_folder_has_no_instances(etc, monkeypatch):
    monkeypatch.setattr(paths, "ETC", str(etc / "none"))
    assert instances.read_instances() == []


UP = {"ActiveState": "active", "SubState": "running"}
AGAIN = {"ActiveState": "activating", "SubState": "auto-restart"}


@pytest.mark.parametrize("web, migrate, is_done, wanted, expected", [
    (UP, UP, False, "running", "running"),
    (UP, None, True, "running", "running"),
    (AGAIN, None, True, "running", "failed"),
    ({"ActiveState": "activating", "SubState": "start-pre"}, None, True, "running", "starting"),
    (None, None, True, "running", "failed"),
    ({"ActiveState": "inactive", "Job": "712"}, None, True, "running", "starting"),
    ({"ActiveState": "inactive", "Job": "0"}, None, True, "running", "failed"),
    (UP, None, True, "stopped", "stopping"),
    (None, None, False, "stopped", "stopped"),
])
def test_the_state_of_an_instance_follows_from_its_units(etc, web, migrate, is_done, wanted, expected):
    write(etc, "0badcafe", [1], {"generation": 1, "wanted": wanted})
    if is_done:
        (etc / "0badcafe" / "1" / "done").mkdir()
        (etc / "0badcafe" / "1" / "done" / "migrate").touch()
    instance = instances.read_instance("0badcafe")
    units = {"web": web, "migrate": migrate}
    each = {one["name"]: states.container_state(instance, one, units[one["name"]]) for one in instance.containers}
    assert states.instance_state(instance, each) == expected


def test_an_instance_of_jobs_that_have_ended_well_is_finished(etc):
    write(etc, "0badcafe", [1], {"generation": 1, "wanted": "running"})
    assert states.instance_state(instances.read_instance("0badcafe"), {"migrate": "finished"}) == "finished"
