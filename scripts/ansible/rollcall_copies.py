"""Runs Ansible's own modules in a copy (fork) of the process that called for them, with all that is imported there.

Otherwise Ansible packs a module and whatever it imports into a text, and starts a new Python that unpacks and imports
it: nine tenths of what a small task takes. Only modules that take what they need from their arguments and leave nothing
behind in their process are copied, and only where a new Python would find the same: on this host, as this user, with
this interpreter and environment.
"""

import atexit
import json
import os
import runpy
import signal
import sys
import traceback
from contextlib import ExitStack

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "ansible", "modules")
MODULE_UTILS = os.path.join(HERE, "ansible", "module_utils")
# Those of `test/provisioning/ansible-copies.spec.ts` and of our own playbooks. None that starts itself again (apt,
# dnf), or imports what the bundle has and the host may have otherwise (pip).
COPIED = frozenset((
    "assemble", "blockinfile", "command", "copy", "file", "find", "get_url", "getent", "group", "lineinfile", "ping",
    "replace", "setup", "slurp", "stat", "systemd", "tempfile", "unarchive", "uri", "user", "wait_for",
))


def run_in_copies():
    """Patches how actions run modules. Does nothing where Python lacks what it takes."""
    if not hasattr(os, "memfd_create"):
        return
    # What every module imports: here, once.
    import ansible.module_utils.basic  # noqa: F401
    from ansible.module_utils.common.text.converters import to_text
    from ansible.parsing.ajson import AnsibleJSONEncoder
    from ansible.plugins.action import ActionBase

    configure, execute = ActionBase._configure_module, ActionBase._low_level_execute_command

    def configure_or_call(self, module_name, module_args, task_vars):
        path = own_module(self, module_name) if is_here(self, task_vars) else None
        if path is None:
            return configure(self, module_name, module_args, task_vars)
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}, cls=AnsibleJSONEncoder, vault_to_text=True)
        return "new", "#!" + sys.executable, Call.of(path, arguments), path

    def execute_or_copy(self, cmd, sudoable=True, in_data=None, **given):
        if not isinstance(in_data, Call):
            return execute(self, cmd, sudoable=sudoable, in_data=in_data, **given)
        code, *texts = in_data.run(self._loader.get_basedir())
        out, err = (to_text(text, errors="surrogate_then_replace") for text in texts)
        lines = {"stdout_lines": out.splitlines(), "stderr_lines": err.splitlines()}
        return {"rc": code, "stdout": out, "stderr": err, **lines}

    ActionBase._configure_module = configure_or_call
    ActionBase._low_level_execute_command = execute_or_copy


def is_here(action, task_vars):
    """Returns whether a new Python for this task would be like this one."""
    from ansible import constants

    task, connection = action._task, action._connection
    if connection.transport != "local" or connection.become or task.delegate_to or task.async_val:
        return False
    # Without pipelining people want to find the module's text on the host.
    if task_vars.get("ansible_python_interpreter") != sys.executable or not action._is_pipelining_enabled("new"):
        return False
    environment = {}
    action._compute_environment_string(environment)
    limit = constants.config.get_config_value("PYTHON_MODULE_RLIMIT_NOFILE", variables=task_vars)
    return not environment and not limit


def own_module(action, name):
    """Returns a module's path; None where it is not in `COPIED`, or a playbook replaces it or what it imports."""
    from ansible.plugins.loader import module_utils_loader

    loader = action._shared_loader_obj.module_loader
    found = loader.find_plugin_with_context(name, ".py", collection_list=action._task.collections)
    path = found.plugin_resolved_path if found.resolved else None
    if path is None or os.path.dirname(path) != MODULES or name_of(path) not in COPIED:
        return None
    # As Ansible asks where it packs modules: it keeps the answer to the first call, and subfolders are not meant.
    is_changed = any(map(replaces, module_utils_loader._get_paths(subdirs=False)))
    return None if is_changed else path


def replaces(folder):
    """Returns whether a folder holds something by the name of what Ansible's own modules import."""
    if os.path.commonpath((os.path.abspath(folder), MODULE_UTILS)) == MODULE_UTILS or not os.path.isdir(folder):
        return False
    own = {name_of(name) for name in os.listdir(folder)} - {"__pycache__"}
    return not own.isdisjoint(map(name_of, os.listdir(MODULE_UTILS)))


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


class Call(bytes):
    """A call of a module, in place of the text that a new Python would be given."""

    @classmethod
    def of(cls, path, arguments):
        call = cls()
        call.module = "ansible.modules." + name_of(path)
        call.arguments = arguments.encode()
        return call

    def run(self, folder):
        """Runs the module. Returns its exit code, its output and its errors, in bytes."""
        with ExitStack() as stack:
            # Not pipes: a program that a module leaves running may hold its output open, and is not waited for.
            streams = [stack.enter_context(os.fdopen(os.memfd_create(name), "rb")) for name in ("stdout", "stderr")]
            pid = os.fork()
            if pid == 0:
                be_module(self, folder, streams)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            # As the shell says it, below which a new Python would run.
            code = code if code >= 0 else 128 - code
            for stream in streams:
                stream.seek(0)
            return (code, *(stream.read() for stream in streams))


def be_module(call, folder, streams):
    """Runs the module in this process and ends it: the rest of the stack belongs to another process."""
    code = 1
    try:
        forget_process(streams)
        os.chdir(folder)
        code = run_module(call)
        # Temporary folders of modules are removed so.
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def forget_process(streams):
    """Drops what a new process would not have of the one that is copied."""
    atexit._clear()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, handle in enumerate((nothing, *(stream.fileno() for stream in streams))):
        os.dup2(handle, number)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def run_module(call):
    """Runs a module as Ansible's own wrapper does. Returns its exit code."""
    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = call.arguments
    sys.argv = [call.module]
    try:
        known = {"_module_fqn": call.module, "_modlib_path": None}
        runpy.run_module(call.module, init_globals=known, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    # A module ends the process with its result. Ansible's wrapper says this of one that does not.
    print('{"msg": "New-style module did not handle its own exit", "failed": true}')
    return 1
