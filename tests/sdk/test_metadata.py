"""A buildpack's own `[metadata]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, Buildpack, BuildpackFault, BuildResult, Model, field

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

HEAD = (
    'api = "0.12"\n[buildpack]\nid = "a/b"\nversion = "1.2.3"\n[metadata.cnbkit]\nentry = "p:P"\n'
)
LISTED = '[[metadata.dependencies]]\nuri = "x"\nsha256 = "y"\n'


class Line(Model):
    """A supported version."""

    version: str
    until: str = ""


class Own(Model, hyphens=True):
    """What the buildpack's descriptor holds."""

    default_version: str
    lines: list[Line] = field(default_factory=list)


class Told(Buildpack):
    """Says what it read."""

    kind: type[Model] = Own

    def build(self, ctx: BuildContext) -> BuildResult:
        ctx.log.info(repr(ctx.metadata(self.kind)))
        return BuildResult()


class All(Model):
    """With what cnbkit reads as well."""

    dependencies: list[dict[str, str]]


def _folder(root: Path, metadata: str) -> Path:
    (root / "buildpack.toml").write_text(HEAD + metadata)
    (root / "p.py").write_text("from tests.sdk.test_metadata import Told as P\n")
    return root


def test_it_is_read_as_the_authors_model_without_what_is_cnbkits(
    tmp_path: Path, buildpack_run: BuildpackRun
) -> None:
    table = '[metadata]\ndefault-version = "3.12"\n[[metadata.lines]]\nversion = "3.12"\n'
    result = buildpack_run(_folder(tmp_path, table + LISTED))
    assert repr(Own(default_version="3.12", lines=[Line(version="3.12")])) in result.log


def test_dependencies_are_in_it_where_the_model_has_them(tmp_path: Path) -> None:
    from cnbkit.spec.buildpack import read_metadata

    text = (HEAD + LISTED).encode()
    found = read_metadata(text, All, name="buildpack.toml", where=str(tmp_path))
    assert found == All(dependencies=[{"uri": "x", "sha256": "y"}])


def test_every_fault_has_its_line_and_is_the_buildpacks(
    tmp_path: Path, buildpack_run: BuildpackRun
) -> None:
    table = "[metadata]\ndefault-version = 3\n[[metadata.lines]]\nuntil = 4\nodd = 1\n"
    result = buildpack_run(_folder(tmp_path, table))
    assert isinstance(result.fault, BuildpackFault)
    text = str(result.fault)
    for line, what in ((8, "default-version"), (9, "lines[0].version"), (10, "lines[0].until")):
        assert f"buildpack.toml:{line}: {what}: " in text
    assert "buildpack.toml:11: lines[0].odd: unknown key" in text


@pytest.mark.parametrize("text", ["x", "metadata = 1", "[metadata]\n\xff", ""])
def test_a_descriptor_that_is_no_table_is_a_fault_not_a_crash(text: str) -> None:
    from cnbkit.spec.buildpack import read_metadata

    with pytest.raises(BuildpackFault, match=r"buildpack\.toml"):
        read_metadata(text.encode("latin-1"), Own, name="buildpack.toml", where="/x")
