"""Builds whose buildpack attacks the machine, as root and as an ordinary user.

All of it is harmless: an attack touches files the test has made, and speaks to loopback only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.ordinary_user import as_ordinary, environment, give_to_ordinary, python

from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.testing import EmbeddedEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnbkit_engine.state.home import Home

__all__ = ["USERS", "Attack", "attacking"]

ORDINARY = "an ordinary user"
NAMESPACE = "root of a user's namespace"
USERS = ("root", ORDINARY, NAMESPACE) if os.geteuid() == 0 else (ORDINARY, NAMESPACE)
"""Who calls `cnbkit`. Root of a namespace takes itself for root, and is none outside."""

_START = "from cnbkit_engine.cli import main; main()"
_DESCRIPTOR = """\
api = "0.10"
[buildpack]
id = "test/attack"
version = "1.0.0"
[[targets]]
os = "linux"
"""
# The same in every attack, so that the images are the same if the attack fails.
_HONEST = """
mkdir -p "$1/layer" && echo content > "$1/layer/file"
printf '[types]\\nlaunch = true\\n' > "$1/layer.toml"
printf '[[processes]]\\ntype = "web"\\ncommand = ["true"]\\n' > "$1/launch.toml"
"""


class Attack:
    """One app, built by one buildpack.

    Args:
        root: an empty folder that every user of the machine reaches.
        home: the state folder, that user's own.
        user: one of `USERS`.
    """

    def __init__(self, root: Path, home: Home, user: str) -> None:
        self.root = root
        self.home = home
        self.user = user
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.app = root / "app"
        self.app.mkdir()
        (self.app / "file").write_text("of the app\n")
        self.builder = root / "builder.toml"
        self.buildpack = root / "attack"
        (self.buildpack / "bin").mkdir(parents=True)
        (self.buildpack / "buildpack.toml").write_text(_DESCRIPTOR)
        self.builder.write_text(
            f'[[buildpacks]]\nuri = "{self.buildpack}"\n[[order]]\n'
            '[[order.group]]\nid = "test/attack"\nversion = "1.0.0"\n'
        )

    def build(
        self,
        build: str = "",
        *options: str,
        detect: str = "",
        publish: str = "",
        env: Mapping[str, str] | None = None,
        code: int = 0,
    ) -> str:
        """Build; returns what was printed.

        Args:
            build: the attack, as shell in bin/build; `$1` is the buildpack's layers folder.
            options: of `cnbkit build`.
            detect: the same in bin/detect.
            publish: where to, instead of the store.
            env: variables of the `cnbkit` process.
            code: the exit status to end with.
        """
        for script, text in (("detect", detect), ("build", _HONEST + build)):
            path = self.buildpack / "bin" / script
            path.write_text(f"#!/bin/bash\n{text}\nexit 0\n")
            path.chmod(0o755)
        command = ["build", str(self.app), "--builder", str(self.builder), "--verbose"]
        command += ["--publish", publish] if publish else ["--tag", self.name]
        variables = {"CNBKIT_HOME": str(self.home.root), **(env or {})}
        done = subprocess.run(
            self._as_user([*command, *options]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self._environment(), **variables},
            timeout=300,  # an attack that hangs the engine has won
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        assert done.returncode == code, output
        return output

    def _as_user(self, arguments: list[str]) -> list[str]:
        if self.user == "root":
            return [str(Path(sys.executable).with_name("cnbkit")), *arguments]
        self.hand_over()
        command = [python(), "-s", "-c", _START, *arguments]
        if self.user == NAMESPACE:
            command = ["unshare", "--user", "--map-root-user", *command]
        return as_ordinary(command)

    def _environment(self) -> dict[str, str]:
        if self.user == "root":
            return dict(os.environ)
        network = os.environ.get("CNBKIT_NETWORK", "")
        return {**environment(self.root), "CNBKIT_NETWORK": network}

    def hand_over(self) -> None:
        """Give the user what the test has made or changed in their folders."""
        if self.user != "root":
            give_to_ordinary(self.root)
            give_to_ordinary(self.home.images)

    def image(self) -> Image:
        """The image as it is in the store."""
        return Image.from_store(ImageStore(self.home.images), self.name)

    def cache(self) -> Path:
        """The folder with what the engine keeps for its next build."""
        [found] = self.home.cache.glob(f"{self.name}*")  # the lock's name begins with a dot
        return found

    def remove(self) -> None:
        """Forget image and cache."""
        EmbeddedEngine(self.home).remove(self.name)
        self.hand_over()


@contextmanager
def attacking(home: Home, user: str) -> Iterator[Attack]:
    """An attack in a folder of its own, with an `evidence` folder that everybody can write.

    Args:
        home: that user's state folder.
        user: one of `USERS`.
    """
    root = Path(tempfile.mkdtemp(prefix="cnbkit-attack-"))  # pytest's folders are root's alone
    try:
        root.chmod(0o755)
        (root / "evidence").mkdir()
        (root / "evidence").chmod(0o777)  # root's sandboxes are another user
        attack = Attack(root, home, user)
        yield attack
        attack.remove()
    finally:
        shutil.rmtree(root)
