"""ansible-playbook, as `python3 -I FOLDER` runs it.

A third of the processor for a playbook of small tasks: what Ansible reads of its own documentation at every start is remembered as JSON, its own
modules run in copies of a process that has imported what they need, and others find what they import compiled. All leave what is read
and run as it is.
"""

import rollcall_yaml

rollcall_yaml.remember()

from ansible.cli.playbook import main  # noqa: E402 (what comes before makes its import fast)

import rollcall_copies  # noqa: E402
import rollcall_modules  # noqa: E402

rollcall_modules.find_compiled()
rollcall_copies.run_in_copies()
main()
