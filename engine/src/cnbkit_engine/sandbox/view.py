"""What a sandboxed process will see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Bind", "NetworkNamespace", "Port", "View"]


@dataclass(frozen=True)
class Port:
    """A port of a private network that can be reached from outside.

    Args:
        inside: its number there.
        outside: its number on this machine.
        address: of this machine, on which it can be reached.
    """

    inside: int
    outside: int
    address: str = "0.0.0.0"  # noqa: S104 - as container engines do


@dataclass(frozen=True)
class NetworkNamespace:
    """A network namespace that is there already; see `network.private_network`.

    Args:
        holder: a process in it.
        resolver: address of the name server in it.
        ready: waits until it is connected; raises a fault if it is not going to be.
    """

    holder: int
    resolver: str
    ready: Callable[[], None]


@dataclass(frozen=True)
class Bind:
    """A file or folder of the host shown inside.

    Args:
        source: on the host.
        target: absolute path inside.
        writable: whether the process may change it.
        given: it is cnbkit's own, below the folder that `View.scratch` is in: root gives it, with
            all in it, to the user that the process runs as (`giving`). What is not keeps its
            owners; for root's sandboxes, root's files are readable in it where the file system can
            show them as that user's, and written as others may.
    """

    source: Path
    target: str
    writable: bool = False
    given: bool = False


@dataclass(frozen=True)
class View:
    """What a process will see. Give either `root` or `layers`.

    Args:
        scratch: where temporary folders are made; on a disk file system (for an overlay's top).
            What is kept for the next sandbox goes beside it, to `tools`. Root, layers and what is
            given are below the folder it is in.
        root: a folder to be the root, read-only. Mount points it lacks are made in it.
        layers: folders to be stacked as the root, topmost first; writes are kept apart from them
            and thrown away at the end.
        closed: whether the root itself and /etc belong to somebody else than the process, as its
            layers say of what they hold.
        terminal: whether the terminal that it gets as its input controls it, and no other process.
        read_only: whether nothing may be written but in `tmpfs` and writable binds.
        uid: user id inside; outside it is the caller's, and for root an unprivileged one
            (`owner.sandbox_user`). Root and layers are given to that one.
        gid: group id inside.
        binds: host files and folders shown inside, later ones over earlier ones.
        tmpfs: empty folders in memory, absolute paths.
        devices: host devices shown inside if they exist.
        env: the environment, complete. Only PWD is added, from `cwd`.
        cwd: where the process starts.
        network: whether it shares the host's network; otherwise it has none.
        namespace: the network it has instead of the host's, if it has any.
        hosts: addresses of host names, for /etc/hosts.
        superuser: a process in a user namespace with many ids (`superuser`), whose root this is.
        writable: whether the root folder may be changed; it is not given then.
        processes: how many processes and threads it may have at once, from `Sandboxed.limit` on;
            no limit if 0.
    """

    scratch: Path
    root: Path | None = None
    layers: tuple[Path, ...] = ()
    closed: bool = False
    read_only: bool = False
    terminal: bool = False
    uid: int = 1000
    gid: int = 1000
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[str, ...] = ()
    devices: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    network: bool = True
    namespace: NetworkNamespace | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    superuser: int | None = None
    writable: bool = False
    processes: int = 0
