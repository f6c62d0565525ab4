"""Buildpacks as tests name them: a class, or the folder of any buildpack."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import tomllib
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.buildpack import Buildpack
from cnbkit.declared import check_class
from cnbkit.errors import BuildpackFault
from cnbkit.results import BuildResult
from cnbkit.spec.build_plan import Alternative, BuildPlan, Plan
from cnbkit.spec.buildpack import BuildpackDescriptor, ExtensionDescriptor, library_folders
from cnbkit.testing._imports import Imports

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias

    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext
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
        imports: the modules of a buildpack that was named by its folder.
    """

    buildpack: Buildpack
    folder: Path
    descriptor: BuildpackDescriptor | ExtensionDescriptor
    imports: Imports | None = None

    @classmethod
    def of(cls, named: Named, scratch: Path) -> Source:
        """Find out what a test means.

        Args:
            named: a class or an instance; its buildpack.toml or extension.toml is looked for
                beside its module and in the two folders above, and is its own if `entry` names
                the class or one that it derives from. Or a folder, whose descriptor names a
                class, or which has programs in any language.
            scratch: where to write a descriptor for a class that has none.
        """
        imports = None
        if isinstance(named, str | Path):
            folder = Path(named).resolve()
            buildpack, imports = _from_folder(folder)
        else:
            buildpack = named() if isinstance(named, type) else named
            folder = _folder(type(buildpack), scratch)
        check_class(type(buildpack))
        path = _toml(folder)
        assert path is not None
        kind = BuildpackDescriptor if path.name == "buildpack.toml" else ExtensionDescriptor
        descriptor = kind.loads(path.read_bytes(), name=path.name, where=str(path))
        return cls(buildpack, folder, descriptor, imports)

    def importing(self) -> AbstractContextManager[None]:
        """While a phase runs: what it imports comes from the buildpack's own folder."""
        return self.imports.active() if self.imports else nullcontext()

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


def _from_folder(folder: Path) -> tuple[Buildpack, Imports | None]:
    path = _toml(folder)
    if path is None:
        raise BuildpackFault(
            "there is neither buildpack.toml nor extension.toml",
            where=str(folder),
            remedy="name a folder that holds a buildpack",
        )
    entry, metadata = _entry(path)
    if not entry:
        return Program(folder), None
    module, _, attribute = entry.partition(":")
    libraries = [Path(each).resolve() for each in library_folders(metadata, str(folder))]
    imports = Imports(
        [(str(folder), ()), *((str(each.parent), (each.name,)) for each in libraries)]
    )
    with imports.active():
        found: type[Buildpack] = getattr(importlib.import_module(module), attribute)
        return found(), imports


def _entry(path: Path) -> tuple[str, dict[str, Any]]:
    """`module:Class` of a descriptor, empty if it names none, and its `[metadata]`."""
    metadata = tomllib.loads(path.read_text(encoding="utf-8")).get("metadata")
    table = metadata.get("cnbkit") if isinstance(metadata, dict) else None
    entry = table.get("entry") if isinstance(table, dict) else None
    return str(entry or ""), metadata if isinstance(metadata, dict) else {}


def _folder(cls: type[Buildpack], scratch: Path) -> Path:
    """The folder of the descriptor that is the class's own, or of one made for it."""
    for base in cls.__mro__[: cls.__mro__.index(Buildpack)]:
        try:
            file = Path(inspect.getfile(base))
        except (OSError, TypeError):  # made by a program: there is no file
            continue
        for folder in file.parents[:3]:
            if (path := _toml(folder)) and _names(_entry(path)[0], base):
                return folder
    scratch.mkdir(parents=True, exist_ok=True)
    name = cls.__name__.strip("_").lower()
    kind = "buildpack" if cls.generate is Buildpack.generate else "extension"
    text = _DESCRIPTOR.format(kind=kind, name=name)
    (scratch / f"{kind}.toml").write_text(text, encoding="utf-8")
    return scratch


def _names(entry: str, cls: type) -> bool:
    """Whether an entry means a class; a descriptor without one is that of whatever lies there."""
    module, _, attribute = entry.partition(":")
    # The class may be defined in another module of its package than the one it is named by.
    top = module.partition(".")[0]
    return not entry or (attribute == cls.__name__ and cls.__module__.partition(".")[0] == top)


def _toml(folder: Path) -> Path | None:
    paths = (folder / name for name in ("buildpack.toml", "extension.toml"))
    return next((path for path in paths if path.is_file()), None)
