"""Runs a verb of the package beside it: `python3 -I FOLDER VERB …`; FOLDER is this folder or a zip archive of it."""

import sys

from rollcall_host.cli import main

sys.exit(main(sys.argv[1:]))
