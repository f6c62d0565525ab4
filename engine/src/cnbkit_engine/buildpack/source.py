"""A buildpack's source folder.

pip/
  buildpack.toml        [metadata.cnbkit] entry = "cnbkit_pip:Pip"; extension.toml likewise
  requirements.lock     hashed; what its code imports besides cnbkit (optional)
  cnbkit_pip/           its code

Code that several buildpacks share is a library: a package in a folder of its own, named by
`libraries = ["../common/cnbkit_hooks"]` in `[metadata.cnbkit]` and copied into each of them.
What it imports besides cnbkit stands in a requirements.lock inside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cnbkit.errors import BuildpackFault
from cnbkit.spec.buildpack import BuildpackDescriptor, ExtensionDescriptor, library_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.spec.buildpack import BuildpackInfo, ExtensionInfo

__all__ = ["BuildpackSource", "Detection"]

# In a source folder it only says what to do; see buildpacks/*/bin/detect.
_STUB = Path("bin/detect")

# Runs in an interpreter of its own: an author's module is not ours to keep in memory.
_READ_DETECTION = """
import json, os, sys
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever the author's modules print is not part of the answer
sys.path[:0] = sys.argv[3:]
from cnbkit import Buildpack, CnbkitError
found = getattr(__import__(sys.argv[1], fromlist=[sys.argv[2]]), sys.argv[2])
if not (isinstance(found, type) and issubclass(found, Buildpack)):
    sys.exit(f"{sys.argv[1]}:{sys.argv[2]} is not a class derived from cnbkit.Buildpack")
from cnbkit.declared import check_class
try:
    check_class(found)
except CnbkitError as error:
    sys.exit(str(error))
static = found.detect is Buildpack.detect
plan = found.plan.document().dumps() if static and found.plan else ""
on = found.triggers
json.dump([on.files, on.settings, on.bindings, static, plan, found.folder], answer)
answer.close()
"""


class Detection:
    """What a buildpack's class declares about joining.

    Attributes:
        files: names or patterns in the app's root.
        settings: BP_* variables.
        bindings: types of service bindings.
        static: whether these alone decide, so that detect needs no Python.
        plan: the build plan then, as TOML; may be empty.
        folder: a BP_* variable that names the folder to look for the files in; may be empty.
    """

    def __init__(
        self,
        files: list[str],
        settings: list[str],
        bindings: list[str],
        static: bool,
        plan: str,
        folder: str,
    ) -> None:
        self.files = files
        self.settings = settings
        self.bindings = bindings
        self.static = static
        self.plan = plan
        self.folder = folder


class BuildpackSource:
    """A folder with a buildpack written on cnbkit.

    Args:
        directory: the folder.

    Raises:
        BuildpackFault: no descriptor, no entry, or the entry's package is not there.
        InvalidDocument: buildpack.toml is wrong; every fault is named.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        toml = directory / "buildpack.toml"
        self.is_extension = not toml.exists() and (directory / "extension.toml").exists()
        if self.is_extension:
            toml = directory / "extension.toml"
        try:
            text = toml.read_bytes()
        except OSError as error:
            raise BuildpackFault(
                f"cannot read buildpack.toml: {error.strerror}",
                where=str(toml),
                remedy="name a folder that holds a buildpack",
            ) from None
        kind = ExtensionDescriptor if self.is_extension else BuildpackDescriptor
        self.descriptor: BuildpackDescriptor | ExtensionDescriptor = kind.loads(
            text, name=toml.name, where=str(toml)
        )
        self.libraries = self._libraries(toml)
        self.module, self.attribute = self._entry(toml)

    def _libraries(self, toml: Path) -> list[Path]:
        try:
            folders = library_folders(self.descriptor.metadata, str(self.directory))
        except ValueError as error:
            raise BuildpackFault(str(error), where=str(toml), remedy="correct libraries") from None
        for folder in folders:
            if not os.path.isfile(f"{folder}/__init__.py"):
                raise BuildpackFault(
                    f"{os.path.relpath(folder, self.directory)} in libraries is not a package",
                    where=str(toml),
                    remedy="name a folder with an __init__.py, relative to this file",
                )
        return [Path(folder) for folder in folders]

    def _entry(self, toml: Path) -> tuple[str, str]:
        table = self.descriptor.metadata.get("cnbkit", {})
        entry = table.get("entry", "") if isinstance(table, dict) else ""
        module, _, attribute = str(entry).partition(":")
        if not module or not attribute:
            raise BuildpackFault(
                f"{toml.name} does not say which class is the buildpack",
                where=str(toml),
                remedy='add: [metadata.cnbkit] entry = "package:Class"',
            )
        name = module.split(".", 1)[0]
        package = self.directory / name
        if (
            not package.is_dir()
            and not package.with_suffix(".py").is_file()
            and name not in {library.name for library in self.libraries}
        ):
            raise BuildpackFault(
                f"there is no package {name} beside {toml.name}, nor among its libraries",
                where=str(toml),
                remedy="correct entry in [metadata.cnbkit]",
            )
        return module, attribute

    @property
    def _info(self) -> BuildpackInfo | ExtensionInfo:
        if isinstance(self.descriptor, ExtensionDescriptor):
            return self.descriptor.extension
        return self.descriptor.buildpack

    @property
    def id(self) -> str:
        """The buildpack's id."""
        return self._info.id

    @property
    def version(self) -> str:
        """The buildpack's version."""
        return self._info.version

    @property
    def identity(self) -> str:
        """Name and version, as the log's heading."""
        info = self._info
        return f"{info.name or info.id} {info.version}"

    @property
    def locks(self) -> list[Path]:
        """The hashed requirements of its own code and of its libraries; none if there are none."""
        paths = [folder / "requirements.lock" for folder in (self.directory, *self.libraries)]
        return [path for path in paths if path.is_file()]

    @property
    def import_paths(self) -> list[str]:
        """Folders from which its code and its libraries are imported in a checkout."""
        return list(
            dict.fromkeys([str(self.directory), *(str(path.parent) for path in self.libraries)])
        )

    def files(self) -> dict[Path, Path]:
        """Every file that belongs to the buildpack: its path in the package → where it is.

        Not its tests, nor what makes the folder a project: pyproject.toml, a builder.toml to
        try it with, a bin/detect that says that there is a package to make of it, and all that
        begins with a dot (.venv, .git, caches).
        """
        project = {Path("pyproject.toml"), Path("builder.toml")}
        if self._stands_in(self.directory / _STUB):
            project.add(_STUB)
        found = {
            path.relative_to(self.directory): path
            for path in _files(self.directory)
            if path.relative_to(self.directory) not in project
        }
        for library in self.libraries:
            found |= {path.relative_to(library.parent): path for path in _files(library)}
        return dict(sorted(found.items()))

    @staticmethod
    def _stands_in(path: Path) -> bool:
        return path.is_file() and b"`cnbkit package\\`" in path.read_bytes()

    def detection(self) -> Detection:
        """What its class declares about joining.

        Raises:
            BuildpackFault: the class cannot be imported.
        """
        import cnbkit

        paths = [*self.import_paths, str(Path(cnbkit.__file__).parent.parent)]
        command = [sys.executable, "-B", "-c", _READ_DETECTION, self.module, self.attribute, *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildpackFault(
                f"cannot import {self.module}:{self.attribute}",
                where=str(self.directory),
                remedy="make it importable without its requirements (import those where used)",
                detail=done.stderr.rstrip(),
            )
        return Detection(*json.loads(done.stdout))


def _files(folder: Path) -> list[Path]:
    skip = {"__pycache__", "tests"}
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in skip and name[0] != "."]
        found += [Path(parent, name) for name in names if name[0] != "."]
    return found
