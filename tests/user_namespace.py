"""Runs a command as root of a user namespace, with mounts of its own: a small container.

    python user_namespace.py COMMAND [ARGUMENT…]

Started by root, the namespace has all users, and its root is the host's, as in a container; started
by anybody else it has the one user.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["in_user_namespace"]

_ALL = (1 << 32) - 1


def in_user_namespace(command: Sequence[str]) -> list[str]:
    """The command line that runs another in such a namespace."""
    return [sys.executable, "-I", __file__, *command]


def main(command: Sequence[str]) -> None:
    """Become that command."""
    waiting, going = os.pipe()
    # Its first process waits for the command's end: until then the namespace can be entered.
    holder = subprocess.Popen(
        ["/usr/bin/unshare", "--user", "--mount", "/bin/sh", "-c", "echo ready; read -r _"],
        stdin=waiting,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"ready\n"
    count = _ALL if os.getuid() == 0 else 1
    place = Path(f"/proc/{holder.pid}")
    (place / "setgroups").write_text("allow" if count > 1 else "deny")
    (place / "uid_map").write_text(f"0 {os.getuid()} {count}")
    (place / "gid_map").write_text(f"0 {os.getgid()} {count}")
    os.close(waiting)
    os.set_inheritable(going, True)
    enter = ["/usr/bin/nsenter", "--target", str(holder.pid), "--user", "--mount"]
    os.execv(enter[0], [*enter, "--preserve-credentials", *command])


if __name__ == "__main__":
    main(sys.argv[1:])
