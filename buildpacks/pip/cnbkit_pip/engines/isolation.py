"""Packages that are built beside what is installed, and not in an environment of their own.

flash-attn and its kin import torch in their setup.py and do not say so. uv and pip build them with
`--no-build-isolation`, in an environment where the other packages have been installed before. An
image's packages lie in layers, some of which are only in the previous image: so there is a
throw-away environment with the same packages, made when something has to be built in it.
"""

from __future__ import annotations

import os
import shutil
import threading

from cnbkit import BuildContext, Log
from cnbkit_pip.diagnosis.unresolved import Uncompiled
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.lock import read_entries
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.uv_settings import uv_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

__all__ = ["Beside", "Unisolated"]

_ALL = ":all:"
_YES = ("1", "true", "yes", "on")
# pip's variable says whether there is isolation, whatever its name (pip stores what it negates).
_NO_OF_PIP = ("0", "false", "no", "off")
# What build back ends of old need, and an environment made by Python itself used to have.
_TOOLS = ("setuptools", "wheel")


class Unisolated:
    """Which packages are built so.

    Attributes:
        names: normalised.
        everything: all that has to be built.
        said: what says it, for people.
    """

    def __init__(self, names: Collection[str] = (), *, everything: bool = False) -> None:
        self.names = sorted({normalised(each) for each in names})
        self.everything = everything
        self.said = ""

    @classmethod
    def of(cls, ctx: BuildContext, asked: tuple[str, ...]) -> Unisolated:
        """What settings, variables of uv and pip, and the app's own files say.

        Args:
            ctx: the build.
            asked: BP_PIP_NO_BUILD_ISOLATION.
        """
        table = uv_settings(ctx)
        inner = table.get("pip", {})
        tables = [table, inner if isinstance(inner, dict) else {}]
        listed = [
            str(name)
            for each in tables
            if isinstance(found := each.get("no-build-isolation-package", []), list)
            for name in found
        ]
        of_uv = ctx.settings.get("UV_NO_BUILD_ISOLATION", "").lower() in _YES
        of_pip = ctx.settings.get("PIP_NO_BUILD_ISOLATION", "").lower() in _NO_OF_PIP
        of_app = any(each.get("no-build-isolation") is True for each in tables)
        places = {
            "BP_PIP_NO_BUILD_ISOLATION": bool(asked),
            "UV_NO_BUILD_ISOLATION": of_uv,
            "PIP_NO_BUILD_ISOLATION": of_pip,
            "no-build-isolation of uv": of_app or bool(listed),
        }
        found = cls(
            [*(each for each in asked if each != _ALL), *listed],
            everything=_ALL in asked or of_uv or of_pip or of_app,
        )
        found.said = next((name for name, says in places.items() if says), "")
        return found

    def __bool__(self) -> bool:
        return self.everything or bool(self.names)

    def has(self, name: str) -> bool:
        """Whether a package is one."""
        return self.everything or normalised(name) in self.names

    def arguments(self) -> list[str]:
        """Of `uv pip`."""
        if self.everything:
            return ["--no-build-isolation"]
        return [word for name in self.names for word in ("--no-build-isolation-package", name)]

    def is_built(self, package: Package) -> bool:
        """Whether a package is one, and has no wheel."""
        return self.has(package.name) and not package.entry.get("wheels")


class Beside:
    """The throw-away environment; without such packages it is none at all.

    Args:
        ctx: the build.
        python: the interpreter packages are for, of an environment itself.
        unisolated: the packages that are built in it.
        install: installs packages below a prefix, by an interpreter.
        ask: which packages there are for lines of requirements.

    Attributes:
        unisolated: these.
        chosen: all packages of the image, once they are known.
    """

    def __init__(
        self,
        ctx: BuildContext,
        python: Interpreter,
        unisolated: Unisolated,
        install: Callable[[list[Package], str, str], None],
        ask: Callable[[str], tuple[list[dict[str, Any]], str]],
    ) -> None:
        self.unisolated = unisolated
        self.chosen: list[Package] = []
        self._ctx = ctx
        self._python = python
        self._install = install
        self._ask = ask
        self._folder = f"{ctx.scratch}/beside/prefix"
        self._filling = threading.Lock()
        self._filled = False

    @property
    def program(self) -> str:
        """The interpreter that uv builds with, where it makes no environment for that."""
        if not self.unisolated:
            return self._python.path
        program = f"{self._folder}/bin/python"
        if not os.path.exists(program):
            self._make(program)
        return program

    def resolve(self, fault: Uncompiled, attempt: Callable[..., None]) -> None:
        """Resolve without the packages that cannot be built yet, and install what comes of it.

        Args:
            fault: of one of them.
            attempt: resolves into a file, with more arguments and variables.

        Raises:
            UserFault: the others cannot be had, either.
        """
        folder = f"{self._ctx.scratch}/others"
        os.makedirs(folder, exist_ok=True)
        left_out, lock = f"{folder}/left-out.txt", f"{folder}/pylock.toml"
        names = {fault.name, *self.unisolated.names}
        while True:
            with open(left_out, "w", encoding="utf-8") as file:
                file.writelines(f"{each}\n" for each in sorted(names))
            try:
                attempt(lock, UV_EXCLUDE=left_out)
                break
            except Uncompiled as other:
                if other.name in names or not self.unisolated.has(other.name):
                    raise
                names.add(other.name)
        self._fill([Package(each) for each in read_entries(lock, fault.name)["packages"]])

    def prepare(self, packages: list[Package]) -> None:
        """Build those of them that are built beside the others, with these there.

        Raises:
            UserFault: they cannot be had.
            PlatformFault: the index cannot be reached.
        """
        built = [each for each in packages if self.unisolated.is_built(each)]
        if not built:
            return
        with self._filling:
            if not self._filled:
                self._fill(self.chosen)
            # Built here, and taken from the engine's cache by whoever installs it for good.
            self._install(built, self._folder, self.program)

    def _fill(self, packages: list[Package]) -> None:
        built = self.unisolated.is_built
        others = [each for each in packages if not each.directory and not built(each)]
        missing = {*_TOOLS}.difference(each.name for each in packages)
        # Where an index lacks them, what is built may do without.
        asked, _ = self._ask("".join(f"{each}\n" for each in sorted(missing)))
        others += [Package(each) for each in asked]
        self._ctx.log.info(
            f"For builds without isolation ({self.unisolated.said}), installed first: "
            f"{Log.counted(len(others), 'package')}"
        )
        self._install(others, self._folder, self.program)
        self._filled = True

    def _make(self, program: str) -> None:
        os.makedirs(f"{self._folder}/lib/python{self._python.minor}/site-packages", exist_ok=True)
        os.makedirs(os.path.dirname(program), exist_ok=True)
        own = os.path.dirname(self._python.path)
        os.symlink(os.path.join(own, os.readlink(self._python.path)), program)
        shutil.copy(f"{os.path.dirname(own)}/pyvenv.cfg", self._folder)
