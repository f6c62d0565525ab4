"""A root that is none on the host: a user namespace with ids of its own, to install packages in.

Its root is who sandboxes run as anyway (`owner`); its other ids are that user's subordinate ones.
So files can have owners and programs can change who they are, and outside of it nothing of that
is a right. mmdebstrap does the same.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.host import find_program, namespace_fault
from cnbkit_engine.sandbox.owner import sandbox_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.sandbox.owner import HostUser

__all__ = ["CAPABILITIES", "held_range"]

COUNT = 65536
CAPABILITIES = (
    # Of the namespace's root, over the files and processes in it: what container engines give,
    # without those for networks, devices and chroot.
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL"),
    *("CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_SETFCAP"),
)
_HOLD = "echo ready; read -r _"


@contextmanager
def held_range(*, network: bool) -> Iterator[int]:
    """A process in a user namespace with 65536 ids; yields its id.

    Args:
        network: give it a network namespace, too.

    Raises:
        PlatformFault: this machine has no ids to give, or allows no such namespaces.
    """
    user = sandbox_user()
    options: dict[str, Any] = (
        {"user": user.uid, "group": user.gid, "extra_groups": ()} if user else {}
    )
    command = [find_program("unshare"), "--user", *(["--net"] if network else [])]
    with subprocess.Popen(
        [*command, "/bin/sh", "-c", _HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        start_new_session=True,
        **options,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        try:
            if process.stdout.readline() != b"ready\n":
                raise namespace_fault(process.stderr.read().decode(errors="replace"))
            _map(process.pid, user)
            yield process.pid
        finally:
            process.stdin.close()  # it ends by that, and when we do


def _map(pid: int, user: HostUser | None) -> None:
    if user:
        for name, first in (("uid_map", user.uid), ("gid_map", user.gid)):
            try:
                Path(f"/proc/{pid}/{name}").write_text(f"0 {first} {COUNT}", encoding="ascii")
            except OSError as error:  # a container that has fewer
                raise _no_ids("/proc/self/uid_map", str(error)) from error
        return
    for program, own, table in (
        ("newuidmap", os.getuid(), "/etc/subuid"),
        ("newgidmap", os.getgid(), "/etc/subgid"),
    ):
        first, count = _subordinate(table)
        done = subprocess.run(
            [find_program(program), str(pid), "0", str(own), "1", "1", str(first), str(count)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise _no_ids(table, done.stderr)


def _subordinate(table: str) -> tuple[int, int]:
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = ""
    try:
        lines = Path(table).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        who, _, ids = line.partition(":")
        first, _, count = ids.partition(":")
        if who in (name, str(os.getuid())) and first.isdecimal() and count.strip().isdecimal():
            return int(first), min(int(count), COUNT - 1)
    raise _no_ids(table, "")


def _no_ids(table: str, detail: str) -> PlatformFault:
    return PlatformFault(
        "image extensions need user ids of their own, and this user has none",
        where=table,
        remedy="apt-get install uidmap\n"
        "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
        detail=detail or None,
    )
