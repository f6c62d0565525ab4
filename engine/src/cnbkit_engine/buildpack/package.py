"""A buildpack's folder → its package, for each target: a .cnb file, or an image in a registry."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.buildpack.architectures import architectures_of
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.buildpack.bytecode import compile_bytecode
from cnbkit_engine.buildpack.composite import Composite, is_composite
from cnbkit_engine.buildpack.foreign import ForeignBuildpack, is_foreign
from cnbkit_engine.buildpack.image import check_members, write_package
from cnbkit_engine.buildpack.locator import Finder, fetched, lay_out
from cnbkit_engine.buildpack.members import dependencies, members
from cnbkit_engine.buildpack.module import Module
from cnbkit_engine.buildpack.python_runtime import (
    SYSTEM_PYTHON,
    compile_for,
    find_standalone,
    tell_start,
)
from cnbkit_engine.buildpack.source import BuildpackSource
from cnbkit_engine.buildpack.standalone import FOLDER
from cnbkit_engine.oci.archive import write_archive
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.buildpack.locator import Part
    from cnbkit_engine.buildpack.standalone import StandalonePython
    from cnbkit_engine.state.home import Home

__all__ = ["Package"]


@dataclass(frozen=True)
class Package:
    """What to package, and how.

    Args:
        directory: a component, an image extension or a composite.
        root: gives the build image's root file system, in which bytecode is compiled.
        version: of the Python in it.
        also: roots of further build images whose Pythons are to run it, by their versions.
        further: versions of Python that are to run it, too, and of which no build image is at
            hand: there are compiled dependencies for them, and no bytecode.
        targets: architectures; the descriptor's if empty.
        flatten: one layer for all buildpacks of a composite.
        offline: put in what descriptors list as dependencies, so that builds need no network.
        runtimes: `ADDRESS#sha256=…` of relocatable Pythons to put inside, one for each target;
            if there are none, the build image's own Python runs the buildpacks.
        insecure: registries to speak plain HTTP to.
        show: told, a sentence each, what was made.
    """

    directory: Path
    root: Callable[[], Path]
    version: str = SYSTEM_PYTHON
    also: Mapping[str, Callable[[], Path]] = field(default_factory=dict)
    further: Sequence[str] = ()
    targets: Sequence[str] = ()
    flatten: bool = False
    offline: bool = False
    runtimes: Sequence[str] = ()
    insecure: Sequence[str] = ()
    show: Callable[[str], None] = field(default=print)

    def save(self, home: Home, file: Path, *, together: bool = False) -> list[Path]:
        """Write `.cnb` files; of several targets, one each, named after it, as pack does.

        Args:
            home: where to work.
            file: the file.
            together: one file for all targets, with an index of them; pack does not read it.

        Returns:
            the files.

        Raises:
            BuildpackFault, InvalidDocument: a buildpack, composite or builder.toml is wrong.
            UserFault: an archive is not what it should be.
            PlatformFault: something cannot be fetched, or the disk refuses.
        """
        with Workspace(home.tmp) as space:
            made = self._make(home, space, shared=together)
            written = []
            if together and len(made) > 1:
                shared = made[0][1]
                made = [("", shared, shared.index([each[2] for each in made]))]
            try:
                for arch, layout, descriptor in made:
                    layout.finish(descriptor)
                    name = file.name if len(made) == 1 else f"{file.stem}-linux-{arch}{file.suffix}"
                    written.append(file.with_name(name))
                    file.parent.mkdir(parents=True, exist_ok=True)
                    write_archive(layout.path, written[-1])
            except OSError as error:
                raise PlatformFault(
                    "the package cannot be written",
                    where=str(file),
                    remedy="name a file in a folder that is writable and has space",
                    detail=str(error),
                ) from None
        return written

    def publish(self, home: Home, name: str) -> str:
        """Push it; of several targets an index. Returns `name@digest`.

        Raises:
            BuildpackFault, UserFault, PlatformFault: as `save`; and the registry cannot be
                reached or refuses. The name then stands for what it stood for before.
        """
        from cnbkit_engine.oci.remote import Remote

        remote = Remote(name, insecure=self.insecure)
        with Workspace(home.tmp) as space:
            made = self._make(home, space, shared=True)
            layout = made[0][1]
            image = made[0][2] if len(made) == 1 else layout.index([each[2] for each in made])
            layout.finish(image)
            digest = remote.push(layout.path, Descriptor.parse(image))
        repository = remote.repository
        return f"{repository}@{digest}"

    def _make(
        self, home: Home, space: Path, *, shared: bool
    ) -> list[tuple[str, Layout, dict[str, Any]]]:
        standalone = find_standalone(home, self.runtimes, space, self.root, self.show)
        made = []
        for arch in self._architectures(standalone):
            layout = Layout(space / ("layout" if shared else f"layout-{arch}"))
            modules = self._modules(home, space / arch, arch, standalone)
            descriptor = write_package(layout, modules, arch, flatten=self.flatten)
            size = _size(layout, descriptor)
            self.show(f"{modules[0].identity} for linux/{arch}: {size / 1e6:.1f} MB")
            made.append((arch, layout, descriptor))
        return made

    def _modules(
        self, home: Home, space: Path, arch: str, standalone: Mapping[str, StandalonePython]
    ) -> list[Module]:
        """The buildpacks of one package, laid out; the one it is named for first."""
        finder = Finder(space / "found", arch, lambda name, to: fetched(name, to, arch))
        folder = space / "buildpacks"
        if not is_composite(self.directory):
            parts: list[Part] = [_part(self.directory)]
            main = None
        else:
            composite = Composite(self.directory)
            parts, order = members(composite, finder)
            main = space / "main"
            composite.write(main, order)
        parts = list({(part.id, part.version): part for part in parts}.values())
        python = standalone.get(arch)
        version = python.version if python else self.version
        further = [each for each in self.further if each not in (version, *self.also)]
        also = () if python else (*self.also, *further)
        home_of_python = next((_place(part) for part in parts if not _foreign(part)), "")
        ours, modules = [], []
        for part in parts:
            place = _place(part)
            inside = f"{FOLDER}/bin/python3"
            program = inside if place == home_of_python else f"../../{home_of_python}/{inside}"
            runtime = Runtime(program if python else "/usr/bin/python3", version, arch, also)
            if lay_out(part, folder / place, runtime, offline=self.offline):
                ours.append(place)
            if python and place == home_of_python:
                python.copy(folder / place)
        if ours:
            compile_for(home, self.root, folder, ours, standalone, version, self.version)
            for other in () if python else self.also:
                compile_bytecode(home, self.also[other](), folder, ours)
        modules = [Module(folder / _place(part)) for part in parts]
        if python and ours:
            tell_start(home, self.root(), folder, home_of_python, python, self.show)
        if main:
            modules.insert(0, Module(main))
            check_members(modules)
        return modules

    def _architectures(self, standalone: Mapping[str, StandalonePython]) -> list[str]:
        wanted = list(dict.fromkeys(self.targets)) or self._declared()
        missing = [arch for arch in wanted if arch not in standalone]
        if standalone and missing:
            if not self.targets:  # nobody asked for these
                return [arch for arch in wanted if arch in standalone]
            raise UserFault(
                f"there is no Python for linux/{missing[0]}",
                where="--runtime",
                remedy="give an archive for each target",
            )
        return wanted

    def _declared(self) -> list[str]:
        """What the descriptors say; where they say nothing, linux/amd64, as pack takes it."""
        if not is_composite(self.directory):
            return architectures_of([_part(self.directory)])
        composite = Composite(self.directory)
        if composite.targets:
            found = [str(each.get("arch", "amd64")) for each in composite.targets]
            return list(dict.fromkeys(found))
        folders = [
            (composite.descriptor.parent / uri).resolve() for uri, _ in dependencies(composite)
        ]
        return architectures_of([_part(folder) for folder in folders if folder.is_dir()])


def _part(directory: Path) -> Part:
    return ForeignBuildpack(directory) if is_foreign(directory) else BuildpackSource(directory)


def _foreign(part: Part) -> bool:
    return isinstance(part, ForeignBuildpack)


def _place(part: Part) -> str:
    return f"{part.id.replace('/', '_')}/{part.version}"


def _size(layout: Layout, manifest: Mapping[str, Any]) -> int:
    digest = manifest["digest"].removeprefix("sha256:")
    document = json.loads((layout.path / "blobs" / "sha256" / digest).read_bytes())
    return sum(layer["size"] for layer in document["layers"])
