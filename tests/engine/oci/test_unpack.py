"""Layers on disk: what they become, and what hostile ones do not."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import DigestMismatch, ImageStore
from cnbkit_engine.oci.unpack import unpack_layer
from cnbkit_engine.oci.unpacked import ensure_layer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]


def member(kind: bytes, *, mode: int = 0o644, link: str = "", mtime: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo()
    entry.type, entry.mode, entry.linkname, entry.mtime = kind, mode, link, mtime
    return entry


def names_in(folder: Path) -> list[str]:
    """What is there, besides the records of folders."""
    records = (".boot", ".files.json")
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(records))


def unpack(data: bytes, directory: Path) -> Path:
    unpack_layer(io.BytesIO(data), directory)
    return directory


def test_the_lifecycles_absolute_names_count_from_the_layer(
    tmp_path: Path, make_tar: MakeTar
) -> None:
    layer = unpack(make_tar({"/layers/": "", "/layers/a": b"x"}), tmp_path / "layer")
    assert (layer / "layers" / "a").read_bytes() == b"x"


def test_whatever_the_modes_the_owner_can_read_and_remove_everything(
    tmp_path: Path, make_tar: MakeTar
) -> None:
    data = make_tar(
        {
            "closed": member(tarfile.DIRTYPE, mode=0),
            "closed/file": member(tarfile.REGTYPE, mode=0),
            "setuid": member(tarfile.REGTYPE, mode=0o6755),
            "tmp": member(tarfile.DIRTYPE, mode=0o1777),
        }
    )
    layer = unpack(data, tmp_path / "layer")

    def mode(name: str) -> int:
        return stat.S_IMODE((layer / name).stat().st_mode)

    assert mode("closed") == 0o700
    assert mode("closed/file") == 0o400
    assert mode("setuid") == 0o755
    assert mode("tmp") == 0o1777


def test_times_are_kept_since_python_compares_them(tmp_path: Path, make_tar: MakeTar) -> None:
    data = make_tar(
        {
            "d": member(tarfile.DIRTYPE, mtime=315532801),
            "d/a.py": member(tarfile.REGTYPE, mtime=315532801),
        }
    )
    layer = unpack(data, tmp_path / "layer")
    assert (layer / "d").stat().st_mtime == 315532801
    assert (layer / "d" / "a.py").stat().st_mtime == 315532801


def test_whiteouts_become_overlayfs_own(tmp_path: Path, make_tar: MakeTar) -> None:
    data = make_tar({"d/.wh.gone": b"", "e/.wh..wh..opq": b"", "e/new": b"x"})
    layer = unpack(data, tmp_path / "layer")
    status = (layer / "d" / "gone").lstat()
    assert stat.S_ISCHR(status.st_mode)
    assert status.st_rdev == 0
    assert os.getxattr(layer / "e", "user.overlay.opaque") == b"y"
    assert names_in(layer / "e") == ["new"]


def test_links_stay_as_they_are(tmp_path: Path, make_tar: MakeTar) -> None:
    data = make_tar({"a": b"x", "s": "/a", "h": member(tarfile.LNKTYPE, link="/a")})
    layer = unpack(data, tmp_path / "layer")
    assert (layer / "s").readlink().as_posix() == "/a"
    assert (layer / "h").samefile(layer / "a")


def test_a_later_entry_replaces_an_earlier_one(tmp_path: Path, make_tar: MakeTar) -> None:
    buffer = io.BytesIO(make_tar({"a": "elsewhere", "b": b"1", "c/x": b"1"}))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        for name, kind in (("a", tarfile.REGTYPE), ("b", tarfile.DIRTYPE), ("c", tarfile.REGTYPE)):
            entry = member(kind)
            entry.name = name
            archive.addfile(entry)
    layer = unpack(buffer.getvalue(), tmp_path / "layer")
    assert (layer / "a").is_file()
    assert not (layer / "a").is_symlink()
    assert (layer / "b").is_dir()
    assert (layer / "c").is_file()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_names_without_end_are_not_read(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 1 << 40
    with pytest.raises(PlatformFault) as caught:
        unpack(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20), tmp_path / "layer")
    assert "names of 1099511627776 bytes are none" in str(caught.value)


def of_pax(name: str, headers: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.pax_headers = 1, headers
        archive.addfile(entry, io.BytesIO(b"x"))
    return buffer.getvalue()


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0", "old"])
def test_zeros_that_the_archive_does_not_have_are_not_written(tmp_path: Path, version: str) -> None:
    size = "9999999999999"
    old = {"GNU.sparse.numblocks": "1", "GNU.sparse.size": size}
    headers = {
        "0.0": {**old, "GNU.sparse.offset": "0", "GNU.sparse.numbytes": "1"},
        "0.1": {**old, "GNU.sparse.map": "0,1"},
        "1.0": {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": size},
    }
    data = of_pax("zeros", headers.get(version, {}))
    if version == "1.0":
        data = data.replace(b"x" + bytes(511), b"1\n0\n1\n".ljust(512, b"\0"))
    if version == "old":
        entry = tarfile.TarInfo("zeros")
        entry.type = tarfile.GNUTYPE_SPARSE
        block = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
        block[386:410] = b"%011o\0%011o\0" % (0, 0)
        block[483:495] = b"%011o\0" % (8 << 30)
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block[:512])
        data = bytes(block) + bytes(1024)
    with pytest.raises(PlatformFault, match="a layer cannot be unpacked") as caught:
        unpack(data, tmp_path / "layer")
    assert "zeros is a sparse file" in str(caught.value)
    assert not (tmp_path / "layer/zeros").exists()


@pytest.mark.parametrize("mtime", ["1e300", "-1e300", "99999999999999999999", "inf"])
def test_a_time_that_no_file_can_have_is_the_nearest(tmp_path: Path, mtime: str) -> None:
    layer = unpack(of_pax("file", {"mtime": mtime}), tmp_path / "layer")
    known = (layer / "file").stat().st_mtime
    assert known > 2**32 or (mtime.startswith("-") and known <= 0)


def test_devices_pipes_and_sockets_are_left_out(tmp_path: Path, make_tar: MakeTar) -> None:
    kinds = {"chr": tarfile.CHRTYPE, "blk": tarfile.BLKTYPE, "fifo": tarfile.FIFOTYPE}
    layer = unpack(make_tar({name: member(k) for name, k in kinds.items()}), tmp_path / "layer")
    assert names_in(layer) == []


@pytest.mark.parametrize(
    "entries",
    [
        {"../evil": b"x"},
        {"a/../../evil": b"x"},
        {"/../evil": b"x"},
        {"link": "OUTSIDE", "link/evil": b"x"},
        {"link": "..", "link/evil": b"x"},
        {"link": "OUTSIDE", "link/sub/evil": b"x"},
        {"link": "OUTSIDE", "link/.wh.secret": b""},
        {"link": "OUTSIDE", "link/.wh..wh..opq": b""},
        {"d/.wh...": b""},
        {"hard": member(tarfile.LNKTYPE, link="../outside/secret")},
        {"link": "OUTSIDE", "hard": member(tarfile.LNKTYPE, link="link/secret")},
        {"file": b"x", "file/below": b"x"},
    ],
    ids=lambda entries: "+".join(entries),
)
def test_a_hostile_layer_writes_and_reads_nothing_outside(
    tmp_path: Path, make_tar: MakeTar, entries: dict[str, Any]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    entries = {name: str(outside) if c == "OUTSIDE" else c for name, c in entries.items()}
    with pytest.raises(PlatformFault):
        unpack(make_tar(entries), tmp_path / "layer")
    assert names_in(tmp_path) == ["layer", "outside"]
    assert names_in(outside) == ["secret"]
    assert (outside / "secret").read_text() == "secret"


def test_a_file_does_not_write_through_an_earlier_link(tmp_path: Path, make_tar: MakeTar) -> None:
    victim = tmp_path / "victim"
    victim.write_text("safe")
    buffer = io.BytesIO(make_tar({"a": str(victim)}))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        entry = member(tarfile.REGTYPE)
        entry.name, entry.size = "a", 4
        archive.addfile(entry, io.BytesIO(b"evil"))
    layer = unpack(buffer.getvalue(), tmp_path / "layer")
    assert victim.read_text() == "safe"
    assert (layer / "a").read_text() == "evil"


@pytest.mark.parametrize("data", [b"", b"\x1f\x8bnot gzip", b"x" * 2000, b"\x28\xb5\x2f\xfd00"])
def test_what_is_no_layer_is_a_platform_fault(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((PlatformFault, OSError)):
        unpack(data, tmp_path / "layer")


@pytest.mark.parametrize("compress", [True, False])
def test_a_layer_is_unpacked_once(
    home: Home, make_image: MakeImage, make_tar: MakeTar, compress: bool
) -> None:
    make_image("demo", [make_tar({"a": b"x"})], compress=compress)
    store = ImageStore(home.images)
    layer = Image.from_store(store, "demo").layers[0]
    first = ensure_layer(home, store, layer)
    store.blob_path(layer.digest).unlink()
    assert ensure_layer(home, store, layer) == first
    assert first.name == layer.diff_id.removeprefix("sha256:")
    assert names_in(home.layers) == [first.name]
    assert home.layers.stat().st_mode & 0o077 == 0, "an image's files are not for other users"


@pytest.mark.parametrize("damage", ["other content", "cut off"])
def test_a_damaged_layer_is_not_used(
    home: Home, make_image: MakeImage, make_tar: MakeTar, damage: str
) -> None:
    make_image("demo", [make_tar({"a": b"x" * 100_000})])
    store = ImageStore(home.images)
    layer = Image.from_store(store, "demo").layers[0]
    blob = store.blob_path(layer.digest)
    good = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(make_tar({"a": b"evil"}) if damage == "other content" else good[:-50])
    expected = DigestMismatch if damage == "other content" else PlatformFault
    with pytest.raises(expected):
        ensure_layer(home, store, layer)
    assert names_in(home.layers) == []


def test_processes_may_unpack_the_same_layer_at_once(
    home: Home, make_image: MakeImage, make_tar: MakeTar
) -> None:
    make_image("demo", [make_tar({f"f{number}": b"x" * 1000 for number in range(500)})])
    program = (
        "import pathlib, sys\n"
        "from cnbkit_engine.state.home import Home\n"
        "from cnbkit_engine.oci.image import Image\n"
        "from cnbkit_engine.oci.store import ImageStore\n"
        "from cnbkit_engine.oci.unpacked import ensure_layer\n"
        "home = Home(pathlib.Path(sys.argv[1]))\n"
        "store = ImageStore(home.images)\n"
        "place = ensure_layer(home, store, Image.from_store(store, 'demo').layers[0])\n"
        "assert len(list(place.iterdir())) == 500\n"
    )
    command = [sys.executable, "-c", program, str(home.root)]
    workers = [subprocess.Popen(command) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    assert len(names_in(home.layers)) == 1


def test_a_killed_unpacking_is_swept_up_by_the_next(
    home: Home, make_image: MakeImage, make_tar: MakeTar
) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from cnbkit_engine.state.workspace import Workspace\n"
        "with Workspace(pathlib.Path(sys.argv[1])) as workspace:\n"
        "    (workspace / 'half').mkdir()\n"
        "    (workspace / 'half').chmod(0)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, home.layers], check=False)
    assert len(names_in(home.layers)) == 2, "folder and lock"
    make_image("demo", [make_tar({"a": b"x"})])
    store = ImageStore(home.images)
    place = ensure_layer(home, store, Image.from_store(store, "demo").layers[0])
    assert names_in(home.layers) == [place.name]
