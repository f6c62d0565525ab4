"""Shows a folder of root to another user as that user's own, read-only on the disk as before.

Mounts can have a mapping of owners (Linux 5.12, most file systems of disks): what belongs to root
on the disk belongs to the other user in the mount.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.sandbox.host import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.sandbox.owner import HostUser

__all__ = ["mount_shifted", "shift_of"]

# The same numbers on every architecture.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_HERE = -100  # AT_FDCWD
_CLONE = 1
_EMPTY_PATH = 0x1000
_FROM_EMPTY_PATH = 4
_READ_ONLY, _NOSUID, _NODEV, _IDMAP = 1, 2, 4, 0x100000


@contextmanager
def shift_of(user: HostUser) -> Iterator[int]:
    """A user namespace in which root is that user, open for as long as the block lasts.

    Raises:
        OSError: this root may make none.
    """
    with subprocess.Popen(
        [find_program("unshare"), "--user", "/bin/sh", "-c", "echo ready; read -r _"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin"},
    ) as process:
        assert process.stdout
        assert process.stdin
        if not process.stdout.readline():
            raise PermissionError("unshare --user")
        place = Path(f"/proc/{process.pid}")
        (place / "uid_map").write_text(f"0 {user.uid} 1", encoding="ascii")
        (place / "gid_map").write_text(f"0 {user.gid} 1", encoding="ascii")
        handle = os.open(place / "ns/user", os.O_RDONLY | os.O_CLOEXEC)
        process.stdin.close()
        try:
            yield handle
        finally:
            os.close(handle)


def mount_shifted(source: str, target: str, shift: int) -> None:
    """Mount a file or folder at a place, read-only, root's files as somebody else's.

    Args:
        source: what to mount, without what is mounted below it.
        target: where.
        shift: from `shift_of`.

    Raises:
        OSError: the kernel or the file system does not do it.
    """
    tree = _call(_OPEN_TREE, _HERE, os.fsencode(source), _CLONE | os.O_CLOEXEC)
    try:
        flags = _READ_ONLY | _NOSUID | _NODEV | _IDMAP
        attributes = struct.pack("=QQQQ", flags, 0, 0, shift)
        size = ctypes.c_size_t(len(attributes))
        _call(_MOUNT_SETATTR, tree, b"", _EMPTY_PATH, attributes, size)
        _call(_MOVE_MOUNT, tree, b"", _HERE, os.fsencode(target), _FROM_EMPTY_PATH)
    finally:
        os.close(tree)


def _call(*arguments: object) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
