import base64
import gzip
import io
import json
import os
import tarfile

import pytest
from rollcall_host import collections, tools, versions
from rollcall_host.host_error import HostError


def tar_of(files):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def opener(content):
    return lambda: tarfile.open(fileobj=io.BytesIO(content))


TOOLS = tar_of({"bundle.tar": tar_of({"__main__.py": b"ansible"}), "playbooks/a.yml": b"a"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "TOOLS", str(tmp_path))
    return tmp_path


def test_tools_are_laid_out_complete_and_made_current(folder):
    tools.lay_out_tools(opener(TOOLS), "1")
    assert os.readlink(folder / "current") == "1"
    assert (folder / "1" / "ansible" / "__main__.py").read_bytes() == b"ansible"
    assert (folder / "1" / "playbooks" / "a.yml").read_bytes() == b"a"
    assert (folder / "1" / "VERSION").read_text() == "1\n"
    assert not (folder / "1" / "bundle.tar").exists()


def test_the_version_before_and_the_collections_stay_and_older_ones_go(folder):
    (folder / "collections").mkdir()
    for version in ("1", "2", "3"):
        tools.lay_out_tools(opener(TOOLS), version)
    assert sorted(os.listdir(folder)) == ["2", "3", "collections", "current"]


def test_tools_that_are_there_are_not_unpacked_again(folder):
    tools.lay_out_tools(opener(TOOLS), "1")
    tools.lay_out_tools(opener(b"no archive"), "1")


def test_a_broken_archive_leaves_the_tools_as_they_were(folder):
    tools.lay_out_tools(opener(TOOLS), "1")
    with pytest.raises(HostError, match="Cannot lay out"):
        tools.lay_out_tools(opener(TOOLS[:1500]), "2")
    assert os.readlink(folder / "current") == "1"
    assert (folder / "1" / "VERSION").read_text() == "1\n"
    assert not (folder / "2").exists()


def test_what_a_run_left_that_lost_power_is_replaced(folder):
    (folder / "1.new").mkdir()
    (folder / "1.new" / "half").write_text("half")
    tools.lay_out_tools(opener(TOOLS), "1")
    assert not (folder / "1" / "half").exists()


def place(monkeypatch, files):
    listed = [{"path": path, "mode": 0o100644, "data": base64.b64encode(data).decode()} for path, data in files.items()]
    packed = io.BytesIO(gzip.compress(json.dumps(listed).encode()))
    monkeypatch.setattr(collections.sys, "stdin", io.TextIOWrapper(packed))
    return collections.main("place-collection", "mine", "1")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setattr(collections, "COLLECTIONS", str(tmp_path))
    before = os.umask(0o022)
    yield tmp_path / "mine"
    os.umask(before)


def test_a_collection_is_placed_and_made_current(mine, monkeypatch):
    place(monkeypatch, {"deploy.yml": b"a", "roles/x/tasks/main.yml": b"b"})
    assert (mine / "current" / "roles" / "x" / "tasks" / "main.yml").read_bytes() == b"b"
    assert (mine / "1" / "deploy.yml").stat().st_mode & 0o777 == 0o644


def test_a_collection_that_is_there_and_the_same_stays_as_it_is(mine, monkeypatch):
    place(monkeypatch, {"deploy.yml": b"a"})
    before = (mine / "1").stat().st_ino
    place(monkeypatch, {"deploy.yml": b"a"})
    assert (mine / "1").stat().st_ino == before


@pytest.mark.parametrize("damage", [
    lambda version: (version / "deploy.yml").write_text("changed"),
    lambda version: (version / "more.yml").write_text("added"),
    lambda version: (version / "link").symlink_to("/etc/passwd"),
    lambda version: (version / "deploy.yml").chmod(0o600),
])
def test_a_collection_that_somebody_has_changed_is_placed_again(mine, monkeypatch, damage):
    place(monkeypatch, {"deploy.yml": b"a"})
    damage(mine / "1")
    place(monkeypatch, {"deploy.yml": b"a"})
    assert os.listdir(mine / "1") == ["deploy.yml"]
    assert (mine / "1" / "deploy.yml").read_bytes() == b"a"


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../../b"])
def test_a_path_out_of_the_collection_is_refused(mine, monkeypatch, path):
    with pytest.raises(HostError, match="is not within the collection"):
        place(monkeypatch, {path: b"a"})
    assert not mine.exists()


def test_publishing_what_is_current_removes_nothing(tmp_path):
    for name in ("1", "2", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "current").symlink_to("2")
    versions.publish(str(tmp_path), "2")
    assert sorted(os.listdir(tmp_path)) == ["1", "2", "current", "other"]
