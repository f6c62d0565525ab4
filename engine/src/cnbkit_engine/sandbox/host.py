"""What sandboxes need of the host: programs and permissions, and what to do where it has none."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from cnbkit_engine.sandbox.owner import HostUser

__all__ = ["find_program", "mount_fault", "namespace_fault", "probe", "stage_fault"]

_PACKAGES = {"bwrap": "bubblewrap", "pasta": "passt", "slirp4netns": "slirp4netns"}


def find_program(program: str) -> str:
    """The path of a program that sandboxes need.

    Raises:
        PlatformFault: it is not installed.
    """
    for folder in (*os.get_exec_path(), "/usr/sbin", "/sbin"):
        path = f"{folder}/{program}"
        if os.access(path, os.X_OK):
            # The file itself: the user that starts it may not reach a link to it. The others may
            # be links to one program, which goes by the name it is called by.
            return os.path.realpath(path) if program == "bwrap" else path
    package = _PACKAGES.get(program, "util-linux")
    raise PlatformFault(
        f"the program {program!r} is not installed",
        where=f"PATH={os.environ.get('PATH', '')}",
        remedy=f"apt-get install {package}\nor: dnf install {package}",
    )


def probe(user: HostUser | None) -> None:
    """Raise if this host does not let us make sandboxes at all.

    Args:
        user: who the sandboxes run as; None for ourselves.

    Raises:
        PlatformFault: it does not; says what to change.
    """
    command = [find_program("bwrap"), "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/"]
    command += ["--proc", "/proc", "--dev", "/dev", "/bin/true"]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=() if user else None,
        cwd="/",
    )
    if result.returncode:
        raise namespace_fault(result.stderr)


def namespace_fault(detail: str) -> PlatformFault:
    """Said where this host does not let us make namespaces; says which switch is off."""
    apparmor = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0\n"
    apparmor += "or give bwrap an AppArmor profile that allows `userns`"
    switches = {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": ("1", apparmor),
        "/proc/sys/kernel/unprivileged_userns_clone": (
            "0",
            "sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        "/proc/sys/user/max_user_namespaces": (
            "0",
            "sudo sysctl user.max_user_namespaces=15000",
        ),
    }
    for path, (closed, remedy) in switches.items():
        with suppress(OSError):
            if Path(path).read_text().strip() == closed:
                return PlatformFault(
                    "this host forbids user namespaces", where=path, remedy=remedy, detail=detail
                )
    return PlatformFault(
        "this host forbids user namespaces",
        where="bwrap --unshare-user",
        remedy="start cnbkit on the host itself or in a virtual machine\n"
        "or, in a container whose own code you trust: start that container with\n"
        "--security-opt seccomp=unconfined --security-opt systempaths=unconfined\n"
        "(the price: what runs in that container as root can then change the host's /proc/sys;\n"
        "builds in their sandbox cannot)",
        detail=detail,
    )


def mount_fault(detail: str) -> PlatformFault:
    """Said where an image's layers cannot be stacked."""
    return PlatformFault(
        "the image's layers cannot be mounted as an overlay",
        where="mount -t overlay",
        remedy="use Linux 5.11 or newer, and set CNBKIT_HOME to a folder on ext4, xfs or btrfs"
        " (not NFS, not a container's own file system)",
        detail=detail,
    )


def stage_fault(detail: str) -> PlatformFault:
    """Said where root may not make a mount namespace, in which its files are shown to another."""
    return PlatformFault(
        "root cannot make a sandbox here that runs as somebody else",
        where="unshare --mount",
        remedy="start cnbkit as an ordinary user, whose sandboxes need no more than user"
        " namespaces\nor, if this is a container: start it with --cap-add SYS_ADMIN",
        detail=detail,
    )
