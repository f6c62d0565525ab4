"""Folders as a buildpack gets them, and what a fuzz target is."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

from cnbkit import BuildContext, runtime
from cnbkit.log import Log

from ..buildpacks.told import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit import Buildpack

__all__ = ["Format", "Lab", "phases"]


class Lab:
    """Folders as a buildpack gets them, for one input after the other.

    Args:
        root: an empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app, self.layers, self.platform = root / "app", root / "layers", root / "platform"
        for each in ("app", "layers", "platform/env", "platform/bindings", "nothing", "buildpack"):
            (root / each).mkdir(parents=True)
        (root / "plan.toml").write_text("")
        self.env = {
            # No program is found: a target is about reading.
            "PATH": str(root / "nothing"),
            "CNB_PLATFORM_DIR": str(self.platform),
            "CNB_BUILD_PLAN_PATH": str(root / "build-plan.toml"),
            "CNB_BP_PLAN_PATH": str(root / "plan.toml"),
            "CNB_LAYERS_DIR": str(self.layers),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
            **telling(python=f"{root}/nothing/python3", python_version="3.11.2"),
        }

    def context(self, more: Mapping[str, str] | None = None) -> BuildContext:
        """One for code below a buildpack, with some variables more."""
        return BuildContext(
            app=str(self.app),
            env={**self.env, **(more or {})},
            buildpack=str(self.root / "buildpack"),
            platform=str(self.platform),
            layers=str(self.layers),
            plan="",
            log=Log(),
        )


class Format(NamedTuple):
    """A file, what else there is, and what reads it.

    Args:
        name: of the format, and of its folder of the corpus without a leading dot.
        read: reads it.
        beside: path below the app, or below the lab's root if it begins with `/`, → text.
        place: where it lies if not as its name in the app; likewise.
    """

    name: str
    read: Callable[[Lab], object]
    beside: Mapping[str, str] = {}
    place: str = ""

    def path(self, lab: Lab) -> Path:
        """Where its input lies."""
        return _path(lab, self.place or self.name)

    def write(self, lab: Lab, data: bytes) -> None:
        """Put an input, and what is beside it, where it is read; layers are empty before."""
        shutil.rmtree(lab.layers)
        lab.layers.mkdir()
        files = {_path(lab, name): text.encode() for name, text in self.beside.items()}
        for path, content in {**files, self.path(lab): data}.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _path(lab: Lab, place: str) -> Path:
    return lab.root / place[1:] if place.startswith("/") else lab.app / place


def phases(buildpack: type[Buildpack], *inputs: str, **settings: str) -> Callable[[Lab], None]:
    """Both phases, as the lifecycle would run them.

    Args:
        buildpack: whose.
        inputs: files that earlier buildpacks say the packages come from.
        settings: variables of the platform.
    """

    def run(lab: Lab) -> None:
        os.chdir(lab.app)
        for name, value in settings.items():
            (lab.platform / "env" / name).write_text(value)
        given = lab.env | (telling(lab.env, inputs=[*inputs]) if inputs else {})
        if runtime.detect(buildpack(), given) == 0:
            runtime.build(buildpack(), given)

    return run
