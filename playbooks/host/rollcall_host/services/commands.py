"""The steps of `service`, each with one line of JSON on standard output:

    prepare ORDER_FILE                              see `prepare`
    start | stop | restart ID GENERATION            see `lifecycle`
    remove ID GENERATION [--with-volumes NAME…]     all but named volumes, and of those the given ones
    report                                          all instances, by looking
    images                                          the images that podman has
    missing-images DIGEST…                          those of them that it does not have
    pull-image REQUEST_FILE                         pulls one itself, see `pulls`
    remove-images DIGEST…                           unless something uses them
    logs ID [CONTAINER] [--since T] [--follow] [--lines N], exec ID CONTAINER -- ARGV…    text instead
    may-run, tidy, wait-for, run, done              see `unit_steps`

Exit code 0 is an answer; 1 is `{"error": {"code", "message"}}`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Mapping

from ..host_error import HostError
from . import instances, paths
from .step_error import ORDER_INVALID, UNKNOWN, StepError

USAGE_ERROR = 64
MAX_MESSAGE_LENGTH = 2000
FAILED = "instance.step_failed"
UNIT_STEPS = ("may-run", "tidy", "wait-for", "run", "done")


def main(_verb: str, *words: str) -> int:
    if not words or words[0] not in {*STEPS, *UNIT_STEPS, *TEXT_STEPS}:
        print("usage: service one of: %s" % ", ".join([*STEPS, *TEXT_STEPS, *UNIT_STEPS]), file=sys.stderr)
        return USAGE_ERROR
    os.umask(0o022)
    if words[0] in UNIT_STEPS:
        # Little is imported: a start runs four of these.
        from . import unit_steps

        return unit_steps.main(*words) if len(words) == 3 else USAGE_ERROR
    try:
        if words[0] in TEXT_STEPS:
            return TEXT_STEPS[words[0]](*words[1:])
        step = STEPS[words[0]]
        if not takes(step, len(words) - 1):
            return USAGE_ERROR
        print(json.dumps(step(*words[1:])), flush=True)
        return 0
    except (HostError, OSError) as error:
        code = error.code if isinstance(error, StepError) else FAILED
        print(json.dumps({"error": {"code": code, "message": str(error)[:MAX_MESSAGE_LENGTH]}}), flush=True)
        return 1


def takes(step: Callable[..., Any], count: int) -> bool:
    """Returns whether a step takes so many words."""
    from inspect import signature

    try:
        signature(step).bind(*[""] * count)
        return True
    except TypeError:
        print("service: the step takes other words", file=sys.stderr)
        return False


def parse_target(id: str, generation: str) -> tuple[str, int]:
    """Returns id and generation. Throws `StepError` where they are none."""
    if not instances.ID.fullmatch(id) or not instances.GENERATION.fullmatch(generation):
        raise StepError(ORDER_INVALID, "A step needs an instance's id of 8 hexadecimal digits and its generation.")
    return id, int(generation)


def prepare(order_file: str) -> Any:
    from . import prepare

    return prepare.prepare(order_file)


def lifecycle_step(name: str) -> Callable[..., Any]:
    def step(id: str, generation: str) -> Any:
        from . import lifecycle

        return getattr(lifecycle, name)(*parse_target(id, generation))

    return step


def remove(id: str, generation: str, *words: str) -> Any:
    from . import lifecycle

    if words and words[0] != "--with-volumes":
        raise StepError(ORDER_INVALID, "remove takes --with-volumes and names of volumes, and nothing else.")
    return lifecycle.remove(*parse_target(id, generation), words[1:])


def report() -> Any:
    from . import report

    return report.report()


def images() -> Any:
    from . import images

    return {"images": images.list_images()}


def remove_images(*digests: str) -> Any:
    from . import images

    return images.remove_images(list(digests))


def missing_images(*digests: str) -> Any:
    from . import pulls

    return pulls.missing_images(*digests)


def pull_image(request_file: str) -> Any:
    from . import pulls

    return pulls.pull_image(request_file)


def logs(id: str, *words: str) -> int:
    from argparse import ArgumentParser

    from . import journal

    parser = ArgumentParser("service logs ID")
    parser.add_argument("container", nargs="?")
    parser.add_argument("--since")
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("--lines", type=int)
    asked = parser.parse_args(words)
    return journal.logs(id, asked.container, asked.since, asked.follow, asked.lines)


def execute(id: str, container: str, dashes: str, *argv: str) -> int:
    instance = instances.read_instance(id)
    if instance is not None and instance.is_playbook:
        raise StepError(UNKNOWN, "A playbook makes this instance: it has no container to run a program in.")
    if instance is None or instance.container(container) is None or dashes != "--" or not argv:
        raise StepError(UNKNOWN, "exec needs a container of an instance on this host, and `-- ARGV`.")
    terminal = ["--tty"] if sys.stdin.isatty() else []
    command = ["podman", "exec", "--interactive", *terminal, paths.container_name(id, container), *argv]
    os.execvp(command[0], command)


STEPS: Mapping[str, Callable[..., Any]] = {
    "prepare": prepare,
    **{name: lifecycle_step(name) for name in ("start", "stop", "restart")},
    "remove": remove,
    "report": report,
    "images": images,
    "missing-images": missing_images,
    "pull-image": pull_image,
    "remove-images": remove_images,
}
TEXT_STEPS: Mapping[str, Callable[..., int]] = {"logs": logs, "exec": execute}
