"""Runs one playbook on the host itself, as root, and tells of it in lines of JSON (callback_plugins/rollcall_events.py).

    python3 run_playbook.py ORDER [--login] [--while-stdin]

ORDER is a file in JSON, mode 0600, that is removed as soon as it was read, or "-" for the first line of standard input:
    playbook     under the folder `project`
    project      absolute path; null for the playbooks beside this script
    variables    for --extra-vars; they go through a file of mode 0600 that is removed at the end. Text in them is data: what looks like a
                 template stays as it is, but in those that the list `rollcall_templates` among them names
    nonce        what each line of ours bears
    check, diff  as --check and --diff
    expected     null, or the digest of a plan: only where --check gives it again is anything changed
    seconds      after so many it is ended, where nobody else would; may be missing
Exits with the playbook's exit code, 72 where the host is not as the plan says, 73 where ORDER cannot be read. Standard input is watched
where it is given as `--while-stdin`: when it ends, so does the playbook. `--login` says that umask and environment are those of a
login of root, and are to be kept; without it the umask is 022. Needs Python 3.9 and its standard library only.
"""

import json
import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PLAN_OUTDATED = 72
NO_ORDER = 73
TERM_SECONDS = 5
# Variables lie in memory and are gone with the power; what tasks write, which may be large, lies on the disk.
PRIVATE = "/run"
ON_DISK = "/var/tmp"
PREFIX = "rollcall-playbook-"
VARIABLES = "variables.yml"
# Names of variables whose text is meant as a template.
TEMPLATES = "rollcall_templates"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What our playbooks are written for; a host's own Ansible of this version or a later one is used.
OWN_FROM = (2, 14)
OWN = "/usr/bin/ansible-playbook"
MAX_PLAN_BYTES = 8 * 1024 * 1024
# Set from the moment on at which nothing is to run any more: also what is being started just then ends.
ending = threading.Event()


def main():
    if "--login" not in sys.argv[2:]:
        os.umask(0o022)
    path = sys.argv[1]
    try:
        order = read_order(path)
    except (OSError, ValueError) as error:
        print("The order for the playbook cannot be read (%s). Run it again." % type(error).__name__, file=sys.stderr)
        return NO_ORDER
    folders = []
    try:
        for place in (PRIVATE, ON_DISK):
            remove_leftovers(place)
            folders.append(tempfile.mkdtemp(prefix="%s%d-%s-" % (PREFIX, os.getpid(), boot()), dir=place))
        private, scratch = folders
        write_private(os.path.join(private, VARIABLES), variables_file(order["variables"]))
        return run(order, private, scratch, "--while-stdin" in sys.argv[2:])
    except OSError as error:
        print("There is no place for the playbook's temporary files: %s" % error, file=sys.stderr)
        return NO_ORDER
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def read_order(path):
    if path == "-":
        return json.loads(sys.stdin.buffer.readline())
    with open(path, encoding="utf-8") as file:
        order = json.load(file)
    os.unlink(path)
    return order


def boot():
    """Names this boot of the host."""
    with open(BOOT_ID) as file:
        return file.read(8)


def remove_leftovers(place):
    """Removes what a run left that was killed, or that lost power: its variables must not stay."""
    for name in os.listdir(place):
        if not name.startswith(PREFIX):
            continue
        pid, _, rest = name[len(PREFIX):].partition("-")
        is_of_this_boot = rest.count("-") == 0 or rest.startswith(boot() + "-")
        if not pid.isdigit() or (is_of_this_boot and os.path.exists("/proc/" + pid)):
            continue
        path = os.path.join(place, name)
        try:
            # Anybody may make a folder in one of the places; root's alone are ours.
            is_ours = os.lstat(path).st_uid == os.getuid()
        except FileNotFoundError:
            continue
        if is_ours:
            shutil.rmtree(path, ignore_errors=True)


def write_private(path, text):
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def variables_file(variables):
    """Writes variables as JSON, or, where something could be a template, as YAML that says of each text that it is none."""
    values = {name: value for name, value in variables.items() if name != TEMPLATES}
    templates = variables.get(TEMPLATES, [])
    if not any(may_be_template(value) for name, value in values.items() if name not in templates):
        return json.dumps(values)
    return "{%s}\n" % ", ".join("%s: %s" % (quoted(name), to_yaml(value, name in templates)) for name, value in values.items())


def may_be_template(value):
    if isinstance(value, str):
        return "{" in value
    if isinstance(value, dict):
        return any("{" in key or may_be_template(item) for key, item in value.items())
    return isinstance(value, list) and any(map(may_be_template, value))


def to_yaml(value, is_template):
    if isinstance(value, str):
        return text_to_yaml(value, is_template)
    if isinstance(value, dict):
        items = ("? %s : %s" % (text_to_yaml(key, is_template), to_yaml(item, is_template)) for key, item in value.items())
        return "{%s}" % ", ".join(items)
    if isinstance(value, list):
        return "[%s]" % ", ".join(to_yaml(item, is_template) for item in value)
    text = json.dumps(value)
    # Without a point YAML takes a number with an exponent for text.
    return re.sub("^(-?[0-9]+)e", r"\1.0e", text)


def text_to_yaml(text, is_template):
    return quoted(text) if is_template else "!unsafe " + quoted(text)


def quoted(text):
    """A text as YAML in double quotes. What is no plain character is written by its number: YAML folds some line ends."""
    return '"%s"' % "".join(character if is_plain(character) else "\\U%08x" % ord(character) for character in text)


def is_plain(character):
    return " " <= character <= "~" and character not in '"\\'


def run(order, private, scratch, is_watched):
    children = []
    signal.signal(signal.SIGTERM, lambda *_: end_all(children))
    if is_watched:
        threading.Thread(target=watch_server, args=(children,), daemon=True).start()
    if order.get("seconds") is not None:
        threading.Thread(target=end_later, args=(order["seconds"], children), daemon=True).start()
    if order["expected"] is not None:
        found = plan_digest(order, private, scratch, children)
        if found != order["expected"]:
            tell(order, "outdated")
            return PLAN_OUTDATED
    playbook = start(order, private, scratch, children, check=order["check"], diff=order["diff"])
    code = playbook.wait()
    return code if code >= 0 else 128 - code


def plan_digest(order, private, scratch, children):
    """What --check says now, or None where it fails."""
    planned = start(order, private, scratch, children, check=True, diff=True, stdout=subprocess.PIPE)
    said = planned.stdout.read(MAX_PLAN_BYTES)
    planned.stdout.close()
    if planned.wait() != 0:
        return None
    for line in reversed(said.decode("utf-8", "replace").splitlines()):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("nonce") == order["nonce"] and event.get("event") == "end":
            return event.get("digest")
    return None


def start(order, private, scratch, children, check, diff, stdout=None):
    project = order["project"] or HERE
    environment = {
        **login_environment(),
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_CONFIG": os.path.join(HERE, "ansible.cfg"),
        "ANSIBLE_HOME": scratch,
        "ANSIBLE_LOCAL_TEMP": os.path.join(scratch, "local"),
        "ANSIBLE_REMOTE_TEMP": os.path.join(scratch, "remote"),
        # In the home folder Ansible looks for it in two places: that of HOME, and that of root.
        "ANSIBLE_ASYNC_DIR": os.path.join(scratch, "jobs"),
        "ANSIBLE_ROLES_PATH": ":".join((os.path.join(project, "roles"), os.path.join(HERE, "roles"))),
        "ANSIBLE_STDOUT_CALLBACK": "rollcall_events",
        "ROLLCALL_NONCE": order["nonce"],
        "ROLLCALL_SCRATCH": scratch,
    }
    command = [
        *ansible_playbook(),
        "--inventory", "localhost,", "--connection", "local",
        "--extra-vars", "ansible_python_interpreter=" + sys.executable,
        "--extra-vars", "@" + os.path.join(private, VARIABLES),
        *(["--check"] if check else []),
        *(["--diff"] if diff else []),
        os.path.join(project, order["playbook"]),
    ]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, env=environment, cwd="/", start_new_session=True)
    children.append(child)
    if ending.is_set():
        end_all(children)
    return child


def login_environment():
    """What a login of root has, without what would change how Ansible and Python themselves work."""
    ours = ("ANSIBLE_", "PYTHON", "LC_", "LD_", "SSH_", "SUDO_")
    user = pwd.getpwuid(os.getuid())
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
    }


def ansible_playbook():
    """The host's own where it is recent enough, else the one that came with the tools."""
    if os.access(OWN, os.X_OK) and own_version() >= OWN_FROM:
        return [OWN]
    return [sys.executable, "-I", os.path.join(os.path.dirname(HERE), "ansible")]


def own_version():
    from importlib import metadata

    try:
        return tuple(int(part) for part in metadata.version("ansible-core").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return ()


def tell(order, kind):
    print(json.dumps({"nonce": order["nonce"], "event": kind}), flush=True)


def watch_server(children):
    while True:
        select.select([0], [], [])
        if not os.read(0, 4096):
            break
    end_all(children)


def end_later(seconds, children):
    time.sleep(seconds)
    end_all(children)


def end_all(children):
    """Ends whatever runs; a playbook is a session of its own, with all that it started."""
    ending.set()
    for how, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, 0)):
        for child in children:
            try:
                os.killpg(child.pid, how)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(child.poll() is None for child in children):
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
