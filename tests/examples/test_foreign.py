"""Buildpacks others wrote in bash, in one group with one written here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import BuildpackFault, InvalidDocument
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.buildpack.foreign import ForeignBuildpack, is_foreign
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from tests.examples.conftest import Engine

FOREIGN = Path(__file__).with_name("foreign")
SEER_TOML = """
api = "0.12"
[buildpack]
id = "test/seer"
version = "0.1.0"
[[targets]]
os = "linux"
[metadata.cnbkit]
entry = "seer:Seer"
"""
SEER = """
from cnbkit import BuildContext, Buildpack, BuildResult, Layer, Plan


class Seer(Buildpack):
    plan = Plan().requires("greet")
    layer = Layer.for_build("seen")

    def build(self, ctx: BuildContext) -> BuildResult:
        seen = ctx.run("greet", "cnbkit").stdout.strip()
        with ctx.layer(self.layer) as layer:
            layer.env.build.override("FROM_CNBKIT", "the seer")
        return BuildResult(labels={"test.seen": seen})
"""


def test_foreign_buildpacks_and_ours_build_one_image(engine: Engine, tmp_path: Path) -> None:
    seer = tmp_path / "seer"
    seer.mkdir()
    (seer / "buildpack.toml").write_text(SEER_TOML)
    (seer / "seer.py").write_text(SEER)
    folders = [FOREIGN / "motd", FOREIGN / "toolbox", seer, FOREIGN / "runner"]
    engine.write({"motd.txt": "All is well"})

    built = engine.build(*folders)
    assert "---> Toolbox for 2 buildpack(s)" in built
    assert "installing greet" in built
    assert "---> Runner: greetings to runner from toolbox, after the seer" in built
    assert engine.labels()["test.seen"] == "greetings to cnbkit from toolbox"
    assert engine.labels()["samples.runner"] == "ran"
    assert engine.run() == "greetings to everyone from toolbox\n"
    assert engine.run("--process", "motd") == "All is well\n"

    assert "greet is in the cache" in engine.build(*folders)


def test_a_buildpack_is_no_image_extension(tmp_path: Path) -> None:
    builder = tmp_path / "builder.toml"
    motd = FOREIGN / "motd"
    builder.write_text(
        f'[[buildpacks]]\nuri = "{motd}"\n[[extensions]]\nuri = "{motd}"\n'
        '[[order]]\n[[order.group]]\nid = "samples/motd"\n'
    )
    with pytest.raises(BuildpackFault, match="is not a folder of an image extension"):
        ensure_builder(Home(tmp_path / "home"), builder, Runtime(), tmp_path)


def test_an_extension_is_the_one_that_its_entry_names(tmp_path: Path) -> None:
    builder = tmp_path / "builder.toml"
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "extension.toml").write_text(
        'api = "0.10"\n[extension]\nid = "acme/ours"\nversion = "1.0.0"\n'
    )
    builder.write_text(
        f'[[buildpacks]]\nuri = "{FOREIGN / "motd"}"\n'
        '[[order]]\n[[order.group]]\nid = "samples/motd"\n'
        '[[extensions]]\nuri = "ours"\nid = "acme/ours"\nversion = "9.9.9"\n'
    )
    with pytest.raises(BuildpackFault, match=r"ours has the version 1\.0\.0, not 9\.9\.9"):
        ensure_builder(Home(tmp_path / "home"), builder, Runtime(), tmp_path)


def test_only_a_folder_that_names_no_class_of_ours_is_foreign(tmp_path: Path) -> None:
    assert all(is_foreign(folder) for folder in FOREIGN.iterdir())
    root = Path(__file__).parents[2]
    assert not is_foreign(root / "buildpacks" / "start")
    assert not is_foreign(tmp_path)
    (tmp_path / "buildpack.toml").write_text('api = "0.12"\n[buildpack]\nid = "a/b"\n')
    assert not is_foreign(tmp_path)


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ('[buildpack]\nversion = "1.0.0"\n', "has no id"),
        ('[buildpack]\nid = "a/b"\n', "has no version"),
        ("buildpack = 1\n", "has no id"),
    ],
)
def test_a_foreign_buildpack_has_an_identity(tmp_path: Path, toml: str, fault: str) -> None:
    copy = tmp_path / "motd"
    shutil.copytree(FOREIGN / "motd", copy)
    (copy / "buildpack.toml").write_text(toml)
    with pytest.raises(BuildpackFault, match=fault):
        ForeignBuildpack(copy)


def test_a_foreign_buildpack_without_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "buildpack.toml").write_text("api = \n")
    with pytest.raises(InvalidDocument, match="not TOML") as caught:
        is_foreign(tmp_path)
    assert str(caught.value.where).endswith("buildpack.toml:1")


def test_a_foreign_program_has_to_be_executable(tmp_path: Path) -> None:
    copy = tmp_path / "motd"
    shutil.copytree(FOREIGN / "motd", copy)
    (copy / "bin" / "detect").chmod(0o644)
    with pytest.raises(BuildpackFault, match="bin/detect") as caught:
        ForeignBuildpack(copy)
    assert "chmod +x" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('id = "samples/motto"', "names samples/motto, which nothing in the builder is"),
        ('id = "samples/motd"\nversion = "9.0.0"', "names samples/motd@9.0.0, which no"),
        ('id = "samples/motd"', "names samples/motd, of which there are 2 versions"),
    ],
)
def test_an_order_names_one_buildpack_that_is_there(tmp_path: Path, entry: str, fault: str) -> None:
    newer = tmp_path / "motd"
    shutil.copytree(FOREIGN / "motd", newer)
    toml = (newer / "buildpack.toml").read_text()
    (newer / "buildpack.toml").write_text(toml.replace("0.0.1", "0.0.2"))
    builder = tmp_path / "builder.toml"
    builder.write_text(
        f'[[buildpacks]]\nuri = "{FOREIGN / "motd"}"\n[[buildpacks]]\nuri = "motd"\n'
        f"[[order]]\n[[order.group]]\n{entry}\n"
    )
    with pytest.raises(BuildpackFault, match=f"group 1 {fault}") as caught:
        ensure_builder(Home(tmp_path / "home"), builder, Runtime(), tmp_path)
    assert "0.0.2" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ('uri = "absent"', "absent is not a folder of a buildpack and no package"),
        ('uri = "urn:cnb:registry:a/b"', "cnbkit cannot fetch urn:cnb:registry:a/b"),
    ],
)
def test_a_buildpack_that_is_not_there_is_named(tmp_path: Path, place: str, fault: str) -> None:
    builder = tmp_path / "builder.toml"
    builder.write_text(f"[[buildpacks]]\n{place}\n")
    with pytest.raises(BuildpackFault, match=fault) as caught:
        ensure_builder(Home(tmp_path / "home"), builder, Runtime(), tmp_path)
    assert caught.value.where == str(builder)
