"""Hostile code in a sandbox, started by root and by an ordinary user.

All attacks are harmless by construction: they write the value that is already there, touch files,
links and devices that the test made, and speak to loopback only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ordinary_user import ORDINARY, as_ordinary, environment, give_to_ordinary, python

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USERS = ("root", "ordinary") if os.geteuid() == 0 else ("ordinary",)

# Started as the user; makes the sandbox, runs the attack in it, and passes on what that prints.
START = """
import json, sys
from pathlib import Path
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox
kind, place, network, attack, *arguments = sys.argv[1:]
place = Path(place)
root = place / "root"
shown = (Bind(Path("/usr"), "/usr"), Bind(place / "work", "/work", writable=True, given=True))
what = {"root": root} if kind == "root" else {"layers": (root,)}
with network_for(network, {}, print) as (there, namespace):
    sandbox = Sandbox(
        place / "tmp", **what, binds=shown, cwd="/work", env={"PATH": "/usr/bin:/usr/sbin"},
        network=there, namespace=namespace,
    )
    sys.exit(sandbox.run(["/usr/bin/python3", "-I", "-S", "-c", attack, *arguments]))
"""


@dataclass
class Attacker:
    """Runs attacks.

    Args:
        user: "root" or "ordinary", who starts the sandbox.
        kind: "root" is a build's sandbox, "layers" that of `cnbkit run`.
        place: a folder of the test's own that everybody can reach.
    """

    user: str
    kind: str
    place: Path

    @property
    def work(self) -> Path:
        """The folder that the attack can write, as /work."""
        return self.place / "work"

    def command(self, attack: str, *arguments: str, network: str = "host") -> list[str]:
        """The command line that runs an attack."""
        interpreter = sys.executable if self.user == "root" else python()
        start = [interpreter, "-s", "-c", START, self.kind, str(self.place), network]
        start += [attack, *arguments]
        return start if self.user == "root" else as_ordinary(start)

    def run(self, attack: str, *arguments: str, network: str = "host") -> Any:
        """Run an attack, which prints JSON; returns that."""
        done = subprocess.run(
            self.command(attack, *arguments, network=network),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture(params=["root", "layers"], ids=["build", "run"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two sandboxes."""
    return str(request.param)


@pytest.fixture(params=USERS)
def attacker(request: pytest.FixtureRequest, kind: str) -> Iterator[Attacker]:
    """Code in a sandbox that this user has started."""
    user = request.param
    place = Path(tempfile.mkdtemp(prefix="cnbkit-attack-"))
    try:
        place.chmod(0o755)
        for name in ("root/work", "root/usr", "root/etc", "root/proc", "work", "tools", "tmp"):
            (place / name).mkdir(parents=True)
        for name in ("bin", "lib", "lib64", "sbin"):
            (place / "root" / name).symlink_to(f"usr/{name}")
        if user == "ordinary":
            give_to_ordinary(place)
        yield Attacker(user, kind, place)
    finally:
        shutil.rmtree(place)


def as_somebody_else(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command as one more user of the machine, who has started nothing."""
    become = as_ordinary(command, uid=ORDINARY + 1)
    return subprocess.run(become, capture_output=True, text=True, check=False)
