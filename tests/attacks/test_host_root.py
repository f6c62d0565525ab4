"""Code in a sandbox is never root of the host, and cannot become it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.ordinary_user import environment

from .conftest import USERS, as_somebody_else

if TYPE_CHECKING:
    from .conftest import Attacker

SYSCTL = """
import json, os
opened, tried = [], 0
for folder, _, names in os.walk("/proc/sys"):
    for name in names:
        tried += 1
        try:
            os.close(os.open(f"{folder}/{name}", os.O_WRONLY))
            opened.append(f"{folder}/{name}")
        except OSError:
            pass
changed = []
for name in ("kernel/printk", "kernel/hostname", "vm/swappiness", "net/core/somaxconn"):
    try:
        with open(f"/proc/sys/{name}") as file:
            value = file.read()
        with open(f"/proc/sys/{name}", "w") as file:
            file.write(value)
        changed.append(name)
    except OSError:
        pass
flags = [line.split()[5] for line in open("/proc/self/mountinfo") if line.split()[4] == "/proc/sys"]
print(json.dumps({"tried": tried, "opened": opened, "changed": changed, "flags": flags}))
"""

IDENTITY = """
import json
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({key: status[key].split() for key in status if key.startswith(("Cap", "Uid"))
    or key in ("NoNewPrivs", "Seccomp", "Groups")}))
"""

SETUID = """
import json, os, shutil, subprocess
shutil.copy("/usr/bin/id", "id")
os.chmod("id", 0o6755)
done = subprocess.run(["./id", "-u"], capture_output=True, text=True)
os.mkfifo("fifo")
made = []
for name, kind in (("character", 0o020000), ("block", 0o060000)):
    try:
        os.mknod(name, kind | 0o666, os.makedev(1, 3))
        made.append(name)
    except OSError:
        pass
print(json.dumps({"uid": done.stdout.strip(), "made": made}))
"""

DEVICES = """
import json, os
changed = []
for name in os.listdir("/dev"):
    path = f"/dev/{name}"
    mode = os.lstat(path).st_mode
    if mode & 0o170000 == 0o020000 and os.lstat(path).st_rdev:
        try:
            os.chmod(path, mode & 0o7777)
            changed.append(path)
        except OSError:
            pass
print(json.dumps({"changed": changed, "names": sorted(os.listdir("/dev"))}))
"""

MOUNTS = """
import json
wrong = []
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    place, flags = fields[4], fields[5].split(",")
    kind = fields[fields.index("-") + 1]
    device = place.startswith("/dev/")
    if "nosuid" not in flags or ("nodev" not in flags and not device):
        wrong.append(line)
hidden = []
for name in ("kcore", "keys", "latency_stats", "timer_list", "sched_debug", "sysrq-trigger"):
    for how in "rb", "r+b":
        try:
            with open(f"/proc/{name}", how):
                if name != "sysrq-trigger" or how != "rb":
                    hidden.append(name)
        except OSError:
            pass
import os
for name in ("acpi", "asound", "scsi"):
    if os.path.isdir(f"/proc/{name}"):
        hidden += os.listdir(f"/proc/{name}")
sys = os.listdir("/sys") if os.path.isdir("/sys") else []
print(json.dumps({"wrong": wrong, "open": hidden, "sys": sys}))
"""


def test_no_kernel_parameter_can_be_written(attacker: Attacker) -> None:
    told = attacker.run(SYSCTL)
    assert told["tried"] > 500
    assert told["opened"] == []
    assert told["changed"] == []
    assert all("ro" in flags.split(",") for flags in told["flags"])
    assert told["flags"], "read-only by a mount of its own"


def test_it_has_no_capability_and_gets_none(attacker: Attacker) -> None:
    told = attacker.run(IDENTITY)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(told[name][0], 16) == 0, name
    assert told["Uid"] == ["1000"] * 4
    assert told["NoNewPrivs"] == ["1"]
    assert told["Seccomp"] == ["2"]


def test_what_it_writes_is_an_unprivileged_users_on_the_host(attacker: Attacker) -> None:
    attacker.run("import json\nopen('/work/file', 'w').close()\nprint(json.dumps(1))")
    owner = (attacker.work / "file").stat()
    assert owner.st_uid != 0
    assert owner.st_gid != 0


def test_programs_with_setuid_give_it_nothing_and_devices_cannot_be_made(
    attacker: Attacker,
) -> None:
    told = attacker.run(SETUID)
    assert told == {"uid": "1000", "made": []}
    left = attacker.work / "id"
    assert left.stat().st_uid != 0, "on the host, it gives whoever starts it nobody's rights"


def test_the_hosts_devices_keep_their_modes(attacker: Attacker) -> None:
    told = attacker.run(DEVICES)
    assert told["changed"] == []
    allowed = {"console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr"}
    allowed |= {"stdin", "stdout", "tty", "urandom", "zero"}
    assert set(told["names"]) <= allowed


def test_no_mount_has_programs_with_setuid_or_devices_and_the_kernels_files_are_masked(
    attacker: Attacker,
) -> None:
    told = attacker.run(MOUNTS)
    assert told == {"wrong": [], "open": [], "sys": []}


def test_other_users_reach_neither_temporary_folders_nor_what_lies_in_them(
    attacker: Attacker,
) -> None:
    wait = "print('[1]', flush=True)\nimport sys\nsys.stdin.read()"
    with subprocess.Popen(
        attacker.command(wait),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[1]\n"
        folders = [path for path in (attacker.place / "tmp").iterdir() if path.is_dir()]
        assert len(folders) == (attacker.kind == "layers")
        if "root" in USERS:
            asked = [as_somebody_else(["ls", str(folder)]).stderr for folder in folders]
            assert [each for each in asked if "Permission denied" not in each] == []
        else:
            assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)
        process.communicate()
    assert process.returncode == 0
    assert list((attacker.place / "tmp").iterdir()) == []
