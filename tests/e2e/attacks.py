"""Builds whose buildpack attacks the machine, as root and as an ordinary user.

All of it is harmless: an attack touches files the test has made, and speaks to loopback only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.testing import EmbeddedEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_engine.state.home import Home

__all__ = ["USERS", "Attack"]

# What the engine takes itself for; whoever runs the tests can be both in a namespace of its own,
# without capabilities over anything outside.
USERS = {
    "root": ("--map-root-user",),
    "an ordinary user": ("--map-user=1000", "--map-group=1000"),
}
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
        root: an empty folder.
        home: the state folder.
        user: one of `USERS`.
    """

    def __init__(self, root: Path, home: Home, user: str) -> None:
        self.root = root
        self.home = home
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self._enter = () if user == "root" and os.geteuid() == 0 else USERS[user]
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
        command = [str(Path(sys.executable).with_name("cnbkit")), "build", str(self.app)]
        command += ["--builder", str(self.builder), "--verbose"]
        command += ["--publish", publish] if publish else ["--tag", self.name]
        enter = ["unshare", "--user", *self._enter] if self._enter else []
        done = subprocess.run(
            [*enter, *command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "CNBKIT_HOME": str(self.home.root), **(env or {})},
            timeout=300,  # an attack that hangs the engine has won
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        assert done.returncode == code, output
        return output

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
