"""ansible-playbook, as `python3 -I FOLDER` runs it.

A playbook of small tasks takes a third of the processor: what Ansible reads of its own documentation at every start is
cached as JSON, its own modules run in forks of a process that has imported what they need, and others import what is
compiled. Nothing of what is read and run changes. A file PLAIN_ANSIBLE beside the folder turns all of it off.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
IS_PLAIN = os.path.exists(os.path.join(os.path.dirname(HERE), "PLAIN_ANSIBLE"))

if not IS_PLAIN:
    import rollcall_yaml

    rollcall_yaml.cache_parsed()

from ansible.cli.playbook import main  # noqa: E402 (what comes before makes its import fast)

if not IS_PLAIN:
    import rollcall_copies
    import rollcall_modules

    rollcall_modules.import_compiled()
    rollcall_copies.run_in_copies()
main()
