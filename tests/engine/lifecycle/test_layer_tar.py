"""A layer's archive: readable by anybody, complete, and the same whatever the host's user.

That it is the lifecycle's own, byte for byte, is proved in tests/e2e/test_ready_layers.py.
"""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit_engine.lifecycle.layer_tar import Unusual, layer_tar
from cnbkit_engine.state.beneath import Folder


def archive(folder: Path) -> bytes:
    with Folder(folder.parent.parent) as top:
        place = f"{folder.parent.name}/{folder.name}"
        return b"".join(layer_tar(top, place, "/layers", uid=1000, gid=1000))


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        return {f"/{member.name.lstrip('/')}": member for member in tar}


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    folder = tmp_path / "layers" / "bp" / "layer"
    folder.mkdir(parents=True)
    return folder


def test_parents_come_first_and_all_else_by_name(layer: Path) -> None:
    (layer / "b").write_text("x")
    (layer / "a").mkdir()
    (layer / "a" / "z").write_text("y")
    (layer / "a.txt").write_text("z")

    assert list(members(archive(layer))) == [
        *("/layers", "/layers/bp", "/layers/bp/layer", "/layers/bp/layer/a"),
        *("/layers/bp/layer/a/z", "/layers/bp/layer/a.txt", "/layers/bp/layer/b"),
    ]


def test_owner_and_date_are_fixed_and_modes_are_kept(layer: Path) -> None:
    program = layer / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o4751)
    os.utime(program, (0, 0))

    found = members(archive(layer))["/layers/bp/layer/program"]
    assert (found.uid, found.gid, found.uname, found.gname) == (1000, 1000, "", "")
    assert found.mtime == 315532801
    assert found.mode == 0o4751


def test_a_large_file_comes_in_pieces_and_whole(layer: Path) -> None:
    content = os.urandom(3_000_001)
    (layer / "weights").write_bytes(content)
    data = archive(layer)

    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        file = tar.extractfile("/layers/bp/layer/weights")
        assert file is not None
        assert file.read() == content


def test_what_is_no_file_is_left_to_the_lifecycle(layer: Path) -> None:
    os.mkfifo(layer / "pipe")
    with pytest.raises(Unusual, match="layer/pipe"):
        archive(layer)


names = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=80
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 250)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(names, min_size=1, max_size=5), max_size=6), names)
def test_every_name_can_be_read_back(paths: list[list[str]], link: str) -> None:
    with TemporaryDirectory() as scratch:
        layer = Path(scratch, "bp", "layer")
        layer.mkdir(parents=True)
        made = {}
        for parts in paths:
            path = layer.joinpath(*parts)
            with suppress(OSError):  # a file is where a folder is wanted
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("/".join(parts))
                made[f"/layers/bp/layer/{'/'.join(parts)}"] = "/".join(parts)
        with suppress(OSError):
            (layer / "a link").symlink_to(f"{link}/" * 3)

        data = archive(layer)
        found = members(data)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for name, content in made.items():
                file = tar.extractfile(found[name])
                assert file is not None
                assert file.read().decode() == content
        if (layer / "a link").is_symlink():
            assert found["/layers/bp/layer/a link"].linkname == f"{link}/" * 3
