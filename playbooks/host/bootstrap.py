"""Runs one playbook on the host itself, as root, with the Ansible that the server brings.

    python3 bootstrap.py --staging DIR --playbook NAME --tools-version VERSION --owner FLEET/HOST --found-owner FLEET/HOST
    python3 bootstrap.py --tools-only --tools-version VERSION < tools.tar.gz

DIR holds what the server uploaded: tools.tar.gz (only when the host uses another VERSION under /opt/rollcall-tools),
vars.json for the playbook, and whatever that names. Standard input stays open as long as the server is there; when it
ends before the playbook does, the playbook is ended and DIR removed, so that secrets do not outlive the connection.
With --tools-only it lays out the tools, runs nothing, and waits for an older run instead of ending it.
A run that finds an older one still going ends that first: the newest knows what is wanted.
Whose the agent is it writes down before anything else, unless that has become somebody else's than it was found to be.
Exits with the playbook's exit code, 70 when the server went away, 71 when the tools could not be laid out, 72 when the
agent has become somebody else's.
Needs Python 3.9 and its standard library only.
"""

import argparse
import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time

TOOLS = "/opt/rollcall-tools"
LOCK = "/run/rollcall-bootstrap.lock"
SERVER_GONE = 70
NO_TOOLS = 71
AGENT_TAKEN = 72
OWNER = "/etc/rollcall-agent/owner"
TAKE_OVER_SECONDS = 15
WAIT_SECONDS = 60
TERM_SECONDS = 5


def main():
    options = parse_options()
    os.umask(0o022)
    if options.tools_only:
        return bring_tools(options.tools_version)
    # Held open, its number cannot be given to the folder of a later run, which bears the same name.
    own_staging = os.open(options.staging, os.O_RDONLY | os.O_DIRECTORY)
    lock = take_lock()
    try:
        if not claim_agent(options.owner, options.found_owner):
            return AGENT_TAKEN
        try:
            archive = os.path.join(options.staging, "tools.tar.gz")
            lay_out_tools(lambda: tarfile.open(archive, "r:gz"), options.tools_version)
        except (OSError, tarfile.TarError, EOFError) as error:
            return no_tools(error)
        code = run_playbook(options, lock)
        if code == SERVER_GONE and is_same(own_staging, options.staging):
            shutil.rmtree(options.staging, ignore_errors=True)
        return code
    finally:
        if is_same(lock, LOCK):
            os.unlink(LOCK)


def claim_agent(owner, found):
    """Writes down whose the agent is, as long as it is nobody's, the owner's or still whose it was found to be."""
    present = read_line(OWNER) or ""
    if re.fullmatch("[0-9a-f-]{36}/[0-9a-f-]{36}", present) and present not in (owner, found):
        return False
    if present != owner:
        os.makedirs(os.path.dirname(OWNER), mode=0o700, exist_ok=True)
        with open(OWNER + ".new", "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(owner + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(OWNER + ".new", OWNER)
    return True


def bring_tools(version):
    lock = take_lock(is_patient=True)
    try:
        lay_out_tools(tools_on_stdin, version)
        return 0
    except (OSError, tarfile.TarError, EOFError) as error:
        return no_tools(error)
    finally:
        if is_same(lock, LOCK):
            os.unlink(LOCK)


def tools_on_stdin():
    return tarfile.open(fileobj=sys.stdin.buffer, mode="r|gz")


def no_tools(error):
    print("Cannot lay out %s: %s" % (TOOLS, error), file=sys.stderr, flush=True)
    return NO_TOOLS


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--staging")
    parser.add_argument("--playbook")
    parser.add_argument("--tools-only", action="store_true")
    parser.add_argument("--tools-version", required=True)
    parser.add_argument("--owner")
    parser.add_argument("--found-owner", default="")
    options = parser.parse_args()
    if not options.tools_only and None in (options.staging, options.playbook, options.owner):
        parser.error("--staging, --playbook and --owner are needed where a playbook is to run")
    return options


def is_same(handle, path):
    """Whether what is open is what bears the name now."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def take_lock(is_patient=False):
    """The open lock file. The playbook's processes inherit it: it is held for as long as one of them lives."""
    deadline = time.monotonic() + (WAIT_SECONDS if is_patient else TAKE_OVER_SECONDS)
    is_told = False
    while True:
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if is_patient:
                os.close(lock)
                if time.monotonic() > deadline:
                    sys.exit("An agent is being installed on this host. Try again when that has ended.")
                time.sleep(0.2)
                continue
            if not is_told:
                print("An earlier run is still going on this host; ending it.", flush=True)
                is_told = True
            hard = time.monotonic() > deadline - TAKE_OVER_SECONDS / 2
            end_holders(lock, signal.SIGKILL if hard else signal.SIGTERM)
            os.close(lock)
            if time.monotonic() > deadline:
                sys.exit("An earlier run on this host cannot be ended. Restart the host and try again.")
            time.sleep(0.2)
            continue
        if is_same(lock, LOCK):
            record(lock, "process", os.getpid())
            return lock
        os.close(lock)  # its last holder removed it while we waited


def record(lock, kind, number):
    os.ftruncate(lock, 0)
    os.pwrite(lock, ("%s %d" % (kind, number)).encode(), 0)


def end_holders(lock, how):
    # Whoever holds the lock is alive, so the number is still theirs: of a process that unpacks, or of a playbook's group.
    kind, _, number = os.pread(lock, 64, 0).decode("ascii", "replace").partition(" ")
    if not number.isdigit():
        return
    try:
        (os.killpg if kind == "group" else os.kill)(int(number), how)
    except ProcessLookupError:
        pass


def lay_out_tools(open_archive, version):
    """Makes VERSION a folder of TOOLS and sets the link "current" to it; the version before it stays."""
    place, current = os.path.join(TOOLS, version), os.path.join(TOOLS, "current")
    former = os.readlink(current) if os.path.islink(current) else None
    if former == version and read_line(os.path.join(place, "VERSION")) == version:
        return
    if os.path.lexists(os.path.join(TOOLS, "VERSION")):
        shutil.rmtree(TOOLS)  # of a release that kept one version only, right there
    os.makedirs(TOOLS, mode=0o755, exist_ok=True)
    fresh = place + ".new"
    for path in (fresh, place):
        shutil.rmtree(path, ignore_errors=True)
    with open_archive() as tar:
        unpack(tar, fresh)
    with tarfile.open(os.path.join(fresh, "bundle.tar")) as tar:
        unpack(tar, os.path.join(fresh, "ansible"))
    os.unlink(os.path.join(fresh, "bundle.tar"))
    with open(os.path.join(fresh, "VERSION"), "w") as file:
        file.write(version + "\n")
    os.sync()  # before the rename: after a power cut a complete name must mean complete files
    os.rename(fresh, place)
    if os.path.lexists(current + ".new"):
        os.unlink(current + ".new")
    os.symlink(version, current + ".new")
    os.replace(current + ".new", current)
    for name in os.listdir(TOOLS):
        if name not in (version, former, "current", "collections"):
            shutil.rmtree(os.path.join(TOOLS, name), ignore_errors=True)


def unpack(tar, folder):
    os.makedirs(folder, mode=0o755)
    if hasattr(tarfile, "tar_filter"):
        tar.extractall(folder, members_of(tar), filter="tar")
    else:
        tar.extractall(folder, members_of(tar))


def members_of(tar):
    """One after the other, as they are unpacked: an archive is read once, from a pipe too."""
    for member in tar:
        if not (member.isfile() or member.isdir()) or member.name.startswith("/") or ".." in member.name.split("/"):
            raise tarfile.TarError("%r is not a file or folder within the archive" % member.name)
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        yield member


def read_line(path):
    try:
        with open(path) as file:
            return file.readline().strip()
    except FileNotFoundError:
        return None


def run_playbook(options, lock):
    staging = options.staging
    tools = os.path.join(TOOLS, options.tools_version)
    scratch = os.path.join(staging, "ansible")
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_CONFIG": os.path.join(tools, "playbooks", "ansible.cfg"),
        "ANSIBLE_HOME": scratch,
        "ANSIBLE_LOCAL_TEMP": os.path.join(scratch, "local"),
        "ANSIBLE_REMOTE_TEMP": os.path.join(scratch, "remote"),
        "ROLLCALL_RESULT": os.path.join(staging, "result.json"),
    }
    os.makedirs(scratch, mode=0o700, exist_ok=True)
    command = [
        sys.executable, "-I", os.path.join(tools, "ansible"),
        "--inventory", "localhost,", "--connection", "local",
        "--extra-vars", "ansible_python_interpreter=" + sys.executable,
        "--extra-vars", "@" + os.path.join(staging, "vars.json"),
        os.path.join(tools, "playbooks", options.playbook),
    ]
    playbook = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=environment, cwd="/", start_new_session=True, pass_fds=[lock]
    )
    record(lock, "group", playbook.pid)
    signal.signal(signal.SIGTERM, lambda *_: end_group(playbook))
    gone = threading.Event()
    threading.Thread(target=watch_server, args=(playbook, gone), daemon=True).start()
    code = playbook.wait()
    if gone.is_set():
        return SERVER_GONE
    return code if code >= 0 else 128 - code


def watch_server(playbook, gone):
    """Ends the playbook when standard input ends."""
    while True:
        select.select([0], [], [])
        if not os.read(0, 4096):
            break
    gone.set()
    end_group(playbook)


def end_group(playbook):
    for how, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, 0)):
        try:
            os.killpg(playbook.pid, how)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and playbook.poll() is None:
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
