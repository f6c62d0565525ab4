"""Reading what is compressed by zstd, damaged and hostile files included."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.sbom import read_documents
from cnbkit_engine.oci.unpack import open_plain, unpack_layer
from cnbkit_engine.oci.zstd import BadZstd, open_zstd

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeTar = Callable[..., bytes]

TEXT = b"".join(b"%d of many lines\n" % number for number in range(50_000))
SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"


def test_frames_follow_each_other_and_those_with_notes_are_passed_over() -> None:
    # What podman's zstd:chunked writes.
    data = zstd.compress(TEXT) + SKIPPABLE + zstd.compress(b"the end")
    assert open_zstd(io.BytesIO(data)).read() == TEXT + b"the end"


def test_a_layer_is_the_same_as_its_gzip(tmp_path: Path, make_tar: MakeTar) -> None:
    tar = make_tar({"a/": "", "a/b": b"x" * 100_000})
    diff_id = unpack_layer(io.BytesIO(gzip.compress(tar)), tmp_path / "gzip")
    assert unpack_layer(io.BytesIO(zstd.compress(tar)), tmp_path / "zstd") == diff_id
    assert (tmp_path / "zstd/a/b").read_bytes() == (tmp_path / "gzip/a/b").read_bytes()


def test_bills_of_materials_are_read(make_tar: MakeTar) -> None:
    layer = make_tar({"layers/sbom/launch/sbom.cdx.json": b"{}"})
    found = read_documents(io.BytesIO(zstd.compress(layer)))
    assert found == {"layers/sbom/launch/sbom.cdx.json": b"{}"}


@pytest.mark.parametrize("cut", [5, 1000, -1])
def test_what_is_cut_off_is_not_taken_for_whole(cut: int) -> None:
    with pytest.raises(EOFError):
        open_zstd(io.BytesIO(zstd.compress(TEXT)[:cut])).read()


def test_damage_is_a_fault_that_names_the_layer(tmp_path: Path, make_tar: MakeTar) -> None:
    data = bytearray(zstd.compress(make_tar({"a": TEXT})))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    with pytest.raises((BadZstd, EOFError)):
        open_plain(io.BytesIO(data)).read()
    with pytest.raises(PlatformFault, match="a layer cannot be unpacked") as caught:
        unpack_layer(io.BytesIO(data), tmp_path / "layer")
    assert caught.value.where == "layer"


def test_a_frame_that_asks_its_reader_for_a_gigabyte_is_refused() -> None:
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 30,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    packer = zstd.ZstdCompressor(options=options)
    data = packer.compress(TEXT) + packer.flush()  # without the size, so the window stays
    with pytest.raises(BadZstd, match="more than it may take"):
        open_zstd(io.BytesIO(data)).read(10)


def test_a_bomb_is_read_in_little_memory_as_far_as_it_is_asked_for(tmp_path: Path) -> None:
    packer = zstd.ZstdCompressor(level=19)
    with (tmp_path / "bomb").open("wb") as file:
        for _ in range(2000):
            file.write(packer.compress(bytes(1 << 20)))
        file.write(packer.flush())
    assert (tmp_path / "bomb").stat().st_size < 1 << 20
    code = (
        "import resource, sys\n"
        "from cnbkit_engine.oci.unpack import open_plain\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "plain = open_plain(open(sys.argv[1], 'rb'))\n"
        "total = sum(len(plain.read(1 << 20)) for _ in range(200))\n"
        "print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    told = subprocess.check_output([sys.executable, "-c", code, tmp_path / "bomb"], text=True)
    total, grown = map(int, told.split())
    assert total == 200 << 20
    assert grown * 1024 < 64 << 20


def test_a_tar_in_it_is_bounded_as_any(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        sparse = tarfile.TarInfo("zeros")
        sparse.pax_headers = {"GNU.sparse.realsize": str(1 << 40), "GNU.sparse.map": "0,0"}
        tar.addfile(sparse)
    with pytest.raises(PlatformFault):
        unpack_layer(io.BytesIO(zstd.compress(out.getvalue())), tmp_path / "layer")
