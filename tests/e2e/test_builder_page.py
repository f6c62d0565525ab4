"""The commands of the page about builders, run as they stand there but for the registry's name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.commands import output

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.docker import LocalRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "howto" / "builder.md"
ARCH = machine_architecture()
ELSEWHERE = "registry.example.com"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Host and port of a registry that is not ours."""
    made = LocalRegistry(ensure_crane(Home.default(), arch=ARCH), tmp_path / "registry")
    yield made.host
    made.stop()


def _section(title: str) -> str:
    text = PAGE.read_text()
    return next(part for part in text.split("\n## ") if part.startswith(title))


def _block(section: str, language: str, part: str) -> str:
    found = re.findall(rf"```{language}[^\n]*\n(.*?)```", section, re.DOTALL)
    [block] = [each for each in found if part in each]
    return str(block)


def test_its_commands_make_a_builder_a_run_image_and_images_that_are_rebased(
    registry: str, tmp_path: Path
) -> None:
    page = PAGE.read_text()
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "Procfile").write_text("web: echo started\n")
    # The first file of the page; the images of its last one, which the order stands before.
    images = _block(_section("Make a builder image"), "toml", "[[run.images]]")
    toml = _block(page.partition("## ")[0], "toml", "examples/wordcount")
    (folder / "builder.toml").write_text(images.replace(ELSEWHERE, registry) + toml)

    def run(commands: str) -> str:
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        script = commands.replace(ELSEWHERE, registry)
        return output("sh", "-e", "-c", script, cwd=folder, env=env)

    naming = _block(_section("Name a run image"), "sh", "cnbkit build")
    run(naming)
    app, run_image = f"{registry}/team/app:1", f"{registry}/team/run:trixie"
    stands_on = [layer.digest for layer in Remote(run_image).layers(ARCH)]
    before = [layer.digest for layer in Remote(app).layers(ARCH)]
    assert before[: len(stands_on)] == stands_on

    run(f"cnbkit prepare --publish-build {ELSEWHERE}/team/build:trixie")
    run(_block(_section("Make a builder image"), "sh", "--output"))
    label = Remote(f"{registry}/team/builder:1").config(ARCH)["config"]["Labels"]
    told = json.loads(label["io.buildpacks.builder.metadata"])
    assert [each["id"] for each in told["buildpacks"]] == ["examples/hello", "examples/wordcount"]
    assert told["images"] == [{"image": run_image, "mirrors": []}]
    [made] = json.loads((folder / "builder" / "index.json").read_text())["manifests"]
    assert made["digest"] == Remote(f"{registry}/team/builder:1").manifest_digest(ARCH)

    # An update of the run image: a file more, under the same name.
    crane = ensure_crane(Home.default(), arch=ARCH)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "patched").write_text("CVE-1\n")
    patch = ["--new_layer", str(tmp_path / "patch.tar"), "--new_tag", run_image]
    subprocess.run(["tar", "-C", tmp_path, "-cf", tmp_path / "patch.tar", "etc"], check=True)
    subprocess.run([crane, "append", "--base", run_image, *patch], check=True)
    subprocess.run([crane, "copy", app, f"{registry}/team/my-app:1"], check=True)
    run(f"cnbkit build . --tag my-app --run-image {ELSEWHERE}/team/run:trixie")
    (folder / "images.txt").write_text(f"{app}\n{registry}/team/my-app:1\n")
    said = run(_block(_section("Rebase images"), "sh", "--dry-run"))
    updated = [layer.digest for layer in Remote(run_image).layers(ARCH)]
    assert updated[: len(stands_on)] == stands_on
    assert len(updated) == len(stands_on) + 1

    def layers(name: str) -> list[str]:
        return [layer.digest for layer in Remote(f"{registry}/team/{name}").layers(ARCH)]

    assert layers("my-app:1") == [*updated, *before[len(stands_on) :]], said
    assert layers("app:1") == before, said  # a dry run
