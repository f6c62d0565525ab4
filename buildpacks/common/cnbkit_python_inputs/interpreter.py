"""The interpreter packages are installed for."""

from __future__ import annotations

import os

from cnbkit import BuildContext, PythonBuild

__all__ = ["Interpreter"]


class Interpreter:
    """A Python of the image.

    Attributes:
        path: absolute path of the executable.
        minor: "3.12": what installed packages and their bytecode depend on.
        site: its own site-packages, if packages there are to be seen; else empty.
        restore: a program that makes it, should only the previous image have it.
        version: in full, if it is told.
        stands_for: the version of one that is not there yet, which this one stands for in a plan.
    """

    def __init__(
        self,
        path: str,
        minor: str,
        site: str = "",
        restore: str = "",
        *,
        version: str = "",
        stands_for: str = "",
    ) -> None:
        self.path = path
        self.minor = minor
        self.site = site
        self.restore = restore
        self.version = version
        self.stands_for = stands_for

    @classmethod
    def find(cls, ctx: BuildContext) -> Interpreter:
        """What the `python` or `conda` buildpack chose, else the first `python3` on PATH.

        Raises:
            UserFault: there is none.
        """
        told = PythonBuild.read(ctx).with_python(ctx)
        minor = told.python_version.rpartition(".")[0]
        return cls(
            told.python,
            minor,
            told.python_site,
            told.python_restore,
            version=told.python_version,
        )

    def make_present(self, ctx: BuildContext) -> None:
        """Have the buildpack that chose it make it, if only the previous image has it.

        Raises:
            CommandFailed: it could not be made.
        """
        if self.restore and not os.path.exists(self.path):
            ctx.run(self.restore)

    @property
    def directory(self) -> str:
        """Where its `python3` lies."""
        return os.path.dirname(self.path)

    def __str__(self) -> str:
        return f"{self.minor} ({self.path})"
