"""A Docker engine of our own: Debian's, on a private socket and data folder, gone at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import Command
from bench.service import need, serving
from cnbkit_engine.base.suites import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["DockerEngine", "docker_engine"]

_CLIENT = "/usr/bin/docker"  # by its path: a newer one on PATH would want buildx
_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

# What python:3.13-slim holds, from the same Debian packages as cnbkit's own base images: there is
# no public registry to take it from here.
_BASE = [
    "mmdebstrap", "--quiet", "--variant=minbase",
    "--include=ca-certificates,netbase,python3,python3-pip,python3-venv,tzdata",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    # merged from the start there is nothing to merge, and usrmerge would bring all of Perl
    ('--setup-hook=printf "Package: usrmerge\\nPin: release *\\nPin-Priority: -1\\n"'
    ' > "$1/etc/apt/preferences.d/bench"'),
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "info", "locale", "man")),
    # Debian's pip refuses to install beside Debian's packages; that image's pip has no such rule.
    '--customize-hook=rm "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
    DEFAULT.name,
]  # fmt: skip


@dataclass(frozen=True)
class DockerEngine:
    """A running engine.

    Args:
        socket: where it listens.
        pid: of dockerd, whose child containerd is.
    """

    socket: Path
    pid: int

    def command(self, *arguments: str, cwd: Path | None = None) -> Command:
        """A docker command for this engine."""
        # A configuration folder of its own: the user's may name other tools and credentials.
        own = {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_BUILDKIT": "1",
            "DOCKER_CONFIG": str(self.socket.parent / "config"),
        }
        return Command((_CLIENT, *arguments), cwd=cwd, env=os.environ | own)

    def build(self, folder: Path, tag: str) -> Command:
        """A build of `folder` by its Dockerfile, with BuildKit."""
        proxies = [f"--build-arg={name}" for name in _PROXY if name in os.environ]
        return self.command(
            "build", "--network", "host", "--progress", "plain", *proxies, "-t", tag, ".",
            cwd=folder,
        )  # fmt: skip

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run a docker command and return what it printed.

        Raises:
            SystemExit: it failed.
        """
        command = self.command(*arguments, cwd=cwd)
        done = subprocess.run(
            list(command.argv), cwd=cwd, env=command.env, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(command.argv)}:\n{done.stderr.strip()}")
        return done.stdout.strip()

    def version(self) -> str:
        """The engine's version."""
        return self.run("version", "--format", "{{.Server.Version}}")

    def ready(self) -> bool:
        """Whether it answers."""
        command = self.command("version")
        null = subprocess.DEVNULL
        return subprocess.call(command.argv, env=command.env, stdout=null, stderr=null) == 0

    def forget_builds(self) -> None:
        """Empty the build cache, so that the next build begins with the base image alone."""
        self.run("builder", "prune", "--all", "--force")

    def make_base(self, archive: Path, name: str) -> None:
        """Make the base image, under a name of the registry it is pushed to.

        Args:
            archive: its file system is kept there, and taken from there if it exists.
            name: what to call it.
        """
        if not archive.exists():
            print(
                "Making Docker's base image from Debian packages (about a minute) ...", flush=True
            )
            partial = archive.with_suffix(".partial.tar")
            partial.parent.mkdir(parents=True, exist_ok=True)
            _make(partial)
            partial.rename(archive)
        self.run("import", "--change", 'CMD ["python3"]', str(archive), f"{name}-plain")
        folder = self.socket.parent / "base"
        folder.mkdir()
        trusted = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        shutil.copy(trusted, folder / "trusted.crt")
        # Like cnbkit's build image it trusts what this machine trusts: behind a proxy that
        # intercepts TLS nothing could be downloaded otherwise.
        (folder / "Dockerfile").write_text(
            f"FROM {name}-plain\nCOPY trusted.crt /etc/ssl/certs/ca-certificates.crt\n"
            "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \\\n"
            "    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n"
        )
        self.run("build", "--network", "host", "-t", name, ".", cwd=folder)
        self.run("push", name)

    def make_uv_base(self, base: str, name: str) -> None:
        """Make a base image with uv in it, which an image of uv's authors would bring."""
        folder = self.socket.parent / "uv-base"
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM {base}\nRUN pip install --no-cache-dir uv\n")
        self.run("build", "--network", "host", "-t", name, ".", cwd=folder)
        self.run("push", name)


@contextmanager
def docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """Run an engine during the block. A Docker that is already here is not touched.

    Args:
        folder: a short path on a disk; holds all the engine has.
    """
    need("/usr/sbin/dockerd", "docker.io", "what cnbkit is measured against")
    need(_CLIENT, "docker.io", "what cnbkit is measured against")
    (folder / "config").mkdir(parents=True)
    socket = folder / "docker.sock"
    argv = [
        "/usr/sbin/dockerd", "--host", f"unix://{socket}",
        "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
        "--pidfile", str(folder / "pid"), "--log-level", "warn",
        # containers share the host's network; no firewall rule and no bridge is made
        "--iptables=false", "--ip6tables=false", "--bridge=none",
    ]  # fmt: skip
    with serving(argv, folder / "dockerd.log", DockerEngine(socket, 0).ready) as pid:
        yield DockerEngine(socket, pid)


def _make(archive: Path) -> None:
    done = subprocess.run(
        [*_BASE, str(archive)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-10:])
        raise SystemExit(f"bench: cannot make Docker's base image:\n{tail}")
