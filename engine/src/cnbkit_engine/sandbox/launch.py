"""The command line of one sandbox: bubblewrap, and what has to happen before it.

An ordinary user needs bubblewrap alone for a read-only root. An overlay is mounted first, in an
outer user namespace, because bubblewrap before 0.11 cannot mount any:

    unshare --user --map-root-user --mount  sh -c 'mount -t overlay …; exec bwrap …'

Root's are started by an unprivileged user (`owner`), who sees root's files elsewhere (`staging`).

Neither the environment nor the paths are on a command line: others may read those
(/proc/PID/cmdline), and the environment may carry credentials. bubblewrap gets them through
`--args` and a file in memory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.sandbox.giving import give
from cnbkit_engine.sandbox.host import find_program
from cnbkit_engine.sandbox.mount_point import mount_point
from cnbkit_engine.sandbox.seccomp import ensure_filter
from cnbkit_engine.sandbox.staging import STAGE
from cnbkit_engine.sandbox.superuser import CAPABILITIES
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import ExitStack

    from cnbkit_engine.sandbox.owner import HostUser
    from cnbkit_engine.sandbox.view import View

__all__ = ["MOUNT_FAILED", "Launch"]

MOUNT_FAILED = 125
# By the older system call: the newer one, of util-linux from 2.39 on, takes no long list of layers.
_MOUNT = """
cd "$1" || exit 125
LIBMOUNT_FORCE_MOUNT2=always \\
    "$2" -t overlay -o userxattr,"$3" overlay root 2>"/proc/self/fd/$4" || exit 125
shift 4
exec "$@"
"""
# Opened by the first process of a session, a terminal controls all of the session's.
_TERMINAL = """
trap "" INT QUIT TSTP TTIN TTOU
: </proc/self/fd/0
exec "$@"
"""

# What container engines hide of /proc, and what they show read-only (the default of Docker,
# containerd and Podman). /sys is not mounted at all.
_MASKED = (
    *("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"),
)
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class Launch:
    """The command line and open files that make one sandbox.

    Args:
        sandbox: what to make.
        user: who it runs as on the host; None for ourselves.
        status: where bubblewrap and mount report to.
        lasting: gets what must stay until the sandbox has ended.
        inherited: gets what can be closed once it has begun.

    Attributes:
        descriptors: open files the command needs.
        staged: files and folders the user has to be shown.
        shifted: those of them that are shown as the user's, and are not.
        groups: those the user has to be in, for the devices.
    """

    def __init__(
        self,
        sandbox: View,
        user: HostUser | None,
        status: int,
        lasting: ExitStack,
        inherited: ExitStack,
    ) -> None:
        self._sandbox = sandbox
        self._user = user
        self._status = status
        self._inherited = inherited
        self.staged: list[Path] = []
        self.shifted: set[Path] = set()
        self.groups = _groups(sandbox.devices)
        self.descriptors = [status]
        self._workspace: Path | None = None
        if user:
            os.fchown(status, user.uid, user.gid)  # opened by name below
        if sandbox.layers:
            self._workspace = lasting.enter_context(Workspace(sandbox.scratch))
            self._lay_out(self._workspace)
        elif sandbox.root is None:
            raise ValueError("a sandbox needs a root or layers")

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that makes the sandbox and starts a process in it."""
        workspace = self._seen(self._workspace) if self._workspace else ""
        root = f"{workspace}/root" if workspace else ""
        bwrap = [*self._bwrap("options", self._options(root)), *argv]
        if self._sandbox.terminal:
            bwrap = ["/bin/sh", "-c", _TERMINAL, "terminal", *bwrap]
        if workspace:
            lower = ":".join(f"lower/{number}" for number in range(len(self._sandbox.layers)))
            bwrap = [
                find_program("unshare"),
                *("--user", "--map-root-user", "--mount", "/bin/sh", "-c", _MOUNT),
                *("sandbox", workspace, find_program("mount")),
                *(f"lowerdir={lower},upperdir=upper,workdir=work", str(self._status)),
                *bwrap,
            ]
        if self._sandbox.superuser is not None:
            return [*self._as_superuser(self._sandbox.superuser), *bwrap]
        if self._sandbox.network and (namespace := self._sandbox.namespace):
            namespace.ready()
            enter = [find_program("nsenter"), "--target", str(namespace.holder)]
            bwrap = [*enter, "--user", "--net", "--preserve-credentials", "--", *bwrap]
        return bwrap

    def _as_superuser(self, holder: int) -> list[str]:
        """Enter the user namespace as its root, and its network if it has one."""
        net = []
        if self._sandbox.network and self._sandbox.namespace:
            self._sandbox.namespace.ready()
            net = ["--net"]
        return [find_program("nsenter"), "--target", str(holder), "--user", *net, "--"]

    def _bwrap(self, name: str, options: Iterator[str]) -> list[str]:
        data = b"".join(option.encode(errors="surrogateescape") + b"\0" for option in options)
        return [find_program("bwrap"), "--args", str(self._memory(name, data)), "--"]

    def _seen(self, source: Path) -> str:
        """A file or folder of ours as the user sees it whom the sandbox runs as."""
        if self._user is None:
            return str(source.absolute())
        self.staged.append(source.absolute())
        return f"{STAGE}/{len(self.staged) - 1}"

    def _give(self, path: Path) -> None:
        give(path, self._user, within=self._sandbox.scratch.parent)

    def _options(self, overlay: str) -> Iterator[str]:
        sandbox = self._sandbox
        if sandbox.superuser is None:
            yield from ("--unshare-user", "--uid", str(sandbox.uid), "--gid", str(sandbox.gid))
        yield from ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "sandbox")
        yield from ("--die-with-parent", "--json-status-fd", str(self._status))
        yield from ("--cap-drop", "ALL")
        for name in CAPABILITIES if sandbox.superuser is not None else ():
            yield from ("--cap-add", name)
        if filter_file := ensure_filter(sandbox.scratch.parent / "tools"):
            yield from ("--seccomp", str(self._memory("seccomp", filter_file.read_bytes())))
        if not sandbox.network:
            yield "--unshare-net"
        if overlay:
            yield from ("--bind", overlay, "/")
        elif sandbox.root and sandbox.writable:
            yield from ("--bind", self._seen(sandbox.root), "/")
        elif sandbox.root:
            self._give(sandbox.root)
            yield from ("--ro-bind", self._seen(sandbox.root), "/")
        yield from self._mount("--dev", "/dev")
        for device in sandbox.devices:
            yield from ("--dev-bind-try", str(device), str(device))
        yield from self._mount("--proc", "/proc")
        yield from _masks()
        own = overlay or sandbox.writable  # these have a /tmp to write in
        if not own and "/tmp" not in {bind.target for bind in sandbox.binds}:  # noqa: S108
            yield from self._mount("--tmpfs", "/tmp")  # noqa: S108
        for target in sandbox.tmpfs:
            yield from self._mount("--tmpfs", target)
        for bind in sandbox.binds:
            if bind.given:
                self._give(bind.source)
            elif self._user and not bind.writable and not _is_open(bind.source):
                self.shifted.add(bind.source.absolute())
            target = self._point(bind.target, folder=bind.source.is_dir())
            yield "--bind" if bind.writable else "--ro-bind"
            yield from (self._seen(bind.source), target)
        if not overlay:
            for name, data in _network_files(sandbox):
                file = self._memory(name, data)
                target = self._point(f"/etc/{name}", folder=False)
                yield from ("--perms", "0644", "--ro-bind-data", str(file), target)
        if overlay and sandbox.read_only:
            yield from ("--remount-ro", "/")
        yield "--clearenv"
        for name, value in sandbox.env.items():
            yield from ("--setenv", name, value)
        yield from ("--chdir", sandbox.cwd)

    def _mount(self, option: str, target: str) -> tuple[str, str]:
        return option, self._point(target, folder=True)

    def _point(self, target: str, *, folder: bool) -> str:
        """Where to mount: in a read-only root the place must be there beforehand."""
        root = self._sandbox.root
        if self._workspace or root is None or self._sandbox.writable:
            return target  # bubblewrap makes what is missing
        return mount_point(root, target, folder=folder)

    def _memory(self, name: str, data: bytes) -> int:
        handle = os.memfd_create(name)
        self._inherited.callback(os.close, handle)
        os.write(handle, data)
        os.lseek(handle, 0, os.SEEK_SET)
        self.descriptors.append(handle)
        return handle

    def _lay_out(self, workspace: Path) -> None:
        """Make an overlay's folders.

        The layers get links with short names: mount options are limited to a page (256 bytes each
        with the newest mount program), and `:` or `,` in a path would end them.
        """
        for name in ("root", "upper", "work", "lower"):
            (workspace / name).mkdir()
        (workspace / "upper").chmod(0o755)
        for number, layer in enumerate(self._sandbox.layers):
            if layer.is_dir():
                self._give(layer)
                link = self._seen(layer)
            else:
                link = str(layer)  # for mount to complain of
            (workspace / "lower" / str(number)).symlink_to(link)
        etc = workspace / "upper" / "etc"
        etc.mkdir()
        for name, data in _network_files(self._sandbox):
            (etc / name).write_bytes(data)
        tmp = workspace / "upper" / "tmp"
        tmp.mkdir()
        tmp.chmod(0o1777)
        self._give(workspace)
        if self._sandbox.closed:
            for file in etc.iterdir():
                file.chmod(0o444)
            for folder in (etc, workspace / "upper"):
                folder.chmod(0o555)


def _is_open(path: Path) -> bool:
    """Whether everybody may read a file. What is in a folder is not looked through."""
    return path.is_file() and bool(path.stat().st_mode & 0o004)


def _masks() -> Iterator[str]:
    for path in filter(os.path.exists, _READ_ONLY):
        yield from ("--ro-bind", path, path)
    for path in filter(os.path.exists, _MASKED):
        if os.path.isdir(path):
            yield from ("--tmpfs", path, "--remount-ro", path)
        else:
            yield from ("--ro-bind", "/dev/null", path)  # without devices: it cannot be opened


def _groups(devices: Sequence[Path]) -> list[int]:
    """Groups by which a host lets ordinary users have its accelerators."""
    groups = set()
    for device in devices:
        for path in (device, *device.glob("*")):
            known = path.stat()
            if known.st_gid and known.st_mode & 0o060 == 0o060 and known.st_mode & 0o006 != 0o006:
                groups.add(known.st_gid)
    return sorted(groups)


def _network_files(view: View) -> Iterator[tuple[str, bytes]]:
    lines = ["127.0.0.1 localhost sandbox", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{address} {name}" for name, address in view.hosts.items()]
    yield "hosts", "".join(f"{line}\n" for line in lines).encode()
    try:
        names = Path("/etc/resolv.conf").read_bytes()
    except OSError:
        names = b""  # a host without name service
    if view.namespace:
        other = [line for line in names.splitlines() if not line.startswith(b"nameserver")]
        names = b"\n".join([*other, f"nameserver {view.namespace.resolver}\n".encode()])
    yield "resolv.conf", names
