"""ansible-playbook, as `python3 -I FOLDER` runs it.

A third less of processor for a start and for a task: what Ansible reads of its own documentation at every start is remembered as JSON, and modules
find what they import compiled. Both leave what is read and run as it is.
"""

import rollcall_yaml

rollcall_yaml.remember()

from ansible.cli.playbook import main  # noqa: E402 (what comes before makes its import fast)

import rollcall_modules  # noqa: E402

rollcall_modules.find_compiled()
main()
