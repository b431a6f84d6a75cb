"""Runs the package out of a tar archive of so many bytes on standard input, and leaves it the rest of that input."""
import io
import os
import sys
import tarfile
import zipfile

left, parts = int(sys.argv[1]), []
while left:
    parts.append(os.read(0, left))
    if not parts[-1]:
        sys.exit("The connection ended before the program had arrived.")
    left -= len(parts[-1])
# In memory: nothing of it stays on the host.
program = os.memfd_create("rollcall_host", 0)
with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as files:
    with zipfile.ZipFile(open(program, "w+b", closefd=False), "w") as archive:
        for member in files:
            archive.writestr(member.name, files.extractfile(member).read())
os.execv(sys.executable, [sys.executable, "-I", "/proc/self/fd/%d" % program, *sys.argv[2:]])
