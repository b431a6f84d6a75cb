"""What /proc and the control groups tell of a container: its first process, its address, its members and what they use.

Nothing here starts a program: a look at a container costs some microseconds, where podman takes tens of milliseconds.
"""

from __future__ import annotations

import os
from typing import Iterator, Optional

CGROUPS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
MAX_MEMBERS = 4096
MAX_FILE_BYTES = 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def read(path: str) -> str:
    """Returns the begin of a file, empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def boot_id() -> str:
    return read("/proc/sys/kernel/random/boot_id").strip()


def first_process(main_pid: int) -> Optional[int]:
    """Returns the first process of a container by the main one of its unit, None before it is there."""
    if read("/proc/%d/comm" % main_pid).strip() != "conmon":
        return main_pid if os.path.exists("/proc/%d" % main_pid) else None
    children = read("/proc/%d/task/%d/children" % (main_pid, main_pid)).split()
    return int(children[0]) if children else None


def shares_network(pid: int) -> bool:
    """Tells whether a process is in this host's own network."""
    try:
        return os.readlink("/proc/%d/ns/net" % pid) == os.readlink("/proc/self/ns/net")
    except OSError:
        return False


def own_address(pid: int) -> Optional[str]:
    """Returns the first IPv4 address of the network that a process is in, other than a loopback one."""
    return parse_local_address(read("/proc/%d/net/fib_trie" % pid))


def parse_local_address(fib_trie: str) -> Optional[str]:
    """Returns the first address that the kernel's table of routes has as `host LOCAL`, but for 127.0.0.0/8."""
    address = ""
    for line in fib_trie.splitlines():
        mark, _, rest = line.strip().partition(" ")
        if mark == "|--":
            address = rest.strip()
        elif "host LOCAL" in line and address and not address.startswith("127."):
            return address
    return None


def units_folder() -> Optional[str]:
    """Returns the folder of the control groups of system units, None where there is none."""
    for line in read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("name=systemd", ""):
            continue
        for root in CGROUPS:
            folder = find_slice(root, path)
            if folder is not None:
                return folder
    return None


def find_slice(root: str, path: str) -> Optional[str]:
    """Returns `system.slice` below `root`. Inside a container the path may begin above what is mounted."""
    parts = [part for part in path.split("/") if part]
    own = parts[: parts.index("system.slice") + 1] if "system.slice" in parts else ["system.slice"]
    for start in range(len(own)):
        folder = os.path.join(root, *own[start:])
        if os.path.isdir(folder):
            return folder
    return None


def members(group: str) -> Iterator[int]:
    """Yields the processes of a control group and of those below it, at most `MAX_MEMBERS`."""
    count = 0
    for folder, _, files in os.walk(group):
        if "cgroup.procs" not in files:
            continue
        for pid in read(os.path.join(folder, "cgroup.procs")).split():
            count += 1
            if count > MAX_MEMBERS:
                return
            yield int(pid)


def process_name(pid: int) -> str:
    return read("/proc/%d/comm" % pid).strip()


def cpu_seconds(pids: list[int]) -> float:
    """Returns the processor time of processes and of their children that have ended."""
    total = 0
    for pid in pids:
        fields = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
        if len(fields) > 14:
            total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_bytes(group: str, pids: list[int]) -> int:
    """Returns the memory of a control group, or where that is not counted what is resident of its processes."""
    counted = read(os.path.join(group, "memory.current")).strip()
    if counted.isdigit():
        # What the kernel would give back at once is not held against a container.
        return max(0, int(counted) - inactive_file_bytes(read(os.path.join(group, "memory.stat"))))
    resident = 0
    for pid in pids:
        fields = read("/proc/%d/statm" % pid).split()
        if len(fields) > 2:
            # Shared pages, of libraries for instance, would count once for each process.
            resident += int(fields[1]) - int(fields[2])
    return max(0, resident) * PAGE


def inactive_file_bytes(memory_stat: str) -> int:
    for line in memory_stat.splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file" and value.isdigit():
            return int(value)
    return 0


def host_memory_bytes() -> int:
    first = read("/proc/meminfo").split(maxsplit=2)
    return int(first[1]) * 1024 if len(first) > 1 else 0


def kill_marked(mark: bytes, signal: int) -> int:
    """Sends a signal to each process whose environment has `mark` as one entry. Returns how many there were."""
    count = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if mark not in file.read(MAX_FILE_BYTES).split(b"\0"):
                    continue
            os.kill(int(name), signal)
            count += 1
        except OSError:
            continue
    return count
