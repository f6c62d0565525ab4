"""What is published is there whole or not at all: apps and builders, and a registry that refuses.

The commands are run as a person runs them. The registry is go-containerregistry's, behind a guard.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.state.home import Home

from ...guarded_registry import GuardedRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..conftest import PushBase

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))
BUILD = """#!/bin/sh
mkdir "$1/data"
cp "$CNB_BUILDPACK_DIR/data" "$1/data/data"
printf '[types]\\nlaunch = true\\n' >"$1/data.toml"
"""


@pytest.fixture
def guard(registry: str) -> Iterator[GuardedRegistry]:
    made = GuardedRegistry(registry)
    yield made
    made.close()


class Publisher:
    """An app or a builder that is pushed to one name again and again, each time another one."""

    def __init__(self, kind: str, folder: Path, guard: GuardedRegistry, behind: str) -> None:
        self.kind = kind
        self.folder = folder
        self.name = f"{guard.host}/team/{kind}:1"
        self._behind = f"{behind}/team/{kind}:1"
        self._buildpack = folder / "buildpack"
        (self._buildpack / "bin").mkdir(parents=True)
        (self._buildpack / "buildpack.toml").write_text(
            'api = "0.10"\n[buildpack]\nid = "test/data"\nversion = "1.0.0"\n[[targets]]\n'
            'os = "linux"\n'
        )
        for name, text in (("detect", "#!/bin/sh\n"), ("build", BUILD)):
            (self._buildpack / "bin" / name).write_text(text)
            (self._buildpack / "bin" / name).chmod(0o755)
        (folder / "builder.toml").write_text(
            '[[buildpacks]]\nuri = "buildpack"\n[[order]]\n[[order.group]]\nid = "test/data"\n'
        )
        (folder / "app").mkdir()
        (folder / "app" / "file").write_text("1\n")
        (folder / "docker").mkdir()

    def login(self, text: str) -> None:
        """What `docker login` would leave; nothing if empty."""
        host = self.name.partition("/")[0]
        entry = {host: {"auth": b64encode(text.encode()).decode()}} if text else {}
        (self.folder / "docker" / "config.json").write_text(json.dumps({"auths": entry}))

    def start(self) -> subprocess.Popen[str]:
        """Publish what is new each time: a buildpack with 2 MB nobody can compress."""
        (self._buildpack / "data").write_bytes(os.urandom(2_000_000))
        builder = str(self.folder / "builder.toml")
        if self.kind == "app":
            arguments = ["build", str(self.folder / "app"), "--builder", builder]
            # One that the buildpack would keep from the last build would not be pushed.
            arguments.append("--clear-cache")
        else:
            base = self._behind.rpartition("/")[0] + "/base:1"
            arguments = ["builder", builder, "--build-image", base, "--run-image", base]
        return subprocess.Popen(
            [CNBKIT, *arguments, "--publish", self.name],
            env={**os.environ, "DOCKER_CONFIG": str(self.folder / "docker")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, code: int) -> str:
        """Publish; what it says."""
        process = self.start()
        output = process.communicate(timeout=120)[0]
        assert process.returncode == code, output
        assert "Traceback" not in output
        return output

    def digest(self) -> str:
        """What the name stands for, behind the guard."""
        return Remote(self._behind).digest()


@pytest.fixture(params=["app", "builder"])
def published(
    request: pytest.FixtureRequest,
    guard: GuardedRegistry,
    registry: str,
    push_base: PushBase,
    tmp_path: Path,
) -> Iterator[Publisher]:
    """It is there once already."""
    push_base(f"{registry}/team/base:1", machine_architecture())
    made = Publisher(request.param, tmp_path, guard, registry)
    made.run(0)
    yield made
    cache = app_cache(Home.default(), Reference.parse(made.name))
    shutil.rmtree(cache, ignore_errors=True)


def test_credentials_that_do_not_let_it_in_are_told(
    published: Publisher, guard: GuardedRegistry
) -> None:
    before = published.digest()
    guard.login = "me:right-secret"
    for login in ("", "me:expired-secret"):
        published.login(login)
        output = published.run(69)
        assert "Error: the registry refuses: HTTP status 401" in output
        assert f"where: {published.name}" in output
        assert f"to do: log in with `docker login {guard.host}`" in output
        assert "secret" not in output
    published.login(guard.login)
    guard.read_only = True
    assert "Error: the registry refuses: HTTP status 403" in published.run(69)
    assert published.digest() == before
    guard.read_only = False
    published.run(0)
    assert published.digest() != before


def test_a_registry_that_dies_in_the_middle_of_a_layer(
    published: Publisher, guard: GuardedRegistry
) -> None:
    before = published.digest()
    guard.breaks = "dies"
    output = published.run(69)
    assert guard.reached.is_set()
    assert f"Error: cannot reach the registry {guard.host}" in output
    assert published.digest() == before
    guard.mend()
    published.run(0)
    assert published.digest() != before


def test_a_signal_in_the_middle_of_a_layer(published: Publisher, guard: GuardedRegistry) -> None:
    before = published.digest()
    guard.breaks = "hangs"
    process = published.start()
    assert guard.reached.wait(60)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "Traceback" not in output
    assert published.digest() == before
    guard.mend()
    published.run(0)
    assert published.digest() != before
