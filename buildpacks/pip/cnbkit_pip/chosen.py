"""What `decide` comes to: what there is to do, and with which packages."""

from __future__ import annotations

from cnbkit import BuildContext, Decision, Layer, LayerKey, OpenLayer, key, note
from cnbkit_pip.present import LAYERS, Present
from cnbkit_python_inputs.config import PipConfig
from cnbkit_python_inputs.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.resolved import Resolved
    from cnbkit_python_inputs.project import Project
    from cnbkit_python_inputs.requirements import Requirements
    from cnbkit_python_inputs.wanted import Locked

__all__ = ["Chosen", "Inputs", "Work"]


class Inputs(LayerKey, version=2):
    """Everything the installed set depends on.

    While it is unchanged nothing is resolved, installed, restored or exported.
    """

    inputs: list[str] = key("inputs")
    python: str = key("Python")
    target: str = key("target")
    settings: list[str] = key("settings")
    hardware: str = key("hardware")
    # What is installed where, for builds that change nothing and have lost their cache.
    packages: list[str] = note(default_factory=list)


class Work:
    """What there is to do.

    Attributes:
        config: what the person who builds has set.
        wanted: what the app declares.
        python: the interpreter packages are for.
        inputs: the key of all.
        present: how the layers are kept.
    """

    def __init__(
        self,
        config: PipConfig,
        wanted: Requirements | Project | Locked,
        python: Interpreter,
        inputs: Inputs,
        present: Present,
    ) -> None:
        self.config = config
        self.wanted = wanted
        self.python = python
        self.inputs = inputs
        self.present = present


class Chosen(Decision):
    """The packages, and the layers they will be in.

    Attributes:
        work: None if the app wants no packages.
        resolved: None if the previous image has all.
    """

    def __init__(self, work: Work | None = None, *, rest: str = "") -> None:
        super().__init__(rest=rest)
        self.work = work
        self.resolved: Resolved | None = None

    def add_resolved(self, found: Resolved) -> None:
        """They are to be installed."""
        self.resolved = found
        for each in found.layers:
            self.layer(each.layer, each.key, why=each.why)
            for package in each.group.packages:
                name, version = package.name, package.version
                self.package(name, version, size=package.size, layer=each.layer.name)

    def add_restored(self, ctx: BuildContext, site: OpenLayer, present: Present) -> None:
        """They are in the previous image."""
        for name in ctx.restored_layers():
            if name.startswith(LAYERS):
                self.layer(present.kind(Layer.launch(name)))
        own = f"{site.directory.rpartition('/')[0]}/"
        if ctx.dry:  # a build has no use for the names
            for line in site.old.get("note", {}).get("packages", []):
                name, version, folder = str(line).split(" ", 2)
                self.package(name, version, layer=folder.removeprefix(own).partition("/")[0])

    def write_packages(self, folder: str) -> str:
        """Write the list that buildpacks after this one read, as far as it is known."""
        import json

        path = f"{folder}/packages.json"
        entries = [
            {"name": each.name, "version": each.version, "directory": ""} for each in self.packages
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(entries, file)
        return path
