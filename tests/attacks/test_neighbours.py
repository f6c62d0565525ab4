"""Code in a sandbox reaches nothing that runs beside it, and leaves nothing running."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Attacker

MARK = "cnbkit-neighbour-7f3a"

# Whose environment, memory and files of other processes can be had.
SEARCH = """
import ctypes, json, os, sys
mark = "".join(reversed(sys.argv[1])).encode()  # its own arguments have it, too
libc = ctypes.CDLL(None, use_errno=True)
seen, read, taken = [], [], []
for pid in (each for each in os.listdir("/proc") if each.isdigit()):
    seen.append(int(pid))
    for name in ("environ", "cmdline", "maps", "mem", "root/proc/version", "cwd", "exe"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if mark in file.read(1 << 16) and int(pid) != os.getpid():
                    read.append(f"{pid} {name}")
        except (OSError, ValueError):
            pass
mine = os.getpid()
for pid in [int(sys.argv[2]), *range(1, 400)]:
    if pid in seen:
        continue
    try:
        os.kill(pid, 0)
        taken.append(pid)
    except OSError:
        pass
    # To read its memory, to trace it, to have its files: 16 is PTRACE_ATTACH.
    if libc.ptrace(16, pid, 0, 0) == 0:
        taken.append(pid)
print(json.dumps({"read": read, "taken": taken, "count": len(seen)}))
"""

FILES = """
import json, os
# What was open already; the list itself is one more.
had = {}
for name in os.listdir("/proc/self/fd"):
    try:
        had[name] = os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        pass
listing = f"/proc/{os.getpid()}/fd"
given = {name: path for name, path in had.items() if int(name) > 2 and path != listing}
opened = []
try:
    os.close(os.open("/proc/1/exe", os.O_WRONLY))
    opened.append("/proc/1/exe")
except OSError:
    pass
for pid in ("1", "self"):
    # Whoever may open them may not write: the value that is there already.
    for name in ("uid_map", "gid_map", "setgroups"):
        try:
            with open(f"/proc/{pid}/{name}") as file:
                value = file.read()
            handle = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
            os.write(handle, value.encode())
            if name != "setgroups":  # which says once more what it says
                opened.append(f"{pid}/{name}")
        except OSError:
            pass
for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
             "/proc/sys/fs/binfmt_misc/register", "/sys/kernel/uevent_helper",
             "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/cgroup.procs",
             "/dev/mem", "/dev/kmsg"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        opened.append(path)
    except OSError:
        pass
roots = {pid: sorted(os.listdir(f"/proc/{pid}/root/")) for pid in os.listdir("/proc")
         if pid.isdigit() and os.access(f"/proc/{pid}/root", os.X_OK)}
own = sorted(os.listdir("/"))
kinds = {line.split(" - ")[1].split()[0] for line in open("/proc/self/mountinfo")}
print(json.dumps({"given": given, "opened": opened, "kinds": sorted(kinds),
                  "strange": [pid for pid, names in roots.items() if names != own]}))
"""

RIGHTS = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
done = []
open("own", "w").close()
# The capability to be any user, in the form of the kernel: on the attack's own empty file.
value = (0x02000000 | 1).to_bytes(4, "little") + (1 << 7).to_bytes(4, "little") + bytes(12)
for name in ("security.capability", "trusted.x", "user.overlay.opaque"):
    try:
        os.setxattr("own", name, value)
        if name != "user.overlay.opaque":
            done.append(name)
    except OSError:
        pass
for source in ("/usr/bin/id", "/etc/passwd", "/proc/self/exe"):
    try:
        os.link(source, f"linked-{len(done)}")
        done.append(source)
    except OSError:
        pass
for change in (lambda: os.chown("own", 0, 0), lambda: os.setuid(0), lambda: os.setgroups([0]),
               lambda: os.chroot("/work"), lambda: os.nice(-5), lambda: os.setgid(0)):
    try:
        change()
        done.append("changed")
    except OSError:
        pass
print(json.dumps(done))
"""

SHARED = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
found = []
if libc.shmget(int(sys.argv[1]), 0, 0) >= 0:
    found.append("shared memory")
if os.path.exists(f"/dev/shm/{sys.argv[2]}"):
    found.append("/dev/shm")
if os.path.exists(sys.argv[3]):
    found.append("a temporary file")
print(json.dumps(found))
"""

LEFT = """
import json, os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        # Its parents are gone, its group is its own.
        while True:
            open("/work/alive", "w").write(str(time.time()))
            time.sleep(0.05)
    os._exit(0)
os.wait()
while not os.path.exists("/work/alive"):
    time.sleep(0.02)
print(json.dumps(1))
"""


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A process of this machine with a secret in its environment."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()", MARK],
        env={**os.environ, "SECRET": MARK},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        yield process.pid


def test_no_process_beside_it_is_seen_read_or_traced(attacker: Attacker, neighbour: int) -> None:
    told = attacker.run(SEARCH, MARK[::-1], str(neighbour))
    assert told["read"] == []
    assert told["taken"] == []
    assert told["count"] <= 3


def test_it_is_given_no_open_file_and_opens_nothing_of_the_kernel_for_writing(
    attacker: Attacker,
) -> None:
    told = attacker.run(FILES)
    assert told["given"] == {}
    assert told["opened"] == []
    assert told["strange"] == []
    assert {"cgroup", "cgroup2", "sysfs", "debugfs", "securityfs"} & {*told["kinds"]} == set()


def test_it_gives_no_file_rights_and_takes_none(attacker: Attacker) -> None:
    assert attacker.run(RIGHTS) == []


def test_shared_memory_and_temporary_files_of_the_machine_are_not_there(
    attacker: Attacker,
) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x63_6E_62_00 + os.getpid() % 200
    memory = libc.shmget(key, 4096, 0o1666)
    assert memory >= 0
    try:
        with (
            tempfile.NamedTemporaryFile(dir="/dev/shm", prefix=MARK) as shared,
            tempfile.NamedTemporaryFile(dir="/tmp", prefix=MARK) as temporary,
        ):
            name = Path(shared.name).name
            assert attacker.run(SHARED, str(key), name, temporary.name) == []
    finally:
        libc.shmctl(memory, 0, None)


def test_what_it_leaves_running_ends_with_it(attacker: Attacker) -> None:
    attacker.run(LEFT)
    alive = attacker.work / "alive"
    first = alive.read_text()
    time.sleep(0.5)
    assert alive.read_text() == first
