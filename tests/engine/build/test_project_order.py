"""Buildpacks that project.toml asks for, as pack's source says: `group` replaces, others add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.build.project_order import builder_for
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.spec.project import read_project
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path

BUILDER = """\
[[buildpacks]]
uri = "a"
[[buildpacks]]
uri = "../b"
[[order]]
[[order.group]]
id = "x/a"
[[order]]
[[order.group]]
id = "x/b"
optional = true
"""
GROUP, PRE, POST = (f"[[io.buildpacks.{name}]]\n" for name in ("group", "pre.group", "post.group"))
HEAD = '[_]\nschema-version = "0.2"\n'


def orders(tmp_path: Path, text: str) -> list[list[str]]:
    builder = tmp_path / "builder.toml"
    builder.write_text(BUILDER)
    path = builder_for(Home(tmp_path / "home"), builder, read_project(HEAD + text)[0])
    found = BuilderDescriptor.loads(path.read_bytes())
    if path != builder:
        uris = [each.uri for each in found.buildpacks]
        assert uris == [str(tmp_path / "a"), str(tmp_path.parent / "b")]
        assert builder_for(Home(tmp_path / "home"), builder, read_project(HEAD + text)[0]) == path
    return [
        [f"{each.id}{'?' if each.optional else ''}" for each in order.group]
        for order in found.order
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", [["x/a"], ["x/b?"]]),
        (f"{GROUP}id = 'x/b'\n{GROUP}id = 'x/a'\n", [["x/b", "x/a"]]),
        (f"{PRE}id = 'x/b'\n", [["x/b", "x/a"], ["x/b", "x/b?"]]),
        (f"{POST}id = 'x/a'\n", [["x/a", "x/a"], ["x/b?", "x/a"]]),
        (f"{GROUP}uri = 'urn:cnb:builder:x/b'\n{PRE}id = 'x/a'\n", [["x/a", "x/b"]]),
    ],
)
def test_the_order_is_the_one_that_pack_would_take(
    tmp_path: Path, text: str, wanted: list[list[str]]
) -> None:
    assert orders(tmp_path, text) == wanted


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('id = "x/c"', "asks for buildpacks that the builder has not: x/c"),
        ('uri = "./own"', "brings a buildpack of its own: ./own"),
        (
            'id = "x/c"\n[io.buildpacks.group.script]\napi = "0.10"\ninline = "true"',
            "brings a buildpack of its own: the script x/c",
        ),
    ],
)
def test_what_the_builder_has_not_is_told_with_a_way(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(UserFault, match=what) as caught:
        orders(tmp_path, f"[[io.buildpacks.group]]\n{text}\n")
    assert "--engine pack" in (caught.value.remedy or "")
