"""A builder as a folder: assembled buildpacks and their order.

<home.buildpacks>/<digest>/
  buildpacks/<id with _ for />/<version>/     what /cnb/buildpacks will be
  order.toml                                  what /cnb/order.toml will be
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit.platform.once import made_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit.contract.builder import BuilderDescriptor
    from cnbkit.package.assemble import Runtime
    from cnbkit.package.source import BuildpackSource
    from cnbkit.platform.home import Home

__all__ = ["ensure_builder"]


def ensure_builder(
    home: Home,
    descriptor: Path,
    runtime: Runtime,
    root: Path,
    progress: Callable[[str], None] = lambda _line: None,
) -> Path:
    """The folder for a builder.toml, assembled when a source of it has changed.

    Args:
        home: it goes to `home.buildpacks`.
        descriptor: path of builder.toml.
        runtime: the Python in the build root.
        root: the build root; its Python compiles the bytecode, so that every start is spared it.
        progress: told, a sentence each, when something long begins and ends.

    Raises:
        InvalidDocument: builder.toml or a buildpack.toml is wrong.
        BuildpackFault: the order names what is not there, or a buildpack cannot be assembled.
        PlatformFault: dependencies cannot be fetched, or the disk is full.
    """
    stamp = home.buildpacks / f"{_stamp(descriptor, runtime, root)}"

    def make(folder: Path) -> None:
        from cnbkit.contract.builder import BuilderDescriptor
        from cnbkit.package.source import BuildpackSource

        builder = BuilderDescriptor.loads(
            _read(descriptor), name=descriptor.name, where=str(descriptor)
        )
        sources = [
            BuildpackSource((descriptor.parent / each.uri).resolve()) for each in builder.buildpacks
        ]
        _check_order(builder, sources, descriptor)
        progress(f"Assembling {len(sources)} buildpacks ...")
        _assemble_all(folder, sources, runtime)
        _write_order(builder, folder)
        _compile(home, root, folder)

    return made_once(stamp, make)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlatformFault(
            f"cannot read the builder: {error.strerror}",
            where=str(path),
            remedy="name a builder.toml",
        ) from None


def _stamp(descriptor: Path, runtime: Runtime, root: Path) -> str:
    """A digest that changes with anything the folder is made of.

    Names, sizes and times stand for contents: this is asked at every build, and reading and
    hashing a few hundred files would take longer than the rest of the engine's start.
    """
    from cnbkit.package.assemble import source_roots

    total = hashlib.sha256(f"{runtime.python} {runtime.version} {runtime.arch} {root}".encode())
    total.update(_read(descriptor))
    for path in [*source_roots(), *_folders(descriptor)]:
        for line in sorted(_states(str(path))):
            total.update(line.encode(errors="surrogateescape"))
    return total.hexdigest()[:32]


def _folders(descriptor: Path) -> list[Path]:
    """The buildpacks' folders, found without a TOML parser: every `uri = "…"` line."""
    lines = _read(descriptor).decode(errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines)
    uris = [value.strip().strip("\"'") for name, _, value in pairs if name.strip() == "uri"]
    return [descriptor.parent / uri for uri in uris]


def _states(path: str) -> list[str]:
    try:
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            return [f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n"]
        names = [name for name in os.listdir(path) if not name.startswith((".", "__pycache__"))]
    except OSError as error:
        return [f"{path}\0{error.errno}\n"]
    return [line for name in names for line in _states(f"{path}/{name}")]


def _check_order(
    builder: BuilderDescriptor, sources: list[BuildpackSource], descriptor: Path
) -> None:
    there = {(source.id, source.version) for source in sources}
    for number, order in enumerate(builder.order, 1):
        for entry in order.group:
            if (entry.id, entry.version) not in there:
                names = ", ".join("@".join(pair) for pair in sorted(there))
                raise BuildpackFault(
                    f"group {number} names {entry.id}@{entry.version}, which no buildpack is",
                    where=str(descriptor),
                    remedy=f"add the buildpack, or use one of: {names}",
                )


def _assemble_all(folder: Path, sources: list[BuildpackSource], runtime: Runtime) -> None:
    from cnbkit.package.assemble import assemble

    for source in sources:
        target = folder / "buildpacks" / source.id.replace("/", "_") / source.version
        target.parent.mkdir(parents=True, exist_ok=True)
        assemble(source, target, runtime)


def _write_order(builder: BuilderDescriptor, folder: Path) -> None:
    from cnbkit.contract.document import encode

    order = [each.to_plain() for each in builder.order]
    (folder / "order.toml").write_text(encode({"order": order}), encoding="utf-8")


def _compile(home: Home, root: Path, folder: Path) -> None:
    """Compile bytecode with the build root's Python, valid whatever the files' times say."""
    import subprocess

    from cnbkit.platform.sandbox import Bind, Sandbox

    sandbox = Sandbox(
        home.tmp,
        root=root,
        binds=(Bind(folder / "buildpacks", "/cnb/buildpacks", writable=True),),
        env={"PATH": "/usr/bin:/bin"},
        network=False,
    )
    command = ["/usr/bin/python3", "-I", "-m", "compileall", "-q", "-j", "0"]
    options = ["--invalidation-mode", "unchecked-hash", "/cnb/buildpacks"]
    with sandbox.popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        output = run.process.stdout.read() if run.process.stdout else b""
        if run.wait():
            raise BuildpackFault(
                "the buildpacks' code cannot be compiled by the build image's Python",
                where=str(folder),
                remedy="mend the syntax named below; the build image has Python 3.11",
                detail=output.decode(errors="replace").rstrip(),
            )
