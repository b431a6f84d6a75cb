"""Writes the outcome of a play to the file that ROLLCALL_RESULT names, for the server that started it."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: rollcall_result
    type: notification
    short_description: writes the outcome of a play as JSON
    description: Counts tasks by outcome and keeps the last failures, without what a task hides by no_log.
"""

MAX_FAILURES = 10
MAX_TEXT = 2000


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "rollcall_result"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.failures = []

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if ignore_errors:
            return
        is_hidden = result._result.get("_ansible_no_log") or result._task.no_log
        message = "hidden, since the task handles secrets" if is_hidden else self.describe(result._result)
        self.failures.append({"task": result._task.get_name()[:MAX_TEXT], "message": message[:MAX_TEXT]})
        self.failures = self.failures[-MAX_FAILURES:]

    @staticmethod
    def describe(result):
        for item in result.get("results", []):
            if item.get("failed"):
                return str(item.get("msg", ""))
        return str(result.get("msg", ""))

    def v2_playbook_on_stats(self, stats):
        path = os.environ.get("ROLLCALL_RESULT")
        if not path:
            return
        totals = {"ok": 0, "changed": 0, "failed": 0, "skipped": 0, "rescued": 0}
        for host in stats.processed:
            summary = stats.summarize(host)
            totals["ok"] += summary["ok"]
            totals["changed"] += summary["changed"]
            totals["failed"] += summary["failures"] + summary["unreachable"]
            totals["skipped"] += summary["skipped"]
            totals["rescued"] += summary["rescued"]
        with open(path, "w") as file:
            json.dump({**totals, "failures": self.failures}, file)
