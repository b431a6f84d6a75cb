import base64
import json
import os
import socket

import pytest
from rollcall_host.services import (
    commands, images, instances, journal, lifecycle, paths, podman, ports, prepare, storage, unit_steps,
)
from rollcall_host.services.step_error import StepError
from service_host import Host
from service_orders import sample

ID = "0badcafe"


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def order(generation=1, **changes):
    made = {**sample("minimal"), "generation": generation, "revision": "%064x" % generation}
    made["containers"][0].update(changes)
    return made


def with_secret(generation=1):
    made = order(
        generation,
        secret_environment=[{"name": "PASSWORD", "secret": "password"}],
        secrets=[{"source": "password", "target": "/run/secrets/password", "uid": None, "gid": None, "mode": 0o400}],
    )
    return {**made, "secrets": {"password": base64.b64encode(b"canary").decode()}}


def run(host, made):
    prepare.prepare(host.upload(made))
    return lifecycle.start(made["instance"], made["generation"])


def refused(step, *words):
    with pytest.raises(StepError) as error:
        step(*words)
    return error.value.code


def test_a_prepared_generation_lies_whole_beside_what_runs_and_its_upload_is_gone(host):
    run(host, order(1))
    assert prepare.prepare(host.upload(order(2))) == {"prepared": True, "generation": 2}
    instance = instances.read_instance(ID)
    assert (instance.generation, instance.prepared, instance.wanted) == (1, 2, "running")
    assert os.listdir(host.folder / "state" / "orders") == []
    assert host.volumes == {name for name in host.volumes if name.startswith("rollcall-0badcafe-web-")}


def test_a_started_generation_takes_the_place_of_the_one_before_and_the_old_one_is_removed(host):
    run(host, order(1))
    assert run(host, order(2)) == {"state": "running", "generation": 2}
    assert instances.list_generations(ID) == [2]
    stops = [words for words in host.systemctl if words[0] == "stop"]
    assert stops == [("stop", "rollcall-i-0badcafe-web.service")]


def test_a_file_of_the_host_that_is_mounted_stays_a_file_and_a_missing_folder_is_made(host, tmp_path):
    there, missing = tmp_path / "localtime", tmp_path / "media" / "films"
    there.write_text("a file")
    bind = {"type": "bind", "is_read_only": True, "is_created": True, "propagation": None, "selinux": None}
    mounts = [{**bind, "target": "/at%d" % index, "source": str(path)} for index, path in enumerate((there, missing))]
    assert prepare.prepare(host.upload(order(mounts=mounts))) == {"prepared": True, "generation": 1}
    assert there.read_text() == "a file" and missing.is_dir()


def test_every_step_can_be_repeated_with_the_same_answer(host):
    path = host.upload(order(1))
    assert prepare.prepare(path) == prepare.prepare(path) == {"prepared": True, "generation": 1}
    assert lifecycle.start(ID, 1) == lifecycle.start(ID, 1) == {"state": "running", "generation": 1}
    assert lifecycle.restart(ID, 1) == {"state": "running", "generation": 1}
    assert lifecycle.stop(ID, 1) == lifecycle.stop(ID, 1) == {"state": "stopped", "generation": 1}
    assert lifecycle.remove(ID, 1) == lifecycle.remove(ID, 1) == {"state": "gone"}


def test_an_older_generation_is_refused_by_every_step(host):
    run(host, order(3))
    assert refused(prepare.prepare, host.upload(order(2))) == "instance.generation_old"
    for step in (lifecycle.start, lifecycle.stop, lifecycle.restart, lifecycle.remove):
        assert refused(step, ID, 2) == "instance.generation_old"
    prepare.prepare(host.upload(order(5)))
    assert refused(prepare.prepare, host.upload(order(4))) == "instance.generation_old"
    assert refused(lifecycle.remove, ID, 4) == "instance.generation_old"


def test_a_generation_with_another_revision_than_on_the_disk_is_refused(host):
    prepare.prepare(host.upload(order(1)))
    again = {**order(1), "revision": "f" * 64}
    assert refused(prepare.prepare, host.upload(again)) == "instance.generation_old"


def test_an_instance_or_generation_that_the_host_has_not_is_unknown(host):
    for step in (lifecycle.start, lifecycle.stop, lifecycle.restart):
        assert refused(step, ID, 1) == "instance.unknown"
    prepare.prepare(host.upload(order(1)))
    assert refused(lifecycle.start, ID, 2) == "instance.unknown"
    assert refused(lifecycle.restart, ID, 1) == "instance.unknown"


def test_a_start_that_systemd_repeats_has_failed_whatever_systemctl_said(host, monkeypatch):
    monkeypatch.setattr(journal, "last_error", lambda unit: "runc: exec format error")
    prepare.prepare(host.upload(order(1)))
    host.start_as = "auto-restart"
    with pytest.raises(StepError, match="web does not start: runc: exec format error") as error:
        lifecycle.start(ID, 1)
    assert error.value.code == "instance.start_failed"


def test_a_start_without_its_image_is_refused_before_the_generation_that_runs_is_stopped(host):
    run(host, order(1))
    prepare.prepare(host.upload(order(2)))
    host.images.clear()
    assert refused(lifecycle.start, ID, 2) == "instance.image_missing"
    assert host.active["rollcall-i-0badcafe-web.service"] == "active"


def test_a_removed_instance_leaves_its_named_volumes_and_nothing_else(host):
    before = host.files()
    made = {**with_secret(1), "volumes": [{"name": "shop_cache", "is_external": False}]}
    made["containers"][0]["mounts"] = [
        {"type": "volume", "target": "/a", "is_read_only": False, "source": None},
        {"type": "volume", "target": "/b", "is_read_only": False, "source": "shop_cache"},
    ]
    run(host, made)
    assert len(host.volumes) == 3 and len(host.secrets) == 1 and host.networks == {"rollcall-shop-web"}
    lifecycle.remove(ID, 1)
    assert (host.volumes, host.secrets, host.networks) == ({"shop_cache"}, {}, set())
    assert [path for path in host.files() if not path.startswith("run/")] == before


def test_a_named_volume_is_removed_only_by_its_name(host):
    run(host, {**order(1), "volumes": [{"name": "shop_cache", "is_external": False}]})
    lifecycle.remove(ID, 1, ["shop_cache", "of_somebody_else"])
    assert "shop_cache" not in host.volumes


def test_a_volume_that_another_project_has_made_stays_although_it_is_named(host):
    volumes = [{"name": "their_data", "is_external": False}]
    run(host, {**order(1), "instance": "1badcafe", "project": "theirs", "volumes": volumes})
    lifecycle.stop("1badcafe", 1)
    run(host, {**order(1), "volumes": volumes})
    lifecycle.remove(ID, 1, ["their_data"])
    assert "their_data" in host.volumes
    lifecycle.remove("1badcafe", 1, ["their_data"])
    assert "their_data" not in host.volumes


def test_a_secret_is_in_a_file_of_its_own_mode_and_in_no_other_file(host):
    prepare.prepare(host.upload(with_secret(1)))
    folder = host.folder / "etc" / ID / "1"
    assert (folder / "secrets" / "web.0").read_bytes() == b"canary"
    assert (folder / "secrets" / "web.0").stat().st_mode & 0o777 == 0o400
    assert folder.stat().st_mode & 0o777 == 0o700
    for value in (b"canary", base64.b64encode(b"canary")):
        with_it = [path for path in host.files() if value in (host.folder / path).read_bytes()]
        assert with_it in ([], ["etc/0badcafe/1/secrets/web.0"])
    assert "canary" not in json.dumps(host.podman)


@pytest.mark.parametrize(
    "programs, told", [(["docker"], "has Docker and no podman, by which instances"), ([], "This host has no podman")]
)
def test_a_host_without_podman_is_told_what_to_install_before_anything_is_made(tmp_path, monkeypatch, programs, told):
    run_podman = podman.run
    host = Host(tmp_path, monkeypatch)
    monkeypatch.setattr(podman, "run", run_podman)
    for name in programs:
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StepError, match=told) as error:
        prepare.prepare(host.upload(order(1)))
    assert error.value.code == "instance.engine_missing"
    assert instances.read_instance(ID) is None


def test_a_secret_variable_is_refused_by_a_podman_that_would_show_it(host):
    host.version = "3.0.1"
    assert refused(prepare.prepare, host.upload(with_secret(1))) == "instance.engine_missing"
    assert instances.read_instance(ID) is None


def test_an_order_that_is_refused_changes_nothing_on_the_host(host):
    before = host.files()
    assert refused(prepare.prepare, host.upload({**order(1), "slot": 0})) == "instance.order_invalid"
    assert host.files() == before and host.podman == []


def test_a_taken_port_is_named_and_an_instances_own_port_is_not_taken(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        port = {"target": 80, "published": number, "protocol": "tcp", "host_ip": None}
        with pytest.raises(StepError, match="tcp %d is taken by .*process %d" % (number, os.getpid())) as error:
            prepare.prepare(host.upload(order(1, ports=[port])))
        assert error.value.code == "instance.port_taken"
        assert instances.read_instance(ID) is None
    run(host, order(1, ports=[port]))
    with socket.create_server(("127.0.0.1", number)):
        prepare.prepare(host.upload(order(2, ports=[port])))


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("family, address", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_of_every_protocol_and_family_is_seen_as_taken(kind, family, address):
    with socket.socket(family, kind) as taken:
        taken.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        protocol = "tcp" if kind == socket.SOCK_STREAM else "udp"
        port = {"published": taken.getsockname()[1], "protocol": protocol, "host_ip": None}
        assert not ports.is_free(port)
        assert "process %d" % os.getpid() in ports.by(port)
    assert ports.is_free(port)


BIND = {"type": "bind", "target": "/at", "is_read_only": True, "propagation": None, "selinux": None}


@pytest.mark.parametrize("changes, named", [
    ({"mounts": [{**BIND, "is_created": False, "source": "/srv/not/there"}]}, "/srv/not/there for web"),
    ({"mounts": [{**BIND, "is_created": True, "source": "/proc/version/x"}]}, "/proc/version/x for web .*be made"),
    ({"devices": [{"source": "/dev/not-there", "target": "/dev/x", "permissions": "rwm"}]}, "/dev/not-there for web"),
])
def test_what_is_to_be_mounted_and_is_not_there_is_named_with_what_to_do(host, changes, named):
    with pytest.raises(StepError, match=named) as error:
        prepare.prepare(host.upload(order(1, **changes)))
    assert error.value.code == "instance.mount_missing"
    assert "Make it there" in str(error.value)


def test_a_link_to_nowhere_is_no_folder_to_mount(host, tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    mounts = [{**BIND, "is_created": False, "source": str(tmp_path / "link")}]
    assert refused(prepare.prepare, host.upload(order(1, mounts=mounts))) == "instance.mount_missing"


def test_an_external_volume_that_is_not_there_is_named_with_the_command_that_makes_it(host):
    made = {**order(1), "volumes": [{"name": "theirs", "is_external": True}]}
    with pytest.raises(StepError, match="podman volume create theirs") as error:
        prepare.prepare(host.upload(made))
    assert error.value.code == "instance.mount_missing"


def test_a_host_that_is_full_takes_new_orders_for_its_own_instances_alone(host, monkeypatch):
    run(host, order(1))
    monkeypatch.setattr(instances, "MAX_INSTANCES", 1)
    assert refused(prepare.prepare, host.upload({**order(1), "instance": "1badcafe"})) == "instance.host_full"
    assert prepare.prepare(host.upload(order(2))) == {"prepared": True, "generation": 2}


@pytest.mark.parametrize("version, is_refused", [("4.3.1", False), ("5.4.2", True)])
def test_a_name_server_that_would_not_start_is_told_before_anything_is_made(host, monkeypatch, version, is_refused):
    monkeypatch.setattr(podman, "RESOLV_CONF", str(host.folder / "not-there"))
    host.version = version
    if not is_refused:
        assert prepare.prepare(host.upload(order(1)))["prepared"]
        return
    with pytest.raises(StepError, match="echo nameserver 127.0.0.1 > ") as error:
        prepare.prepare(host.upload(order(1)))
    assert error.value.code == "instance.engine_missing"
    assert host.networks == set() and instances.read_instance(ID) is None


def test_instances_of_one_group_have_addresses_of_their_own_where_podman_resolves_no_names(host, monkeypatch):
    network = {"name": "n", "plugins": [{"type": "bridge", "ipam": {"ranges": [[{"subnet": "10.88.2.0/24"}]]}}]}
    monkeypatch.setattr(podman, "ensure_network", lambda _name: network)
    seen = []
    for id, generation in (("0badcafe", 1), ("1badcafe", 1), ("0badcafe", 2)):
        made = {**order(generation), "instance": id}
        web = made["containers"][0]
        run(host, {**made, "containers": [web, {**web, "name": "db"}]})
        seen.append(sorted(instances.read_order(id, generation)["resolved"]["addresses"].values()))
    assert seen == [["10.88.2.10", "10.88.2.11"], ["10.88.2.12", "10.88.2.13"], ["10.88.2.10", "10.88.2.11"]]


def test_a_unit_may_run_while_its_generation_is_in_force_and_wanted(host):
    assert unit_steps.may_run(ID, "web") == 1
    prepare.prepare(host.upload(order(1)))
    assert unit_steps.may_run(ID, "web") == 1
    lifecycle.start(ID, 1)
    assert [unit_steps.may_run(ID, name) for name in ("web", "other")] == [0, 1]
    lifecycle.stop(ID, 1)
    assert unit_steps.may_run(ID, "web") == 1


def test_a_unit_may_not_run_where_its_disk_cannot_be_read_and_never_ends_with_255(host, monkeypatch):
    def fail(_path):
        raise MemoryError("canary")

    run(host, order(1))
    monkeypatch.setattr(instances, "read_json", fail)
    assert unit_steps.may_run(ID, "web") == 1


def test_a_job_that_has_ended_well_is_not_run_again_until_a_restart(host):
    run(host, order(1, is_job=True))
    assert unit_steps.may_run(ID, "web") == 0
    unit_steps.done(ID, "web")
    assert unit_steps.may_run(ID, "web") == 1
    assert lifecycle.start(ID, 1) == {"state": "finished", "generation": 1}
    lifecycle.restart(ID, 1)
    assert unit_steps.may_run(ID, "web") == 0


def test_a_container_that_ends_again_and_again_is_held_back_longer_each_time(host, monkeypatch):
    slept = []
    monkeypatch.setattr(unit_steps.time, "sleep", slept.append)
    for _ in range(9):
        unit_steps.hold_back(ID, "web")
    assert slept == [2, 4, 8, 16, 30, 30]


def test_half_a_generation_of_a_broken_off_prepare_is_made_anew(host):
    half = host.folder / "etc" / ID / "1.new" / "secrets"
    half.mkdir(parents=True)
    (half / "left").write_text("canary")
    run(host, order(1))
    assert [path for path in host.files() if "left" in path] == []


def test_storage_without_a_record_is_removed_by_its_id(host, monkeypatch):
    left = [("1234", "rollcall-0badcafe-web"), ("5", "rollcall-0badcafe-webs")]
    monkeypatch.setattr(podman, "list_containers", lambda: left)
    monkeypatch.setattr(host, "answer", lambda words, content: (0, "4.3.1"))
    unit_steps.tidy(ID, "web")
    assert ("rm", "--force", "--time", "0", "1234") in host.podman
    assert not any(words[0] == "rm" and "5" in words for words in host.podman)


def storage_of(host, names=b"[]", database=b""):
    root = host.folder / "storage"
    for folder in ("libpod", "overlay-containers"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "libpod" / "bolt_state.db").write_bytes(database)
    (root / "overlay-containers" / "containers.json").write_bytes(names)
    return root


def test_tidy_asks_podman_nothing_where_its_files_do_not_have_the_container(host):
    storage_of(host, b'[{"id":"5","names":["rollcall-0badcafe-other"]}]', b"rollcall-0badcafe-other")
    unit_steps.tidy(ID, "web")
    assert host.podman == []


@pytest.mark.parametrize(
    "names, database",
    [
        (b'[{"id":"5","names":["rollcall-0badcafe-web"]}]', b""),
        (b"[]", b"page rollcall-0badcafe-web page"),
        (b"", b""),
        (b'[{"id":"5","na', b""),
    ],
    ids=["its storage", "its database", "an empty list", "half a list"],
)
def test_tidy_asks_podman_where_its_files_have_the_container_or_do_not_say(host, names, database):
    storage_of(host, names, database)
    unit_steps.tidy(ID, "web")
    assert host.podman[0][0] == "ps"


def test_tidy_asks_podman_where_settings_put_its_storage_elsewhere(host, monkeypatch):
    storage_of(host)
    settings = host.folder / "storage.conf"
    monkeypatch.setattr(storage, "STORAGE_CONF", (str(settings),))
    settings.write_text('[storage]\n# graphroot = "/nowhere"\n')
    unit_steps.tidy(ID, "web")
    assert host.podman == []
    settings.write_text('[storage]\ngraphroot = "/nowhere"\n')
    unit_steps.tidy(ID, "web")
    assert host.podman[0][0] == "ps"


def layout(host, name, *layers):
    blobs = host.folder / "images" / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    described = [{"digest": "sha256:" + each} for each in layers]
    (blobs / name).write_text(json.dumps({"config": {"digest": "sha256:" + "c" * 64}, "layers": described}))
    (host.folder / "images" / name).mkdir()
    (host.folder / "images" / name / "blobs").symlink_to("../blobs")
    for each in layers:
        (blobs / each).write_text("layer")


def test_blobs_go_with_the_last_layout_that_has_them(host, monkeypatch):
    monkeypatch.setattr(images, "remove_image", lambda digest: None)
    monkeypatch.setattr(images, "BLOB_KEEP_SECONDS", -1)
    shared, own = "5" * 64, "6" * 64
    layout(host, "a" * 64, shared, own)
    layout(host, "b" * 64, shared)
    assert images.remove_images(["sha256:" + "a" * 64]) == {"removed": ["sha256:" + "a" * 64], "kept": []}
    assert sorted(os.listdir(host.folder / "images" / "blobs" / "sha256")) == [shared, "b" * 64]
    (host.folder / "images" / ("d" * 64)).mkdir()
    images.remove_images(["sha256:" + "b" * 64])
    assert sorted(os.listdir(host.folder / "images" / "blobs" / "sha256")) == [shared, "b" * 64]


@pytest.mark.parametrize(
    "word", ["sha256:", "web", "sha256:" + "a" * 63, "sha256:../units", "sha256:" + "a" * 64 + "/.."]
)
def test_what_is_no_digest_is_refused_before_anything_is_removed(host, word):
    layout(host, "a" * 64, "5" * 64)
    before = host.files()
    with pytest.raises(StepError) as error:
        images.remove_images(["sha256:" + "a" * 64, word])
    assert error.value.code == "instance.order_invalid"
    assert host.files() == before


def test_an_image_loses_our_names_and_stays_under_one_of_somebody_else(host, monkeypatch):
    digest = "sha256:" + "a" * 64
    names = ["localhost/rollcall:" + "a" * 64, "localhost%s/%s:latest" % (paths.IMAGES, "a" * 64), "docker.io/mine:1"]
    monkeypatch.setattr(images, "listed", lambda: [{"Id": "1", "Digest": digest, "Names": names}] * 3)
    monkeypatch.setattr(host, "answer", lambda words, content: (0, ""))
    assert images.remove_image(digest) is None
    assert host.podman == [("image", "rm", names[0]), ("image", "rm", names[1])]


def test_an_image_of_an_instance_stays_also_while_it_is_only_prepared(host):
    prepare.prepare(host.upload(order(1)))
    digest = order(1)["containers"][0]["image"]["digest"]
    kept = [{"digest": digest, "why": "shop/web.1 uses it"}]
    assert images.remove_images([digest]) == {"removed": [], "kept": kept}


def test_a_step_answers_with_one_line_of_json_and_an_error_with_its_code(host, capsys):
    assert commands.main("service", "prepare", host.upload(order(1))) == 0
    assert json.loads(capsys.readouterr().out) == {"prepared": True, "generation": 1}
    assert commands.main("service", "start", ID, "7") == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "instance.unknown"
    assert commands.main("service", "start", "../etc", "1") == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "instance.order_invalid"
    assert commands.main("service", "report") == 0
    assert json.loads(capsys.readouterr().out)["instances"][0]["state"] == "prepared"
    assert commands.main("service", "start") == commands.USAGE_ERROR


ENTRY = {"__REALTIME_TIMESTAMP": "1796068800123456", "MESSAGE": "one\ntwo", "PRIORITY": "6",
         "CONTAINER_NAME": "rollcall-0badcafe-web", "_SYSTEMD_UNIT": "rollcall-i-0badcafe-web.service"}


@pytest.mark.parametrize("changes, expected", [
    ({}, ["web out one", "web out two"]),
    ({"PRIORITY": "3"}, ["web err one", "web err two"]),
    ({"MESSAGE": [0xFF, 0x1B, 65]}, ["web out ��A"]),
    ({"MESSAGE": "\x1b[1;31mred\x1b[0m\ttext"}, ["web out red\ttext"]),
    ({"CONTAINER_NAME": "", "MESSAGE": "Error: x", "_TRANSPORT": "journal"}, ["web host Error: x"]),
    ({"CONTAINER_NAME": "", "_PID": "1", "UNIT": "rollcall-i-0badcafe-db.service", "MESSAGE": "x"}, ["db host x"]),
])
def test_an_entry_of_the_journal_is_a_line_with_time_container_and_stream(changes, expected):
    lines = journal.format_entry(ID, {**ENTRY, **changes}).splitlines()
    assert [line.partition(" ")[2] for line in lines] == expected
    assert lines[0].startswith("2026-11-30T20:00:00.123456Z ")


SYSTEMD = {"__REALTIME_TIMESTAMP": "1796068800123456", "_PID": "1", "UNIT": "rollcall-i-0badcafe-web.service"}
CRASH = [
    {**SYSTEMD, "MESSAGE": "Starting rollcall-i-0badcafe-web.service…"},
    {**ENTRY, "MESSAGE": "", "PODMAN_EVENT": "init", "CONTAINER_NAME": ""},
    {**SYSTEMD, "MESSAGE": "Started rollcall-i-0badcafe-web.service."},
    {**ENTRY, "MESSAGE": "no database"},
    {**SYSTEMD, "MESSAGE": "Main process exited, code=exited, status=3/NOTIMPLEMENTED",
     "MESSAGE_ID": journal.PROCESS_ENDED, "EXIT_CODE": "exited", "EXIT_STATUS": "3"},
    {**SYSTEMD, "MESSAGE": "Failed with result 'exit-code'."},
    {**SYSTEMD, "MESSAGE": "Scheduled restart job, restart counter is at 7."},
]


@pytest.fixture
def journalctl(host, tmp_path, monkeypatch):
    """A journal with twenty ends of a container. Returns a function that lists with which words it was read."""
    entries = [{**entry, "__CURSOR": "c%d" % index} for index, entry in enumerate(CRASH * 20)]
    (tmp_path / "bin").mkdir()
    (tmp_path / "entries").write_text("".join(json.dumps(each) + "\n" for each in entries))
    program = tmp_path / "bin" / "journalctl"
    program.write_text("""#!/bin/sh
echo "$@" >> %(folder)s/asked
case "$*" in *--reverse*) tac %(folder)s/entries;; *--after-cursor=c139*) head -n 6 %(folder)s/entries;; esac
""" % {"folder": tmp_path})
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path / "bin", os.environ["PATH"]))
    run(host, order(1))
    return lambda: (tmp_path / "asked").read_text().splitlines()


def test_the_log_of_a_container_that_ends_again_and_again_is_its_own_lines_and_what_ended_it(journalctl, capfdbinary):
    journal.logs(ID, "web", lines=4)
    told = [line.split(" ", 1)[1] for line in capfdbinary.readouterr().out.decode().splitlines()]
    assert told == ["web out no database", "web host ended with exit code 3"] * 2


def test_a_log_is_followed_from_where_its_latest_lines_end(journalctl, capfdbinary):
    journal.logs(ID, None, since="2026-11-30T10:00:00Z", follow=True, lines=1)
    told = [line.split(" ", 1)[1] for line in capfdbinary.readouterr().out.decode().splitlines()]
    assert told == ["web host ended with exit code 3", "web out no database", "web host ended with exit code 3"]
    latest, followed = journalctl()
    assert "--since=@" in latest and "--after-cursor=c139" in followed and "--unit=rollcall-i-0badcafe-web" in followed


def test_what_podman_and_the_kernel_say_of_an_end_is_told():
    killed = {**SYSTEMD, "MESSAGE_ID": journal.PROCESS_ENDED, "EXIT_CODE": "killed", "EXIT_STATUS": "9"}
    assert journal.format_entry(ID, killed).endswith("web host ended by signal 9\n")
    refused_by_podman = {**SYSTEMD, "MESSAGE": "Error: no such device"}
    well = {**SYSTEMD, "MESSAGE_ID": journal.ENDED_WELL, "MESSAGE": "rollcall-i-0badcafe-web.service: Deactivated"}
    assert journal.format_entry(ID, well).endswith("web host ended well\n")
    out_of_memory = {**SYSTEMD, "MESSAGE_ID": journal.OUT_OF_MEMORY, "MESSAGE": "killed by the OOM killer"}
    assert [journal.is_told(ID, each) for each in (killed, well, refused_by_podman, out_of_memory, CRASH[0])] == [
        True, True, True, True, False,
    ]


@pytest.mark.parametrize("text, expected", [
    ("1970-01-01T00:00:10Z", 10), ("1970-01-01 00:00:10.25", 10.25), ("1970-01-01T01:00:00.123456789+01:00", 0.123456),
])
def test_a_time_since_which_logs_are_wanted_is_read(text, expected):
    assert journal.parse_time(text) == expected


def test_a_network_without_names_gives_addresses_of_its_subnet():
    former = {"name": "n", "plugins": [{"type": "bridge", "ipam": {"ranges": [[{"subnet": "10.88.2.0/24"}]]}}]}
    assert not podman.resolves_names(former)
    assert podman.free_addresses(former, {"10.88.2.10"}, 2) == ["10.88.2.11", "10.88.2.12"]
    assert paths.unit_name(ID, "web") == "rollcall-i-0badcafe-web.service"


@pytest.mark.parametrize("is_job, seen", [(False, ""), (True, "an id\n")])
def test_the_id_that_podman_prints_is_no_line_of_the_log_of_a_container_but_the_output_of_a_job_is(
    host, monkeypatch, capfd, is_job, seen
):
    run(host, order(is_job=is_job))
    monkeypatch.setattr(os, "execvp", lambda *_: os.write(1, b"an id\n"))
    capfd.readouterr()
    kept = os.dup(1)
    try:
        unit_steps.run(ID, "web")
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert capfd.readouterr().out == seen
