"""Reports the tasks of a play as lines of JSON on standard output, for the server that follows it.

Each line has the nonce that only this process and the server know: nothing that a task prints looks like one. Every
text is bounded, and so is the whole.
"""

import difflib
import hashlib
import json
import os
import sys
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: rollcall_events
    type: stdout
    short_description: reports a play in lines of JSON
    description: One line for each task that begins, each result and the end, without what a task hides by no_log.
"""

MAX_NAME = 300
MAX_MESSAGE = 2000
MAX_DIFF = 16 * 1024
MAX_TOTAL = 1024 * 1024
MAX_RESULTS = 2000
MAX_ITEMS = 50
# Where Ansible keeps temporary files of its own. Taken out of the environment, like the nonce.
SCRATCH = os.environ.pop("ROLLCALL_SCRATCH", "")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "rollcall_events"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Taken out of the environment before any task runs, so that none inherits it.
        self.nonce = os.environ.pop("ROLLCALL_NONCE", "")
        self.written = 0
        self.results = 0
        self.omitted = 0
        self.tasks = 0
        self.began = 0.0
        self.digest = hashlib.sha256()

    def report(self, kind, **fields):
        line = json.dumps({"nonce": self.nonce, "event": kind, **fields}, separators=(",", ":"))
        self.written += len(line)
        # One write: what another process prints may come between lines, and never into one.
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def v2_playbook_on_play_start(self, play):
        self.report("play", name=cut(play.get_name(), MAX_NAME))

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.tasks += 1
        self.began = time.monotonic()
        if not self.is_full():
            self.report("task", task=self.tasks, name=cut(task.get_name(), MAX_NAME), action=cut(task.action, MAX_NAME))

    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result):
        self.report_result("changed" if result._result.get("changed") else "ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if ignore_errors:
            self.report_result("failed", result, ignored=True)
        else:
            self.report_result("rescued" if can_be_rescued(result._task) else "failed", result)

    def v2_runner_on_skipped(self, result):
        self.report_result("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self.report_result("unreachable", result)

    def report_result(self, status, result, ignored=False):
        data = result._result
        is_hidden = bool(data.get("_ansible_no_log") or result._task.no_log)
        diff = "" if is_hidden else format_diffs(data)
        name = result._task.get_name()
        # Plans are compared by this: what was done and what it would change, and nothing that differs from run to run.
        self.digest.update(json.dumps([name, status, diff]).encode("utf-8", "replace"))
        self.results += 1
        if self.is_full():
            self.omitted += 1
            return
        has_failed = status in ("failed", "rescued", "unreachable")
        has_message = has_failed or "msg" in data
        self.report(
            "result",
            task=self.tasks,
            name=cut(name, MAX_NAME),
            status=status,
            ignored=ignored,
            hidden=is_hidden,
            message="" if is_hidden or not has_message else cut(describe(data, has_failed), MAX_MESSAGE),
            diff=cut(diff, MAX_DIFF),
            ms=int((time.monotonic() - self.began) * 1000),
        )

    def is_full(self):
        return self.written > MAX_TOTAL or self.results > MAX_RESULTS

    def v2_playbook_on_stats(self, stats):
        totals = dict.fromkeys(("ok", "changed", "failed", "skipped", "rescued", "unreachable"), 0)
        for host in stats.processed:
            summary = stats.summarize(host)
            for ours, theirs in (("failed", "failures"), ("unreachable", "unreachable")):
                totals[ours] += summary[theirs]
            for name in ("ok", "changed", "skipped", "rescued"):
                totals[name] += summary[name]
        self.report("end", omitted=self.omitted, digest=self.digest.hexdigest(), **totals)


def cut(text, max_length):
    text = str(text)
    return text if len(text) <= max_length else text[: max_length - 1] + "\u2026"


def can_be_rescued(task):
    """Returns whether a block around the task has a rescue part for it."""
    child, parent = task, task._parent
    while parent is not None:
        if getattr(parent, "rescue", None) and any(
            getattr(each, "_uuid", None) == child._uuid for each in parent.block
        ):
            return True
        child, parent = parent, getattr(parent, "_parent", None)
    return False


def describe(data, has_failed):
    # Ansible takes "failed" out of a result before we see it, but not out of those of a loop's rounds.
    for item in data.get("results", []):
        if isinstance(item, dict) and item.get("failed"):
            return describe(item, True)
    parts = [str(data.get("msg", ""))]
    parts += [str(data[key]) for key in ("stderr", "module_stderr") if has_failed and data.get(key)]
    return "\n".join(part for part in parts if part)


def format_diffs(data):
    """Returns what a task, and each round of its loop, has changed, as unified diffs one after the other."""
    found = []
    for each in [data, *(item for item in data.get("results", [])[:MAX_ITEMS] if isinstance(item, dict))]:
        diffs = each.get("diff") or []
        found += [unified(diff) for diff in (diffs if isinstance(diffs, list) else [diffs]) if isinstance(diff, dict)]
    return "".join(part for part in found if part)


def unified(diff):
    if "prepared" in diff:
        return cut(diff["prepared"], MAX_DIFF)
    if "before" not in diff and "after" not in diff:
        return ""
    before, after = (lines(diff.get(side, "")) for side in ("before", "after"))
    body = difflib.unified_diff(before, after, diff_title(diff), "after", lineterm="", n=2)
    text = "\n".join(body)
    return cut(text + "\n", MAX_DIFF) if text else ""


def diff_title(diff):
    """Returns the file that a diff is of; one of our own temporary files is none."""
    for side in ("before_header", "after_header"):
        title = str(diff.get(side) or "")
        if title and not (SCRATCH and title.startswith(SCRATCH)):
            return cut(title, MAX_NAME)
    return "before"


def lines(value):
    if not isinstance(value, str):
        value = json.dumps(value, indent=2, sort_keys=True, default=str)
    # Comparing long texts takes time by their product.
    return value[: 8 * MAX_DIFF].splitlines()
