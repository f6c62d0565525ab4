"""An ordinary user of the machine: an id that nobody has, no groups, and nothing of root's.

    command = as_ordinary([*python(), "-m", "cnbkit_engine.cli", "build", "."])
    subprocess.run(command, env=environment(home))

Whoever runs the tests is one already, or is root and becomes one. Their Python is the system's:
the one of .venv may lie in a folder of root's.
"""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import cnbkit
import cnbkit_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ORDINARY", "as_ordinary", "environment", "give_to_ordinary", "python"]

ORDINARY = 64123  # a user that is nobody else's

_ROOT = Path(__file__).resolve().parents[1]

# Root's home is closed, and this checkout may lie there: it is seen at its place, and nothing else.
_OPENED = """
mount --bind {root} /mnt && mount -t tmpfs -o mode=755 tmpfs {closed} && mkdir -p {root} &&
mount --move /mnt {root} || exit
"""

# Where no udev has opened it to all, as it is on most machines: a node of our own.
_TUN = """
mount -t tmpfs tmpfs /mnt && mknod -m 666 /mnt/tun c 10 200 && mount --bind /mnt/tun /dev/net/tun
exec "$@"
"""


def as_ordinary(command: Sequence[str], *, uid: int = ORDINARY) -> list[str]:
    """The command line that runs another as an ordinary user.

    Args:
        command: it.
        uid: who, where root runs the tests.
    """
    if os.geteuid() != 0:
        return list(command)
    become = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
    script = _TUN
    if closed := _closed(_ROOT):
        script = (
            _OPENED.format(closed=shlex.quote(str(closed)), root=shlex.quote(str(_ROOT))) + _TUN
        )
    return ["unshare", "--mount", "/bin/sh", "-c", script, "tun", *become, *command]


def _closed(folder: Path) -> Path | None:
    """The outermost folder above that is closed to others."""
    found = [each for each in folder.parents if not each.stat().st_mode & 0o001]
    return found[-1] if found else None


def python() -> str:
    """A Python that an ordinary user can start."""
    return "/usr/bin/python3" if os.geteuid() == 0 else sys.executable


def environment(home: Path | None = None) -> dict[str, str]:
    """The variables for that Python, and nothing of root's.

    Args:
        home: the user's own folder.
    """
    folders = [Path(module.__file__ or "").parents[1] for module in (cnbkit, cnbkit_engine)]
    folders.append(Path(sysconfig.get_path("purelib")))
    path = ":".join(map(str, folders))
    variables = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    variables |= {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return {**variables, "HOME": str(home)} if home else variables


def give_to_ordinary(folder: Path) -> None:
    """Make a folder of the tests, and all in it, the ordinary user's; no link is followed."""
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, ORDINARY, ORDINARY, follow_symlinks=False)
