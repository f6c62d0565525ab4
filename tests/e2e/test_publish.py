"""Images straight to a registry, which is all that a rebuild elsewhere has."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.state.home import Home

from .conftest import cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Project


@pytest.fixture
def crane() -> Path:
    """The program that looks at registries as others do."""
    return ensure_crane(Home.default(), arch=machine_architecture())


@pytest.fixture
def registry(crane: Path) -> Iterator[str]:
    """Host and port of a registry that is not ours."""
    with subprocess.Popen(
        [crane, "registry", "serve", "--address", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        # "serving on port 40123"
        line = next(line for line in server.stdout if "port" in line)
        yield f"127.0.0.1:{line.split()[-1]}"
        server.terminate()


def test_a_published_image_is_rebuilt_from_the_registry_alone(
    project: Project, registry: str, crane: Path
) -> None:
    reference = f"{registry}/team/app:1"

    def publish() -> tuple[str, dict[str, Any]]:
        result = cnbkit("build", str(project.app), "--publish", reference, "--verbose")
        assert result.code == 0, result.output
        # What another machine has: no cache, no image of its own.
        shutil.rmtree(app_cache(project.home, Reference.parse(reference)))
        manifest = subprocess.run([crane, "manifest", reference], capture_output=True, check=True)
        document: dict[str, Any] = json.loads(manifest.stdout)
        return result.output, document

    project.write({"requirements.txt": "six==1.17.0\n", "app.py": "print('one')\n"})
    _, first = publish()
    project.write({"app.py": "print('two')\n"})
    output, second = publish()
    assert "Reusing layer 'cnbkit/pip:wheels-light-'" in output
    assert "Reusing layer 'cnbkit/pip:site'" in output
    old = [layer["digest"] for layer in first["layers"]]
    new = [layer["digest"] for layer in second["layers"]]
    assert len([digest for digest in new if digest not in old]) == 1, output


def test_a_registry_that_cannot_be_reached_is_named(project: Project) -> None:
    project.write({"app.py": "print(1)\n"})
    nowhere = f"127.0.0.1:9/app-{uuid.uuid4().hex[:8]}"
    result = cnbkit("build", str(project.app), "--publish", nowhere)
    assert result.code == 69, result.output
    assert "127.0.0.1:9" in result.output
    assert "Error: " in result.output
    assert "Traceback" not in result.output
