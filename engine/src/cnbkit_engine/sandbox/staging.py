"""Starts a program of root as another user, who is shown files that user could not reach.

CNBKIT_HOME usually lies below /root, which nobody else may enter. So its parts are mounted below
one folder that everybody may, in a mount namespace that only the program is in. A thread makes it:
of all namespaces this kind can be a single thread's, and then its children have it too.
"""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from cnbkit_engine.sandbox.host import stage_fault
from cnbkit_engine.sandbox.owner_shift import mount_shifted, shift_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from cnbkit_engine.sandbox.owner import HostUser

__all__ = ["STAGE", "Stage"]

STAGE = "/tmp"  # noqa: S108  covered by an empty folder in that namespace alone
"""Where sources are shown: below it, by their number."""

_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_SLAVE = 2, 4, 1 << 12, 1 << 14, 1 << 19


class Stage:
    """For one program; to be left when that has ended.

    Args:
        user: whom the program runs as.
        sources: files and folders to show below `STAGE`, as 0, 1, 2, …
        shifted: those of them whose owners stay as they are: root's files are shown as the user's,
            read-only, where the file system can do that.
        device: a device of the host that the user may use; its own mode stays as it is.
    """

    def __init__(
        self,
        user: HostUser,
        sources: Sequence[Path],
        shifted: Collection[Path] = (),
        device: Path | None = None,
    ) -> None:
        self._shifted = shifted
        self._device = device
        self._user = user
        self._sources = sources
        self._started = threading.Event()
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def popen(
        self, command: Sequence[str], groups: Sequence[int], options: dict[str, Any]
    ) -> subprocess.Popen[bytes]:
        """Start the program.

        Args:
            command: what to start.
            groups: it is a member of these, besides the user's own.
            options: more for `subprocess.Popen`.

        Raises:
            PlatformFault: this root may not mount.
        """
        # It stays as long as the program: those that ask to be killed with their parent are
        # killed with the thread that started them.
        self._thread = threading.Thread(
            target=self._run, args=(command, groups, options), name="stage", daemon=True
        )
        self._thread.start()
        self._started.wait()
        if self._error:
            raise self._error
        assert self._process
        return self._process

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _run(self, command: Sequence[str], groups: Sequence[int], options: dict[str, Any]) -> None:
        try:
            self._show()
            self._process = subprocess.Popen(
                command,
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=groups,
                cwd="/",
                **options,
            )
        except BaseException as error:
            self._error = error
        finally:
            self._started.set()
        self._over.wait()

    def _show(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            _check(libc.unshare(_CLONE_NEWNS | _CLONE_FS))
            _mount(libc, None, "/", None, _MS_REC | _MS_SLAVE)
            with ExitStack() as opened:
                handles = []
                for source in self._sources:
                    handle = os.open(source, os.O_PATH | os.O_CLOEXEC)
                    opened.callback(os.close, handle)
                    handles.append((handle, source.is_dir()))
                _mount(libc, "tmpfs", STAGE, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=4m")
                shift = None
                if self._shifted:
                    with suppress(OSError):
                        shift = opened.enter_context(shift_of(self._user))
                if self._device:
                    self._lend(libc, self._device)
                for number, (handle, folder) in enumerate(handles):
                    place = f"{STAGE}/{number}"
                    if folder:
                        os.mkdir(place, 0o755)
                    else:
                        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
                    path = f"/proc/self/fd/{handle}"
                    if shift is not None and self._sources[number] in self._shifted:
                        with suppress(OSError):  # else with its owners, who may let others read
                            mount_shifted(path, place, shift)
                            continue
                    _mount(libc, path, place, None, _MS_BIND | _MS_REC)
        except PermissionError as error:
            raise stage_fault(str(error)) from error

    def _lend(self, libc: ctypes.CDLL, device: Path) -> None:
        """Another node of the device, over its own one in this mount namespace."""
        place = f"{STAGE}/devices"
        os.mkdir(place, 0o755)
        _mount(libc, "tmpfs", place, "tmpfs", _MS_NOSUID, "mode=755,size=4k")
        node = f"{place}/{device.name}"
        os.mknod(node, stat.S_IFCHR | 0o600, device.stat().st_rdev)
        os.chown(node, self._user.uid, self._user.gid)
        _mount(libc, node, str(device), None, _MS_BIND)


def _mount(
    libc: ctypes.CDLL,
    source: str | None,
    target: str,
    kind: str | None,
    flags: int,
    data: str | None = None,
) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    _check(libc.mount(*words[:3], ctypes.c_ulong(flags), words[3]), target)


def _check(result: int, path: str | None = None) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
