"""Buildpacks of `[system]` run around every group, also around one that an app chooses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import BuildpackFault
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing import LifecycleBuild

CHOICE = '[_]\nschema-version = "0.2"\n[[io.buildpacks.group]]\nid = "team/one"\n'


def _buildpack(folder: Path, name: str, *, api: str = "0.10") -> None:
    (folder / name / "bin").mkdir(parents=True)
    (folder / name / "buildpack.toml").write_text(
        f'api = "{api}"\n[buildpack]\nid = "team/{name}"\nversion = "1.0.0"\n'
        '[[targets]]\nos = "linux"\n'
    )
    (folder / name / "bin" / "detect").write_text("#!/bin/sh\n")
    (folder / name / "bin" / "build").write_text(
        f'#!/bin/sh\necho "{name} is here, RULES=$RULES"\n'
        'printf "[[processes]]\\ntype = \\"web\\"\\ncommand = [\\"true\\"]\\n"'
        ' >"$CNB_LAYERS_DIR/launch.toml"\n'
    )
    for program in (folder / name / "bin").iterdir():
        program.chmod(0o755)


@pytest.fixture
def toml(build_image: str, tmp_path: Path) -> Path:
    """A builder of four buildpacks, of which `first` and `last` are the platform's."""
    names = ("first", "one", "two", "last")
    for name in names:
        _buildpack(tmp_path, name)
    path = tmp_path / "builder.toml"
    path.write_text(
        f'[build]\nimage = "{build_image}"\n'
        '[[build.env]]\nname = "RULES"\nvalue = "ours"\nsuffix = "override"\n'
        + "".join(f'[[buildpacks]]\nuri = "{name}"\n' for name in names)
        + '[[system.pre.buildpacks]]\nid = "team/first"\n'
        + '[[system.post.buildpacks]]\nid = "team/last"\n'
        + '[[order]]\n[[order.group]]\nid = "team/one"\n[[order.group]]\nid = "team/two"\n'
    )
    return path


@pytest.mark.parametrize("engine", ["sandbox", "pack"])
def test_an_app_chooses_its_group_and_not_what_is_around_it(
    engine: str, toml: Path, request: pytest.FixtureRequest
) -> None:
    fixture = {"sandbox": "lifecycle_build", "pack": "pack_build"}[engine]
    build: LifecycleBuild = request.getfixturevalue(fixture)
    app = {"app.py": ""}
    built = build.build(app, builder=toml, env={"RULES": "mine"})
    assert _took_part(built.log) == ["first", "one", "two", "last"]
    chosen = built.rebuild(app={"project.toml": CHOICE})
    assert _took_part(chosen.log) == ["first", "one", "last"]
    told = json.loads(chosen.image.labels["io.buildpacks.build.metadata"])
    assert [each["id"] for each in told["buildpacks"]] == ["team/first", "team/one", "team/last"]


def _took_part(log: str) -> list[str]:
    """Who says so, with the platform's value of the variable."""
    lines = [line.strip() for line in log.splitlines() if "is here, RULES=ours" in line]
    return [line.partition(" is here")[0].rpartition(" ")[2] for line in lines]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('[[system.pre.buildpacks]]\nid = "team/none"\n', "system.pre names team/none"),
        (
            '[[system.post.buildpacks]]\nid = "team/two"\noptional = true\n',
            "system.post has team/two as optional, which the lifecycle ignores",
        ),
        (
            '[[order-extensions]]\n[[order-extensions.group]]\nid = "team/extension"\n',
            "order-extensions group 1 names team/extension, which nothing in the builder is",
        ),
    ],
)
def test_a_builder_that_names_what_it_has_not_is_not_made(
    toml: Path, entry: str, said: str, tmp_path: Path
) -> None:
    toml.write_text(toml.read_text() + entry)
    image = BuilderImage(toml, run_image="r.example/run:1")
    with pytest.raises(BuildpackFault) as caught:
        image.save(Home.default(), "oci", tmp_path / "out")
    assert said in str(caught.value)


def test_buildpacks_that_the_lifecycle_or_the_build_image_cannot_run_are_named(
    toml: Path, tmp_path: Path
) -> None:
    _buildpack(tmp_path, "newer", api="0.99")
    text = toml.read_text().replace("[[system.pre", '[[buildpacks]]\nuri = "newer"\n[[system.pre')
    toml.write_text(text)
    with pytest.raises(BuildpackFault) as caught:
        BuilderImage(toml, run_image="r.example/run:1").save(
            Home.default(), "oci", tmp_path / "out"
        )
    said = str(caught.value)
    assert "team/newer@1.0.0 is written for Buildpack API 0.99, which lifecycle" in said
