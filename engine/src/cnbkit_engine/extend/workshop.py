"""A root file system that is being changed, by its own root, in a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.network import connected, cut_off, hindrance
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox
from cnbkit_engine.sandbox.superuser import held_range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

__all__ = ["Workshop"]

_HELPER = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
_PIECE = 1 << 20


class Target(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


class Workshop:
    """For a `with` block.

    Args:
        scratch: see `View`.
        tools: the build image as a folder: its Python does what is done to the root.
        root: the folder that becomes a root file system; empty, and cnbkit's own.
        network: `host`, `none`, `private` or empty, as for builds.
    """

    def __init__(
        self,
        scratch: Path,
        tools: Path,
        root: Path,
        network: str,
    ) -> None:
        self._scratch = scratch
        self._tools = tools
        self._root = root
        self._network = network
        self._stack = ExitStack()
        self._noted = b""

    def __enter__(self) -> Workshop:
        with ExitStack() as stack:
            # What the build has, which has said why if it is not a network of its own.
            mode = "none" if self._network != "host" and cut_off() else self._network
            own = mode == "private" or (not mode and not hindrance(os.environ))
            holder = stack.enter_context(held_range(network=own))
            namespace = stack.enter_context(connected(holder)) if own else None
            self._plain = Sandbox(
                self._scratch,
                root=self._tools,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
                network=mode != "none",
                namespace=namespace,
                superuser=holder,
            )
            self._stack = stack.pop_all()
        user = sandbox_user()
        if user:
            os.chown(self._root, user.uid, user.gid)
        self._root.chmod(0o755)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if error is not None:
                with suppress(PlatformFault):
                    self.empty()

    def add(self, layer: IO[bytes]) -> None:
        """Unpack a tar over what is there."""
        self._help("unpack", source=layer)

    def note(self) -> None:
        """Remember how everything is now."""
        self._noted = self._help("note")

    def changes(self, target: Target) -> None:
        """Write what has changed since `note`, as a layer's tar."""
        self._help("changes", data=self._noted, target=target)

    def lend(self, files: IO[bytes]) -> bytes:
        """Put files of a tar where nothing is; returns what `take_back` needs."""
        return self._help("lend", source=files)

    def take_back(self, lent: bytes) -> None:
        """Remove what was lent and is as it was."""
        self._help("take-back", data=lent)

    def user(self, name: str) -> tuple[int, int, str]:
        """Uid, gid and home of a user of the root file system; -1 for who is not in it."""
        uid, gid, home = json.loads(self._help("user", name))
        return uid, gid, home

    def folder(self, path: str) -> None:
        """Make a folder."""
        self._help("folder", path)

    def copy(self, files: IO[bytes], name: str, owner: str, mode: str) -> None:
        """Put files of a tar at their paths.

        Args:
            files: the tar.
            name: of a file whose path is that of a folder, in which it is put.
            owner: `uid:gid`.
            mode: in octal digits, of all files; empty for their own.
        """
        self._help("copy", name, owner, mode, source=files)

    def empty(self) -> None:
        """Remove all files: an ordinary user may not remove those of the other ids."""
        self._help("empty")

    def one_owner(self) -> None:
        """Make a root to build in of it."""
        self._help("one-owner")

    def run(
        self, command: Sequence[str], env: Mapping[str, str], cwd: str, line: Callable[[str], None]
    ) -> int:
        """Run a command in it, as its root; returns the exit status."""
        sandbox = replace(self._plain, root=self._root, writable=True, env=dict(env), cwd=cwd)
        with sandbox.popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.process.stdout
            for raw in process.process.stdout:
                line(raw.decode(errors="replace").rstrip("\n"))
            return process.wait()

    def _help(
        self,
        *arguments: str,
        source: IO[bytes] | None = None,
        data: bytes = b"",
        target: Target | None = None,
    ) -> bytes:
        sandbox = replace(
            self._plain,
            network=False,
            namespace=None,
            binds=(Bind(self._root, "/mnt", writable=True),),
        )
        errors: list[bytes] = []
        answer: list[bytes] = []
        with sandbox.popen(
            ["/usr/bin/python3", "-I", "-S", "-c", _HELPER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            inner: subprocess.Popen[Any] = process.process
            assert inner.stdin
            assert inner.stdout
            assert inner.stderr
            out, err = inner.stdout, inner.stderr

            def listen() -> None:
                while piece := out.read(_PIECE):
                    if target is not None:
                        target.write(piece)
                    else:
                        answer.append(piece)

            threads = [
                threading.Thread(target=listen, daemon=True),
                threading.Thread(target=lambda: errors.append(err.read()), daemon=True),
            ]
            for thread in threads:
                thread.start()
            try:
                if source is not None:
                    while piece := source.read(_PIECE):
                        inner.stdin.write(piece)
                else:
                    inner.stdin.write(data)
                inner.stdin.close()
            except BrokenPipeError:
                pass  # it says why
            for thread in threads:
                thread.join()
            code = process.wait()
        if code:
            raise PlatformFault(
                "a root file system cannot be made ready for image extensions",
                where=arguments[0],
                remedy="see below; build again with --verbose",
                detail=b"".join(errors).decode(errors="replace")[-2000:],
            )
        return b"".join(answer)
