"""Where a command of a Dockerfile stands, for those that judge it."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.findings import State
from cnbkit_engine.adopt.stages import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_engine.adopt.findings import Findings
    from cnbkit_engine.adopt.paths import Paths
    from cnbkit_engine.adopt.stages import Step

__all__ = ["Answer", "Site", "covered", "default", "hooked", "needs"]

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
# A build has its own.
_NOT_KEPT = ("PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")

Answer = tuple[State, str]
"""Whether something is taken care of, and by what or why not."""


@dataclass
class Site:
    """A command's surroundings.

    Args:
        findings: what is known so far, and is added to.
        paths: what is copied where.
        step: the instruction.
        cwd: the folder it runs in.
        line: the number of its line.
    """

    findings: Findings
    paths: Paths
    step: Step
    cwd: str
    line: int = 1

    @property
    def values(self) -> Mapping[str, str]:
        """Of ENV and ARG."""
        return self.step.values

    @property
    def in_image(self) -> bool:
        """Whether the stage is the image's own, and not one that files are taken from."""
        return self.step.stage.role is Role.IMAGE

    def app_path(self, path: str) -> str | None:
        """The app's path of a file or folder in the image; None if it is not of the app."""
        return self.paths.of(path.rstrip("/") or "/", self.cwd)

    def in_app(self, path: str) -> str | None:
        """The app's path for something that is made in one of its folders; None elsewhere."""
        found = self.app_path(path)
        if found is not None:
            return found
        if self.cwd == "/" or not self.paths.is_app(path, self.cwd):
            return None
        here = self.app_path(self.cwd) or ""
        return posixpath.normpath(
            posixpath.join(
                here, posixpath.relpath(path, self.cwd) if path.startswith("/") else path
            )
        )

    def exists(self, path: str) -> bool:
        """Whether the app has a file or folder."""
        return (self.paths.context / path).exists()


def covered(why: str) -> Answer:
    """A file that is written, or is there, does it."""
    return State.COVERED, why


def default(why: str) -> Answer:
    """Every build does it, or none has to."""
    return State.DEFAULT, why


def needs(why: str) -> Answer:
    """Somebody has to decide."""
    return State.NEEDS, why


def hooked(site: Site, text: str, *, after: bool | None = None) -> Answer:
    """Run it in a script of the build.

    Args:
        site: where it stands.
        text: a shell's line, paths as in the app.
        after: whether it is behind the installation of packages; None asks what came before.
    """
    late = site.findings.installs if after is None else after
    script = site.findings.post_build if late else site.findings.pre_build
    folder = site.app_path(site.cwd) if site.cwd != "/" else ""
    line = f"(cd {shlex.quote(folder)} && {text})" if folder else text
    if line not in script:
        script.append(line)
        _keep_variables(site, text)
    return covered(f".cnbkit/{'post' if late else 'pre'}-build")


def _keep_variables(site: Site, text: str) -> None:
    """Give the script what the line takes from ENV, and from ARG by its default."""
    for name in _VARIABLE.findall(text):
        if name in site.values and name not in _NOT_KEPT:
            site.findings.hook_env.setdefault(name, site.values[name])
