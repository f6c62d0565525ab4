"""A builder as a folder: assembled buildpacks, their order, and what it sets for all of them.

<home.buildpacks>/<digest>/
  buildpacks/<id with _ for />/<version>/     what /cnb/buildpacks will be
  extensions/<id with _ for />/<version>/     what /cnb/extensions will be, if there are any
  order.toml                                  what /cnb/order.toml will be
  system.toml                                 what /cnb/system.toml will be, if there is one
  run.toml                                    what /cnb/run.toml will be, if it names run images
  build-config/env/<name>                     what /cnb/build-config will be
  settings.txt                                names of the variables that the buildpacks read
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit.log import Log
from cnbkit_engine.state.locks import made_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cnbkit_engine.buildpack.assemble import Runtime
    from cnbkit_engine.buildpack.dependency_cache import Libraries
    from cnbkit_engine.buildpack.locator import Part
    from cnbkit_engine.spec.builder import BuilderOrder, EnvSetting
    from cnbkit_engine.state.home import Home

__all__ = ["SYSTEM", "ensure_builder", "file_states", "variable_files"]

_LIBRARY = re.compile(r"""["'](\.\.?/[^"']+)["']""")
SYSTEM = "system.toml"
"""In the folder: the buildpacks before and after every group."""

# Of the folder, as described above; raised when that changes.
_LAYOUT = 6


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
        BuildpackFault: the order names what is not there, two buildpacks have one id and version,
            one is not what its entry says, or a buildpack cannot be assembled.
        PlatformFault: dependencies cannot be fetched, or the disk is full.
    """
    text = _read(descriptor)
    stamp = home.buildpacks / _stamp(descriptor.parent, text, runtime, root)

    def make(folder: Path) -> None:
        from cnbkit.spec.toml import encode
        from cnbkit_engine.builder.expected import refuse_another
        from cnbkit_engine.builder.extensions import assemble_extensions
        from cnbkit_engine.builder.run_images import FILE as RUN_IMAGES
        from cnbkit_engine.builder.run_images import run_images
        from cnbkit_engine.builder.settings import FILE, settings_named
        from cnbkit_engine.buildpack.bytecode import compile_bytecode
        from cnbkit_engine.buildpack.dependency_cache import Libraries
        from cnbkit_engine.buildpack.locator import Finder, fetched
        from cnbkit_engine.buildpack.order import system_with_versions, with_versions
        from cnbkit_engine.spec.builder import BuilderDescriptor
        from cnbkit_engine.state.workspace import Workspace

        builder = BuilderDescriptor.loads(text, name=descriptor.name, where=str(descriptor))
        with Workspace(home.tmp) as space:
            finder = Finder(space, runtime.arch, lambda name, to: fetched(name, to, runtime.arch))
            sources: list[Part] = []
            for each in builder.buildpacks:
                parts = finder.find(each.uri, each.image, descriptor)
                for main in parts[:1]:  # the others are what it brings
                    refuse_another(each, main.id, main.version, descriptor)
                sources += parts
            _refuse_clashes(sources, descriptor)
            there = [(source.id, source.version) for source in sources]
            order = with_versions(builder.order, there, descriptor)
            system = builder.system and system_with_versions(builder.system, there, descriptor)
            progress(f"Assembling {Log.counted(len(sources), 'buildpack')} ...")
            libraries = Libraries(home, runtime, root)
            ours = _assemble_all(folder, sources, runtime, libraries, space)
        before = assemble_extensions(home, builder, descriptor, folder, runtime, root)
        _write_order(order, before, folder)
        if system:
            text_of = encode({"system": system.to_plain()})
            (folder / SYSTEM).write_text(text_of, encoding="utf-8")
        if runs := run_images(builder):
            (folder / RUN_IMAGES).write_text(encode({"images": runs}), encoding="utf-8")
        names = settings_named(folder / "buildpacks")
        (folder / FILE).write_text("".join(f"{name}\n" for name in names), encoding="ascii")
        (folder / "build-config" / "env").mkdir(parents=True)
        for name, value in variable_files(builder.build.env if builder.build else []):
            (folder / "build-config" / "env" / name).write_text(value, encoding="utf-8")
        if ours:
            compiled = [place for place in ours if libraries.compiled(place)]
            compile_bytecode(home, root, folder / "buildpacks", ours, with_libraries=compiled)
            libraries.keep(folder / "buildpacks")

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


def _stamp(parent: Path, text: bytes, runtime: Runtime, root: Path) -> str:
    """A digest that changes with anything the folder is made of.

    Names, sizes and times stand for contents: this is asked at every build, and reading and
    hashing a few hundred files would take longer than the rest of the engine's start.
    """
    from cnbkit_engine.buildpack.assemble import source_roots

    made_for = f"{_LAYOUT} {runtime.python} {runtime.version} {runtime.arch} {root}"
    total = hashlib.sha256(made_for.encode())
    total.update(text)
    for path in [*source_roots(), *_folders(parent, text)]:
        for line in sorted(file_states(str(path))):
            total.update(line.encode(errors="surrogateescape"))
    return total.hexdigest()[:32]


def _folders(parent: Path, text: bytes) -> list[Path]:
    """The buildpacks' folders and their libraries', found without a TOML parser.

    Every `uri = "…"` line names one, and in a descriptor every text that begins with `../`.
    """
    pairs = (line.partition("=") for line in text.decode(errors="replace").splitlines())
    uris = [value.strip().strip("\"'") for name, _, value in pairs if name.strip() == "uri"]
    found = []
    for uri in uris:
        folder = parent / uri
        found.append(folder)
        for name in ("buildpack.toml", "extension.toml"):
            try:
                told = (folder / name).read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            found += [folder / library for library in _LIBRARY.findall(told)]
    return list(dict.fromkeys(found))


def file_states(path: str) -> list[str]:
    """Name, size, time and mode of each file below a folder: what stands for its contents."""
    try:
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            return [f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_mode}\n"]
        names = [name for name in os.listdir(path) if not name.startswith((".", "__pycache__"))]
    except OSError as error:
        return [f"{path}\0{error.errno}\n"]
    return [line for name in names for line in file_states(f"{path}/{name}")]


def variable_files(settings: Sequence[EnvSetting]) -> Iterator[tuple[str, str]]:
    """Name and content of each file of `build-config/env` (platform.md, operator's variables)."""
    for each in settings:
        yield f"{each.name}.{each.suffix}" if each.suffix else each.name, each.value
        if each.delim:
            yield f"{each.name}.delim", each.delim


def _refuse_clashes(sources: Sequence[Part], descriptor: Path) -> None:
    """One version of a buildpack is one buildpack: which of two would run is nobody's to guess."""
    by_name: dict[str, list[Part]] = {}
    for source in sources:
        by_name.setdefault(f"{source.id}@{source.version}", []).append(source)
    clashes = [
        name
        for name, parts in by_name.items()
        if len(parts) > 1 and len({_content(part.directory) for part in parts}) > 1
    ]
    if clashes:
        raise BuildpackFault(
            "the builder names two different buildpacks by one id and version",
            where=str(descriptor),
            remedy="remove one of the two, or give it another version",
            detail="\n".join(clashes),
        )


def _content(folder: Path) -> str:
    """A digest of the files in a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            data = path.read_bytes()
            total.update(f"{path.relative_to(folder)}\0{len(data)}\0".encode())
            total.update(data)
    return total.hexdigest()


def _assemble_all(
    folder: Path, sources: list[Part], runtime: Runtime, libraries: Libraries, unpacked: Path
) -> list[str]:
    """Lay out every buildpack; where below `buildpacks/` those written on cnbkit are.

    What came in packages, and lies in the folder `unpacked`, is linked and not copied.
    """
    from cnbkit_engine.buildpack.foreign import ForeignBuildpack
    from cnbkit_engine.buildpack.locator import lay_out
    from cnbkit_engine.buildpack.source import BuildpackSource

    ours = []
    for source in {(each.id, each.version): each for each in sources}.values():
        place = f"{source.id.replace('/', '_')}/{source.version}"
        if isinstance(source, ForeignBuildpack) and source.directory.is_relative_to(unpacked):
            libraries.lay_out_package(source, folder / "buildpacks" / place)
            continue
        library = libraries.find(source, place) if isinstance(source, BuildpackSource) else None
        if lay_out(source, folder / "buildpacks" / place, runtime, library=library):
            ours.append(place)
    return ours


def _write_order(order: list[BuilderOrder], extensions: list[dict[str, Any]], folder: Path) -> None:
    from cnbkit.spec.toml import encode
    from cnbkit_engine.buildpack.module import order_label

    document = {"order": order_label([each.to_plain() for each in order])}
    if extensions:
        document["order-extensions"] = extensions
    (folder / "order.toml").write_text(encode(document), encoding="utf-8")
