"""Runs a process in a root file system of its own, without a daemon and without being root.

bubblewrap makes the namespaces. The file system is either a read-only folder, or an overlay of
unpacked layers with a throw-away top; bubblewrap before 0.11 cannot mount overlays, so that one is
mounted first, in an outer user namespace:

    unshare --user --map-root-user --mount  sh -c 'mount -t overlay …; exec bwrap …'

Neither the environment nor the paths are on a command line: others may read those
(/proc/PID/cmdline), and the environment carries credentials. bubblewrap gets them through `--args`
and a file in memory.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType, TracebackType

__all__ = ["Bind", "Sandbox", "Sandboxed"]

_MOUNT_FAILED = 125
_MOUNT = """
cd "$1" && "$2" -t overlay -o userxattr,"$3" overlay root 2>"/proc/self/fd/$4" || exit 125
shift 4
exec "$@"
"""
_START = 30.0  # seconds for bubblewrap to begin, on a busy machine
_KILL_AFTER = 10.0  # seconds between asking a process to end and making it


@dataclass(frozen=True)
class Bind:
    """A file or folder of the host shown inside.

    Args:
        source: on the host.
        target: absolute path inside.
        writable: whether the process may change it.
    """

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Sandbox:
    """What a process will see. Give either `root` or `layers`.

    Args:
        scratch: where temporary folders are made; on a disk file system (for an overlay's top).
        root: a folder to be the root, read-only. Mount points it lacks are made in it.
        layers: folders to be stacked as the root, topmost first; writes are kept apart from them
            and thrown away at the end.
        uid: user id inside; outside it is always the caller's.
        gid: group id inside.
        binds: host files and folders shown inside, later ones over earlier ones.
        tmpfs: empty folders in memory, absolute paths.
        devices: host devices shown inside if they exist.
        env: the environment, complete. Only PWD is added, from `cwd`.
        cwd: where the process starts.
        network: whether it shares the host's network; otherwise it has none.
        hosts: addresses of host names, for /etc/hosts.
    """

    scratch: Path
    root: Path | None = None
    layers: tuple[Path, ...] = ()
    uid: int = 1000
    gid: int = 1000
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[str, ...] = ()
    devices: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    network: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)

    def popen(
        self,
        argv: Sequence[str],
        *,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> Sandboxed:
        """Start a process; to be used in a `with` block, which ends it and cleans up.

        The process also ends when the calling *thread* does.

        Raises:
            PlatformFault: bubblewrap is missing, or the scratch folder cannot be written.
        """
        return Sandboxed(self, argv, stdin, stdout, stderr)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> int:
        """Run a process to its end; SIGINT and SIGTERM that we get are passed on to it.

        Returns:
            its exit code; 128 plus the signal's number if a signal ended it.

        Raises:
            PlatformFault: the sandbox cannot be made on this host.
        """
        with (
            self.popen(argv, stdin=stdin, stdout=stdout, stderr=stderr) as process,
            _forwarding(process),
        ):
            return process.wait()


class Sandboxed:
    """A process in its sandbox. See `Sandbox.popen`.

    Attributes:
        process: bubblewrap itself: its pipes are the sandboxed process's.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        argv: Sequence[str],
        stdin: int | IO[Any] | None,
        stdout: int | IO[Any] | None,
        stderr: int | IO[Any] | None,
    ) -> None:
        self._stack = ExitStack()
        self._reports = b""
        with ExitStack() as stack:
            self._status, status = os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, self._status)
            with ExitStack() as inherited:
                inherited.callback(os.close, status)
                launch = _Launch(sandbox, status, stack, inherited)
                self.process = subprocess.Popen(
                    launch.command(argv),
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    # Not the sandboxed process's: an image's LD_PRELOAD is not for host programs.
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
                    pass_fds=launch.descriptors,
                    # Ctrl-C in a terminal would otherwise kill bubblewrap, and with it the
                    # process, before that has had its chance to end in order.
                    start_new_session=True,
                    # What is made in there gets the same modes whoever runs it.
                    umask=0o022,
                )
            self._stack = stack.pop_all()

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            self.stop()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe:
                    with suppress(OSError):
                        pipe.close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            the exit code; 128 plus the signal's number if a signal ended the process.

        Raises:
            PlatformFault: the sandbox could not be made on this host.
            subprocess.TimeoutExpired: it is still running.
        """
        code = self.process.wait(timeout)
        if code == _MOUNT_FAILED and b"mount" in self._report():
            raise _mount_fault(self._report().decode(errors="replace"))
        if code == 1:
            # bubblewrap's own failures and the process's 1 look alike. A host that allows
            # sandboxes at all is ruled out here; bubblewrap's message is on stderr.
            _probe()
        return 128 - code if code < 0 else code

    def send_signal(self, number: int) -> None:
        """Send a signal to the process itself, not to bubblewrap around it."""
        if self.process.poll() is None:
            inner = self._inner_pid()
            with suppress(ProcessLookupError):
                os.kill(inner or self.process.pid, number)

    @property
    def pid(self) -> int | None:
        """The process's id on the host, for those who enter its namespaces; None once it ended."""
        return self._inner_pid()

    def first_pid(self) -> int | None:
        """The first process of the sandbox's process id namespace; None if none was made.

        When it has ended, all that ran in the sandbox has: see `process_end`.

        Raises:
            PlatformFault: bubblewrap says nothing.
        """
        until = time.monotonic() + _START
        ended = False
        while time.monotonic() < until:
            for line in self._report().splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    return int(json.loads(line)["child-pid"])
            if ended:
                return None
            select.select([self._status], [], [], 0.05)
            ended = self.process.poll() is not None
        raise PlatformFault(
            f"a sandbox has not started within {_START:.0f} seconds",
            where="bwrap",
            remedy="see whether the machine is overloaded, and build again",
        )

    def stop(self) -> None:
        """End the process and all it started: SIGTERM, and SIGKILL 10 seconds later."""
        if self.process.poll() is None:
            self.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_KILL_AFTER)
                return
            # --die-with-parent takes the namespace's first process along, and that one all others.
            self.process.kill()
            self.process.wait()

    def _report(self) -> bytes:
        """What mount or bubblewrap has written about the sandbox so far."""
        while select.select([self._status], [], [], 0)[0]:
            data = os.read(self._status, 65536)
            if not data:
                break
            self._reports += data
        return self._reports

    def _inner_pid(self) -> int | None:
        """The process below bubblewrap's own first process; waits while it is being made."""
        until = time.monotonic() + 2.0
        while time.monotonic() < until and self.process.poll() is None:
            for line in self._report().splitlines():
                with suppress(ValueError, KeyError, TypeError, OSError, IndexError):
                    first = int(json.loads(line)["child-pid"])
                    children = Path(f"/proc/{first}/task/{first}/children").read_text()
                    return int(children.split()[0])
            time.sleep(0.005)
        return None


class _Launch:
    """The command line and open files that make one sandbox."""

    def __init__(
        self, sandbox: Sandbox, status: int, lasting: ExitStack, inherited: ExitStack
    ) -> None:
        self._sandbox = sandbox
        self._status = status
        self._inherited = inherited
        self.descriptors = [status]
        self._workspace: Path | None = None
        if sandbox.layers:
            self._workspace = lasting.enter_context(Workspace(sandbox.scratch))
            _lay_out(self._workspace, sandbox)
        elif sandbox.root is None:
            raise ValueError("a sandbox needs a root or layers")

    def command(self, argv: Sequence[str]) -> list[str]:
        options = b"".join(
            option.encode(errors="surrogateescape") + b"\0" for option in self._options()
        )
        bwrap = [_find("bwrap"), "--args", str(self._memory("options", options)), "--", *argv]
        if self._workspace is None:
            return bwrap
        lower = ":".join(f"lower/{number}" for number in range(len(self._sandbox.layers)))
        return [
            *(_find("unshare"), "--user", "--map-root-user", "--mount", "/bin/sh", "-c", _MOUNT),
            *("sandbox", str(self._workspace), _find("mount")),
            *(f"lowerdir={lower},upperdir=upper,workdir=work", str(self._status)),
            *bwrap,
        ]

    def _options(self) -> Iterator[str]:
        sandbox = self._sandbox
        yield from ("--unshare-user", "--uid", str(sandbox.uid), "--gid", str(sandbox.gid))
        yield from ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "sandbox")
        yield from ("--die-with-parent", "--json-status-fd", str(self._status))
        if not sandbox.network:
            yield "--unshare-net"
        if self._workspace:
            yield from ("--bind", str(self._workspace / "root"), "/")
        else:
            yield from ("--ro-bind", str(sandbox.root), "/")
        yield from self._mount("--dev", "/dev")
        for device in sandbox.devices:
            yield from ("--dev-bind-try", str(device), str(device))
        yield from self._mount("--proc", "/proc")
        if not self._workspace and "/tmp" not in {bind.target for bind in sandbox.binds}:  # noqa: S108
            yield from self._mount("--tmpfs", "/tmp")  # noqa: S108
        for target in sandbox.tmpfs:
            yield from self._mount("--tmpfs", target)
        for bind in sandbox.binds:
            target = self._point(bind.target, folder=bind.source.is_dir())
            yield from ("--bind" if bind.writable else "--ro-bind", str(bind.source), target)
        if not self._workspace:
            for name, data in _network_files(sandbox.hosts):
                file = self._memory(name, data)
                target = self._point(f"/etc/{name}", folder=False)
                yield from ("--perms", "0644", "--ro-bind-data", str(file), target)
        yield "--clearenv"
        for name, value in sandbox.env.items():
            yield from ("--setenv", name, value)
        yield from ("--chdir", sandbox.cwd)

    def _mount(self, option: str, target: str) -> tuple[str, str]:
        return option, self._point(target, folder=True)

    def _point(self, target: str, *, folder: bool) -> str:
        """Where to mount: in a read-only root the place must be there beforehand."""
        root = self._sandbox.root
        if self._workspace or root is None:
            return target  # the overlay is writable: bubblewrap makes what is missing
        return _mount_point(root, target, folder=folder)

    def _memory(self, name: str, data: bytes) -> int:
        handle = os.memfd_create(name)
        self._inherited.callback(os.close, handle)
        os.write(handle, data)
        os.lseek(handle, 0, os.SEEK_SET)
        self.descriptors.append(handle)
        return handle


def _lay_out(workspace: Path, sandbox: Sandbox) -> None:
    """Make an overlay's folders.

    The layers get links with short names: mount options are limited to a page (256 bytes each
    with the newest mount program), and `:` or `,` in a path would end them.
    """
    for name in ("root", "upper", "work", "lower"):
        (workspace / name).mkdir()
    (workspace / "upper").chmod(0o755)
    for number, layer in enumerate(sandbox.layers):
        (workspace / "lower" / str(number)).symlink_to(layer.absolute())
    etc = workspace / "upper" / "etc"
    etc.mkdir()
    for name, data in _network_files(sandbox.hosts):
        (etc / name).write_bytes(data)
    tmp = workspace / "upper" / "tmp"
    tmp.mkdir()
    tmp.chmod(0o1777)


def _network_files(hosts: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    lines = ["127.0.0.1 localhost sandbox", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{address} {name}" for name, address in hosts.items()]
    yield "hosts", "".join(f"{line}\n" for line in lines).encode()
    try:
        yield "resolv.conf", Path("/etc/resolv.conf").read_bytes()
    except OSError:
        yield "resolv.conf", b""  # a host without name service


def _mount_point(root: Path, target: str, *, folder: bool) -> str:
    """Resolve `target` inside `root`, make it if missing, and say where it is inside.

    Links are followed as the sandboxed process would: an absolute one starts at `root`, so a
    mount point is never made outside.
    """
    todo = target.split("/")[::-1]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        path = root.joinpath(*done, part)
        if path.is_symlink():
            links += 1
            if links > 40:
                raise _bad_root(root, target, "too many links")
            link = str(path.readlink())
            if link.startswith("/"):
                done = []
            todo += link.split("/")[::-1]
            continue
        done.append(part)
        try:
            if not path.exists():
                if folder or any(rest not in ("", ".") for rest in todo):
                    path.mkdir()
                else:
                    path.touch()
        except OSError as error:
            raise _bad_root(root, target, str(error)) from error
    return "/" + "/".join(done)


def _find(program: str) -> str:
    for folder in (*os.get_exec_path(), "/usr/sbin", "/sbin"):
        path = f"{folder}/{program}"
        if os.access(path, os.X_OK):
            return path
    package = {"bwrap": "bubblewrap"}.get(program, "util-linux")
    raise PlatformFault(
        f"the program {program!r} is not installed",
        where=f"PATH={os.environ.get('PATH', '')}",
        remedy=f"apt-get install {package}\nor: dnf install {package}",
    )


def _probe() -> None:
    """Raise if this host does not let us make sandboxes at all."""
    command = [_find("bwrap"), "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/"]
    command += ["--proc", "/proc", "--dev", "/dev", "/bin/true"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise _namespace_fault(result.stderr)


def _namespace_fault(detail: str) -> PlatformFault:
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
        remedy="allow them: in a container, run it with"
        " --security-opt seccomp=unconfined --security-opt systempaths=unconfined",
        detail=detail,
    )


def _mount_fault(detail: str) -> PlatformFault:
    return PlatformFault(
        "the image's layers cannot be mounted as an overlay",
        where="mount -t overlay",
        remedy="use Linux 5.11 or newer, and set CNBKIT_HOME to a folder on ext4, xfs or btrfs"
        " (not NFS, not a container's own file system)",
        detail=detail,
    )


def _bad_root(root: Path, target: str, detail: str) -> PlatformFault:
    return PlatformFault(
        f"the root file system has no place for {target}",
        where=str(root),
        remedy="make that file or folder in it",
        detail=detail,
    )


@contextmanager
def _forwarding(process: Sandboxed) -> Iterator[None]:
    """While in the block, SIGINT and SIGTERM go to the sandboxed process.

    A second one of the same kind means it: the process is killed.
    """
    seen: set[int] = set()

    def forward(number: int, _: FrameType | None) -> None:
        if number in seen:
            process.process.kill()
        else:
            seen.add(number)
            process.send_signal(number)

    before: dict[int, Any] = {}
    with suppress(ValueError):  # only the main thread may; others are not sent signals
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, forward)
    try:
        yield
    finally:
        for changed, handler in before.items():
            signal.signal(changed, handler)
