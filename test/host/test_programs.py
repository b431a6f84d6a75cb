"""The programs by which the package is started."""

import io
import json
import os
import subprocess
import sys
import tarfile


def run(argv, stdin=b"", **environment):
    return subprocess.run(
        [sys.executable, *argv], input=stdin, env={**os.environ, **environment}, capture_output=True, timeout=60
    )


def package(host_folder):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in [host_folder / "__main__.py", *host_folder.glob("rollcall_host/**/*.*")]:
            if path.suffix in (".py", ".json"):
                archive.add(path, str(path.relative_to(host_folder)))
    return content.getvalue()


def test_bootstrap_runs_a_verb_of_a_package_that_the_host_has_not_and_leaves_it_its_input(host_folder, tmp_path):
    archive = package(host_folder)
    plan = json.dumps({"release": "not-there"}).encode()
    argv = ["-I", "-c", (host_folder / "bootstrap.py").read_text(), str(len(archive)), "prepare"]
    done = run(argv, archive + plan, ROLLCALL_UPGRADE_PROGRAM=str(tmp_path))
    assert done.returncode == 1
    assert ("%s/releases/not-there/bin/node does not run" % tmp_path).encode() in done.stderr


def test_bootstrap_ends_where_the_connection_ends_before_the_package_has_come(host_folder):
    archive = package(host_folder)
    done = run(["-I", "-c", (host_folder / "bootstrap.py").read_text(), str(len(archive)), "prepare"], archive[:-1])
    assert done.returncode == 1
    assert b"before the program had arrived" in done.stderr


def test_a_verb_that_there_is_not_is_refused_with_the_list_of_those_there_are(host_folder):
    done = run(["-I", str(host_folder), "explode"])
    assert done.returncode == 64
    assert b"place-collection" in done.stderr


def test_a_job_that_is_none_ends_with_the_code_for_it_and_tells_no_value(host_folder):
    script = str(host_folder / "run_playbook.py")
    for argv in ([script, "-"], ["-I", script, "-"], ["-I", str(host_folder), "run", "-"]):
        done = run(argv, b'{"playbook": "s3cret"}\n')
        assert done.returncode == 73
        assert b"The job for the playbook cannot be read (job." in done.stderr
        assert b"s3cret" not in done.stderr
