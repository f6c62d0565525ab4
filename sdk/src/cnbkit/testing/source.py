"""Buildpacks as tests name them: a class, or the folder of any buildpack."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.buildpack import Buildpack
from cnbkit.declared import check_class
from cnbkit.errors import BuildpackFault
from cnbkit.results import BuildResult
from cnbkit.spec.build_plan import Alternative, BuildPlan, Plan
from cnbkit.spec.buildpack import BuildpackDescriptor, ExtensionDescriptor, library_folders

if TYPE_CHECKING:
    from typing import TypeAlias

    from cnbkit.context import BuildContext, DetectContext
    from cnbkit.results import DetectResult
    from cnbkit.spec.buildpack import BuildpackInfo, ExtensionInfo

    Named: TypeAlias = "type[Buildpack] | Buildpack | Path | str"

__all__ = ["Program", "Source"]

_DESCRIPTOR = """api = "0.10"
[{kind}]
id = "test/{name}"
version = "0.0.0"
name = "{name}"
"""


@dataclass(frozen=True)
class Source:
    """A buildpack or image extension, and its folder.

    Args:
        buildpack: what runs.
        folder: where its buildpack.toml or extension.toml is.
        descriptor: what that says.
    """

    buildpack: Buildpack
    folder: Path
    descriptor: BuildpackDescriptor | ExtensionDescriptor

    @classmethod
    def of(cls, named: Named, scratch: Path) -> Source:
        """Find out what a test means.

        Args:
            named: a class or an instance; its buildpack.toml or extension.toml is looked for
                beside its module and in the two folders above. Or a folder, whose
                descriptor names a class, or which has programs in any language.
            scratch: where to write a descriptor for a class that has none.
        """
        if isinstance(named, str | Path):
            folder = Path(named).resolve()
            buildpack = _from_folder(folder)
        else:
            buildpack = named() if isinstance(named, type) else named
            folder = _folder(type(buildpack), scratch)
        check_class(type(buildpack))
        path = _toml(folder)
        assert path is not None
        kind = BuildpackDescriptor if path.name == "buildpack.toml" else ExtensionDescriptor
        return cls(
            buildpack, folder, kind.loads(path.read_bytes(), name=path.name, where=str(path))
        )

    @property
    def extension(self) -> bool:
        """Whether it is an image extension, which generates instead of building."""
        return isinstance(self.descriptor, ExtensionDescriptor)

    @property
    def info(self) -> BuildpackInfo | ExtensionInfo:
        """The `[buildpack]` or `[extension]` table."""
        if isinstance(self.descriptor, ExtensionDescriptor):
            return self.descriptor.extension
        return self.descriptor.buildpack


class Program(Buildpack):
    """A buildpack that is programs: its bin/detect and bin/build are run as they are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Run bin/detect."""
        plan = Path(ctx.env["CNB_BUILD_PLAN_PATH"])
        code = self._run("detect", ctx.env["CNB_PLATFORM_DIR"], str(plan))
        if code == 100:
            return ctx.skip("bin/detect says so")
        self._check("detect", code)
        document = BuildPlan.loads(plan.read_bytes(), name="build plan")
        if not (document.provides or document.requires or document.alternatives):
            return ctx.join("bin/detect says so")
        first = Alternative(provides=document.provides, requires=document.requires)
        return ctx.join("bin/detect says so", Plan([first, *document.alternatives]))

    def build(self, ctx: BuildContext) -> BuildResult:
        """Run bin/build; what it wrote stays as it is."""
        names = ("CNB_LAYERS_DIR", "CNB_PLATFORM_DIR", "CNB_BP_PLAN_PATH")
        self._check("build", self._run("build", *(ctx.env[name] for name in names)))
        return BuildResult()

    def _run(self, program: str, *arguments: str) -> int:
        # Environment and working directory are this process's: the harness has set them.
        done = subprocess.run(
            [str(self._folder / "bin" / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        sys.stdout.write(done.stdout)
        return done.returncode

    def _check(self, program: str, code: int) -> None:
        if code:
            raise BuildpackFault(
                f"bin/{program} ended with exit status {code}",
                where=str(self._folder / "bin" / program),
                remedy="see what it printed",
            )


def _from_folder(folder: Path) -> Buildpack:
    path = _toml(folder)
    if path is None:
        raise BuildpackFault(
            "there is neither buildpack.toml nor extension.toml",
            where=str(folder),
            remedy="name a folder that holds a buildpack",
        )
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    entry = table.get("metadata", {}).get("cnbkit", {}).get("entry", "")
    if not entry:
        return Program(folder)
    module, _, attribute = entry.partition(":")
    libraries = library_folders(table.get("metadata", {}), str(folder))
    paths = list(dict.fromkeys([str(folder), *(os.path.dirname(each) for each in libraries)]))
    sys.path[:0] = paths
    try:
        found: type[Buildpack] = getattr(importlib.import_module(module), attribute)
    finally:
        for place in paths:
            sys.path.remove(place)
    return found()


def _folder(cls: type[Buildpack], scratch: Path) -> Path:
    try:
        module = Path(inspect.getfile(cls))
    except (OSError, TypeError):  # made by a program: there is no file
        module = scratch
    for folder in module.parents[:3]:
        if _toml(folder):
            return folder
    scratch.mkdir(parents=True)
    name = cls.__name__.strip("_").lower()
    kind = "buildpack" if cls.generate is Buildpack.generate else "extension"
    text = _DESCRIPTOR.format(kind=kind, name=name)
    (scratch / f"{kind}.toml").write_text(text, encoding="utf-8")
    return scratch


def _toml(folder: Path) -> Path | None:
    paths = (folder / name for name in ("buildpack.toml", "extension.toml"))
    return next((path for path in paths if path.is_file()), None)
