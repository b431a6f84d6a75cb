import io
import os
import tarfile

import pytest
from rollcall_host import files


def archive_of(*members):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.uid, info.size = kind, 1000, 2 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"ab") if info.size else None)
    content.seek(0)
    return tarfile.open(fileobj=content)


def test_a_written_file_has_its_content_and_mode_whatever_the_umask(tmp_path):
    path = tmp_path / "file"
    before = os.umask(0o077)
    try:
        files.write_file(str(path), b"text", 0o644)
    finally:
        os.umask(before)
    assert path.read_bytes() == b"text"
    assert path.stat().st_mode & 0o7777 == 0o644
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def replace(*_paths):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError):
        files.write_file(str(path), b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_set_in_one_step_over_what_an_earlier_run_left(tmp_path):
    (tmp_path / "current.new").symlink_to("left")
    (tmp_path / "current").symlink_to("old")
    files.set_link(str(tmp_path / "current"), "new")
    assert files.read_link(str(tmp_path / "current")) == "new"
    assert os.listdir(tmp_path) == ["current"]


def test_what_is_not_there_reads_as_none(tmp_path):
    path = str(tmp_path / "none")
    assert [files.read_file(path), files.read_line(path), files.read_json(path), files.read_link(path)] == [None] * 4


def test_half_a_json_file_reads_as_none(tmp_path):
    (tmp_path / "half").write_text('{"a": ')
    assert files.read_json(str(tmp_path / "half")) is None


def test_an_archive_is_unpacked_as_roots(tmp_path):
    with archive_of(("folder", tarfile.DIRTYPE), ("folder/file", tarfile.REGTYPE)) as archive:
        files.unpack(archive, str(tmp_path / "to"))
    found = tmp_path / "to" / "folder" / "file"
    assert found.read_bytes() == b"ab"
    assert found.stat().st_uid == os.getuid()


@pytest.mark.parametrize("name, kind", [
    ("/etc/file", tarfile.REGTYPE),
    ("a/../../file", tarfile.REGTYPE),
    ("link", tarfile.SYMTYPE),
    ("device", tarfile.CHRTYPE),
])
def test_an_archive_with_anything_but_files_within_it_is_refused(tmp_path, name, kind):
    with archive_of((name, kind)) as archive, pytest.raises(tarfile.TarError, match="not a file or folder within"):
        files.unpack(archive, str(tmp_path / "to"))
