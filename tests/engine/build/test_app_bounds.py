"""What copying an app costs is bounded by what was written in it, not by what its sizes say."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.build.app_copy import Copied, copy_app
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.app_report import told_of_app

if TYPE_CHECKING:
    from pathlib import Path

GIGABYTE = 1 << 30


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def copied(app: Path, target: Path) -> Copied:
    return copy_app(app, target, AppFiles(app))


def sparse(path: Path, size: int, pieces: dict[int, bytes]) -> None:
    """A file with these pieces, and nothing between them."""
    with path.open("wb") as file:
        file.truncate(size)
        for place, piece in pieces.items():
            file.seek(place)
            file.write(piece)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each call has copied."""
    counts: list[int] = []
    real = os.sendfile

    def sendfile(out: int, source: int, offset: int | None, count: int) -> int:
        counts.append(real(out, source, offset, count))
        return counts[-1]

    monkeypatch.setattr(os, "sendfile", sendfile)
    return counts


def test_holes_stay_holes_and_nothing_is_copied_for_them(
    app: Path, tmp_path: Path, moved: list[int]
) -> None:
    size = 2 * GIGABYTE
    pieces = {0: b"start", GIGABYTE + 123: b"middle" * 10_000, size - 3: b"end"}
    sparse(app / "disk.img", size, pieces)
    result = copied(app, tmp_path / "copy")
    new = tmp_path / "copy" / "disk.img"
    assert new.stat().st_size == size
    assert new.stat().st_blocks * 512 < 1 << 20
    assert sum(moved) < 1 << 20
    with new.open("rb") as file:
        for place, piece in pieces.items():
            file.seek(place)
            assert file.read(len(piece)) == piece
        file.seek(GIGABYTE // 2)
        assert file.read(100) == bytes(100)
    assert result.sparse == ["disk.img: 2.1 of 2.1 GB"]


def test_a_file_that_ends_in_a_hole_or_is_one_keeps_its_size(app: Path, tmp_path: Path) -> None:
    sparse(app / "end", 10 << 20, {0: b"x" * 5000})
    sparse(app / "all", 10 << 20, {})
    (app / "none").write_bytes(os.urandom(100_001))
    assert copied(app, tmp_path / "copy").sparse == []
    for name in ("end", "all", "none"):
        assert (tmp_path / "copy" / name).read_bytes() == (app / name).read_bytes()


def test_gigabytes_of_nothing_are_refused_before_anything_is_built(
    app: Path, tmp_path: Path, moved: list[int]
) -> None:
    (app / "data").mkdir()
    sparse(app / "data" / "disk.img", 20_000_000_000, {0: b"x"})
    with pytest.raises(UserFault, match=r"data/disk.img is 20.0 GB, of which 20.0 GB") as caught:
        copied(app, tmp_path / "copy")
    assert "add data/disk.img to .dockerignore" in (caught.value.remedy or "")
    assert sum(moved) < 1 << 20
    (app / ".dockerignore").write_text("data/disk.img\n")
    assert copied(app, tmp_path / "again").not_chosen == 1


def test_what_is_zeros_in_the_image_is_said(app: Path, tmp_path: Path) -> None:
    result = Copied()
    result.sparse.append("disk.img: 2.1 of 2.1 GB")
    lines: list[str] = []
    (tmp_path / "settings.txt").touch()  # no buildpack of this builder reads any
    told_of_app(result, AppFiles(app), {}, tmp_path, lines.append)
    assert lines == ["Never written, and zeros in the image: disk.img: 2.1 of 2.1 GB"]


def test_many_small_files_take_little_memory_and_few_descriptors(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4000):
        (app / f"{number}.py").touch()
    highest = []
    real = os.sendfile

    def sendfile(out: int, source: int, offset: int | None, count: int) -> int:
        highest.append(max(out, source))
        return real(out, source, offset, count)

    (app / "zzz").write_text("the last one\n")
    monkeypatch.setattr(os, "sendfile", sendfile)
    tracemalloc.start()
    try:
        copied(app, tmp_path / "copy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20, "names of a folder, and nothing of its files"
    assert max(highest) < 200
    assert len([*(tmp_path / "copy").iterdir()]) == 4001


def test_a_device_without_an_end_is_left_out(app: Path, tmp_path: Path) -> None:
    (app / "file").touch()
    try:
        os.mknod(app / "zero", 0o020666, os.makedev(1, 5))
    except PermissionError:
        assert os.geteuid() != 0, "an ordinary user's app has none"
        return
    assert copied(app, tmp_path / "copy").left_out == ["zero: a device"]
