"""Runs the verb `run`: `python3 run_playbook.py JOB [--login] [--while-stdin]`.

Agents start playbooks by this path, those of earlier releases too, so it stays.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rollcall_host.cli import main  # noqa: E402 (the path comes first)

sys.exit(main(["run", *sys.argv[1:]]))
