"""What builder.toml says of build image and lifecycle is obeyed, or refused by name."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit.spec.toml import encode
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.builder.choices import Choices, choices
from cnbkit_engine.lifecycle.archive import lifecycle_table, write_lifecycle
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, PHASES, ensure_lifecycle
from cnbkit_engine.lifecycle.named import check_version, named_lifecycle
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path

ARCH = machine_architecture()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Choices()),
        ("[build", Choices()),  # whoever assembles the builder says what is wrong
        ('[build]\nimage = "r.example/build:1"\n', Choices("r.example/build:1")),
        ('[stack]\nbuild-image = "r.example/old:1"\n', Choices("r.example/old:1")),
        ('[lifecycle]\nuri = "l.tgz"\n', Choices(lifecycle_uri="l.tgz")),
        ('[lifecycle]\nversion = "0.20.1"\n', Choices(lifecycle_version="0.20.1")),
        ("build = 1\nlifecycle = 2\n", Choices()),
    ],
)
def test_a_builder_is_asked_what_it_chooses(tmp_path: Path, text: str, expected: Choices) -> None:
    (tmp_path / "builder.toml").write_text(text)
    assert choices(tmp_path / "builder.toml") == expected


def test_another_version_than_the_one_here_is_refused_by_name(tmp_path: Path) -> None:
    check_version("", tmp_path)
    check_version(LIFECYCLE_VERSION, tmp_path)
    with pytest.raises(UserFault, match=r"not 0\.20\.1"):
        check_version("0.20.1", tmp_path)


def test_the_archive_a_builder_names_is_used(home: Home, tmp_path: Path) -> None:
    own = ensure_lifecycle(Home.default(), arch=ARCH)
    write_lifecycle(own, tmp_path / "lifecycle.tgz")
    found = named_lifecycle(home, "lifecycle.tgz", tmp_path / "builder.toml", ARCH)
    assert (found / "launcher").read_bytes() == (own / "launcher").read_bytes()
    assert {*PHASES} <= {path.name for path in found.iterdir()}
    assert named_lifecycle(home, "lifecycle.tgz", tmp_path / "builder.toml", ARCH) == found


def test_an_archive_that_the_engine_cannot_use_is_refused(home: Home, tmp_path: Path) -> None:
    builder = tmp_path / "builder.toml"
    with pytest.raises(UserFault, match="there is no archive"):
        named_lifecycle(home, "none.tgz", builder, ARCH)
    table = lifecycle_table()
    table["apis"]["platform"]["supported"] = ["0.13", "0.14"]
    table["lifecycle"]["version"] = "0.20.9"
    with tarfile.open(tmp_path / "old.tgz", "w:gz") as archive:
        files = {"lifecycle.toml": encode(table).encode()}
        files |= {f"lifecycle/{name}": b"" for name in (*PHASES, "launcher", "lifecycle")}
        for name, data in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    with pytest.raises(UserFault) as caught:
        named_lifecycle(home, "old.tgz", builder, ARCH)
    assert "lifecycle 0.20.9 does not speak Platform API 0.15" in caught.value.what
    assert "--engine pack" in (caught.value.remedy or "")
