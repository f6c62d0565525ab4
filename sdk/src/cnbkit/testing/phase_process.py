"""This process as the lifecycle starts one for a phase: environment, working directory, output."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.testing.result import BASE_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnbkit.spec.target import Target
    from cnbkit.testing.inputs import Inputs
    from cnbkit.testing.source import Source

__all__ = ["Copied", "as_process", "exec_env_variables", "target_variables", "user_env"]

# Where the user's value goes before what is there; everything else it replaces (env/env.go).
_PATHS = ("PATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "PKG_CONFIG_PATH")
# What a phase gets of the lifecycle's own environment (env/build.go).
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class Copied(io.StringIO):
    """Keeps what one stream gets, and passes it on to where both come together."""

    def __init__(self, both: io.StringIO) -> None:
        super().__init__()
        self._both = both

    def write(self, text: str) -> int:  # noqa: D102 - as of any stream
        self._both.write(text)
        return super().write(text)


def user_env(home: Path, variables: Mapping[str, str], commands: Path) -> dict[str, str]:
    """The environment of a phase as the lifecycle makes it of the user's variables.

    This machine's proxies are in it, because the lifecycle hands them on. In a build `/tmp` is the
    build's own, so programs here get a folder for that.

    Args:
        home: a folder, which is made, and `tmp` beside it.
        variables: the user's.
        commands: the folder with fake commands, which are found first.
    """
    home.mkdir()
    temporary = home.with_name("tmp")
    temporary.mkdir()
    env = {name: os.environ[name] for name in _PROXIES if name in os.environ}
    env |= {"PATH": BASE_PATH, "HOME": str(home), "TMPDIR": str(temporary)}
    for name, value in variables.items():
        before = env.get(name) if name in _PATHS else None
        env[name] = f"{value}{os.pathsep}{before}" if before else value
    env["PATH"] = f"{commands}{os.pathsep}{env['PATH']}"
    return env


def target_variables(target: Target) -> dict[str, str]:
    """What a phase is told of the target."""
    values = {
        "CNB_TARGET_OS": target.os,
        "CNB_TARGET_ARCH": target.arch,
        "CNB_TARGET_ARCH_VARIANT": target.variant,
        "CNB_TARGET_DISTRO_NAME": target.distro,
        "CNB_TARGET_DISTRO_VERSION": target.distro_version,
    }
    return {name: value for name, value in values.items() if value}


def exec_env_variables(source: Source, inputs: Inputs) -> dict[str, str]:
    """As the lifecycle tells a buildpack for API 0.12; others by a variable, as `cnbkit build`."""
    told = source.descriptor.api == "0.12"
    said = inputs.exec_env != "production" and not source.info.clear_env
    return {"CNB_EXEC_ENV": inputs.exec_env} if told or said else {}


@contextmanager
def as_process(env: Mapping[str, str], cwd: Path) -> Iterator[None]:
    """This process with another environment and working directory."""
    before, where = dict(os.environ), Path.cwd()
    try:
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        yield
    finally:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(before)
