"""The interpreter packages are installed for."""

from __future__ import annotations

import os

from cnbkit import BuildContext, UserFault

__all__ = ["Interpreter"]


class Interpreter:
    """A Python of the image.

    Attributes:
        path: absolute path of the executable.
        minor: "3.12": what installed packages and their bytecode depend on.
        site: its own site-packages, if packages there are to be seen; else empty.
    """

    def __init__(self, path: str, minor: str, site: str = "") -> None:
        self.path = path
        self.minor = minor
        self.site = site

    @classmethod
    def find(cls, ctx: BuildContext) -> Interpreter:
        """What the `python` or `conda` buildpack chose, else the first `python3` on PATH.

        Raises:
            UserFault: there is none.
        """
        version, _, path = ctx.env.get("CNBKIT_PYTHON", "").partition(" ")
        if not path:
            path = _on_path(ctx.env.get("PATH", ""))
            program = "import sys; print('%d.%d.0' % sys.version_info[:2])"
            version = ctx.run(path, "-I", "-c", program, quiet=True).stdout.strip()
        return cls(path, version.rpartition(".")[0], ctx.env.get("CNBKIT_PYTHON_SITE", ""))

    def make_present(self, ctx: BuildContext) -> None:
        """Have the buildpack that chose it make it, if only the previous image has it.

        Raises:
            CommandFailed: it could not be made.
        """
        program = ctx.env.get("CNBKIT_PYTHON_RESTORE")
        if program and not os.path.exists(self.path):
            ctx.run(program)

    @property
    def directory(self) -> str:
        """Where its `python3` lies."""
        return os.path.dirname(self.path)

    def __str__(self) -> str:
        return f"{self.minor} ({self.path})"


def _on_path(search: str) -> str:
    for directory in search.split(os.pathsep):
        path = f"{directory}/python3"
        if directory and os.access(path, os.X_OK):
            return path
    raise UserFault(
        "there is no Python to install packages for",
        where="PATH of the build",
        remedy="put a buildpack that provides `python` before this one",
    )
