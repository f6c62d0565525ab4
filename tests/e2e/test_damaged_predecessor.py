"""A damaged image in a registry is not a predecessor: the build says so, and publishes another."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.oci.remote import Remote

from ..plain_registry import PlainRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))
BUILD = """#!/bin/sh
mkdir -p "$1/data"
echo constant >"$1/data/data"
printf '[types]\\nlaunch = true\\n' >"$1/data.toml"
"""


@pytest.fixture
def registry() -> Iterator[PlainRegistry]:
    made = PlainRegistry()
    yield made
    made.close()


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_a_damaged_image_is_replaced(
    tmp_path: Path, registry: PlainRegistry, what: str, damage: str
) -> None:
    buildpack = tmp_path / "buildpack"
    (buildpack / "bin").mkdir(parents=True)
    (buildpack / "buildpack.toml").write_text(
        'api = "0.10"\n[buildpack]\nid = "test/data"\nversion = "1.0.0"\n[[targets]]\n'
        'os = "linux"\n'
    )
    for name, text in (("detect", "#!/bin/sh\n"), ("build", BUILD)):
        (buildpack / "bin" / name).write_text(text)
        (buildpack / "bin" / name).chmod(0o755)
    (tmp_path / "builder.toml").write_text(
        '[[buildpacks]]\nuri = "buildpack"\n[[order]]\n[[order.group]]\nid = "test/data"\n'
    )
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "file").write_text(uuid.uuid4().hex)
    repository = f"team/{uuid.uuid4().hex[:8]}"
    name = f"{registry.host}/{repository}:1"

    def publish() -> str:
        command = [CNBKIT, "build", str(tmp_path / "app"), "--publish", name]
        done = subprocess.run(
            [*command, "--builder", str(tmp_path / "builder.toml")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "damaged" not in publish()
    kind, data = registry.manifests[repository, "1"]
    document = json.loads(data)
    if what == "manifest":
        registry.manifests[repository, "1"] = (kind, data[:100] if damage == "torn" else b"")
    else:
        digest = (document["config"] if what == "config" else document["layers"][-1])["digest"]
        if damage == "gone":
            del registry.blobs[repository, digest]
        else:
            registry.blobs[repository, digest] = registry.blobs[repository, digest][:10]
    assert f"The image {name} in the registry is damaged" in publish()
    if damage == "gone" or what == "manifest":  # a registry that keeps a torn blob is lost
        assert Remote(name).damage(machine_architecture()) == ""
        assert "damaged" not in publish()
