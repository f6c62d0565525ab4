"""Archives are unpacked as their own tools do it, and never outside of the folder."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from cnbkit import BuildpackFault, PlatformFault
from cnbkit.archive import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def tree(folder: Path) -> dict[str, tuple[str, int, object]]:
    """Every name in a folder: what it is, its permissions, its contents or target."""
    found: dict[str, tuple[str, int, object]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            found[name] = ("link", 0, str(path.readlink()))
        elif path.is_dir():
            found[name] = ("folder", mode, None)
        else:
            found[name] = ("file", mode, path.read_bytes())
    return found


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What a release's archive holds."""
    root = tmp_path / "made" / "tool-1.2"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "tool").write_bytes(b"\x7fELF tool")
    (root / "bin" / "tool").chmod(0o755)
    (root / "bin" / "alias").symlink_to("tool")
    (root / "lib").mkdir(mode=0o700)
    (root / "lib" / "up").symlink_to("../bin/tool")
    (root / "lib" / "data").write_text("data\n")
    (root / "lib" / "data").chmod(0o640)
    os.link(root / "lib" / "data", root / "lib" / "same")
    (root / "README").write_text("read\n")
    (root / "README").chmod(0o644)
    for folder in (root, root / "bin"):
        folder.chmod(0o755)
    return tmp_path / "made"


PACK: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstandard.compress,
}


@pytest.mark.parametrize("form", ["ustar", "gnu", "pax", "v7"])
@pytest.mark.parametrize("kind", PACK)
def test_a_tar_is_unpacked_as_tar_does(tmp_path: Path, made: Path, kind: str, form: str) -> None:
    plain = tmp_path / "plain.tar"
    subprocess.run(["tar", f"--format={form}", "-cf", plain, "-C", made, "tool-1.2"], check=True)
    # Its bytes tell what it is, whatever it is called.
    archive = tmp_path / "download"
    archive.write_bytes(PACK[kind](plain.read_bytes()))
    for strip in (0, 1):
        theirs, ours = tmp_path / f"theirs-{strip}", tmp_path / f"ours-{strip}"
        theirs.mkdir()
        subprocess.run(
            ["tar", "-xf", plain, "-C", theirs, f"--strip-components={strip}", "-p"], check=True
        )
        unpack(str(archive), str(ours), strip=strip)
        assert tree(ours) == tree(theirs)
    assert len(tree(ours)) == 8
    times = [(folder / "README").stat().st_mtime for folder in (ours, made / "tool-1.2")]
    assert int(times[0]) == int(times[1])


def test_a_zip_has_its_permissions_and_links(tmp_path: Path, made: Path) -> None:
    archive = tmp_path / "tool.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(made.rglob("*")):
            info = zipfile.ZipInfo(path.relative_to(made).as_posix() + "/" * path.is_dir())
            if path.is_symlink():
                info = zipfile.ZipInfo(path.relative_to(made).as_posix())
            info.external_attr = path.lstat().st_mode << 16
            contents = bytes(path.readlink()) if path.is_symlink() else b""
            if path.is_file() and not path.is_symlink():
                contents = path.read_bytes()
            file.writestr(info, contents)
    unpack(str(archive), str(tmp_path / "out"))
    assert tree(tmp_path / "out") == tree(made)


def test_a_debian_package_is_unpacked_as_dpkg_does(tmp_path: Path, made: Path) -> None:
    root = tmp_path / "package"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: tool\nVersion: 1.2\nArchitecture: all\nMaintainer: a <a@example.com>\n"
        "Description: a tool\n"
    )
    (root / "usr").mkdir()
    (made / "tool-1.2").rename(root / "usr" / "lib")
    (root / "usr" / "absolute").symlink_to("/usr/lib/bin/tool")
    for compression in ("gzip", "xz", "zstd"):
        package, theirs, ours = (
            tmp_path / f"{name}-{compression}" for name in ("tool.deb", "theirs", "ours")
        )
        command: list[str | Path] = [
            "dpkg-deb",
            "--root-owner-group",
            f"-Z{compression}",
            "-b",
            root,
            package,
        ]
        subprocess.run(command, check=True, capture_output=True)
        subprocess.run(["dpkg-deb", "-x", package, theirs], check=True)
        unpack(str(package), str(ours))
        expected = tree(theirs)
        # In a layer the system's root is the layer.
        expected["usr/absolute"] = ("link", 0, "../usr/lib/bin/tool")
        assert tree(ours) == expected


def test_one_packed_file_loses_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "tool.xz").write_bytes(lzma.compress(b"\x7fELF"))
    unpack(str(tmp_path / "tool.xz"), str(tmp_path / "bin"), strip=1)
    assert tree(tmp_path / "bin") == {"tool": ("file", 0o644, b"\x7fELF")}


def _tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> str:
    with tarfile.open(path, "w") as file:
        for member in members:
            if isinstance(member, tuple):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                file.addfile(info, io.BytesIO(member[1]))
            else:
                file.addfile(member)
    return str(path)


def _info(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


HOSTILE: Mapping[str, tuple[tarfile.TarInfo | tuple[str, bytes], ...]] = {
    "a name above": (("../evil", b"x"),),
    "an absolute name": (("/tmp/evil", b"x"),),
    "a name above in its middle": (("a/../../evil", b"x"),),
    "a link above": (_info("a", tarfile.SYMTYPE, "../outside"), ("a/evil", b"x")),
    "an absolute link": (_info("a", tarfile.SYMTYPE, "/etc"), ("a/evil", b"x")),
    "a link by way of another": (
        _info("here", tarfile.SYMTYPE, "."),
        _info("up", tarfile.SYMTYPE, "here/.."),
        ("up/outside/evil", b"x"),
    ),
    "a folder through a link": (
        _info("here", tarfile.SYMTYPE, "."),
        _info("up", tarfile.SYMTYPE, "here/.."),
        _info("up/evil", tarfile.DIRTYPE),
    ),
    "another name of a file outside": (_info("a", tarfile.LNKTYPE, "../outside/secret"),),
    "another name by way of a link": (
        _info("here", tarfile.SYMTYPE, "."),
        _info("up", tarfile.SYMTYPE, "here/.."),
        _info("a", tarfile.LNKTYPE, "up/outside/secret"),
    ),
    "a device": (_info("null", tarfile.CHRTYPE),),
    "a pipe": (_info("pipe", tarfile.FIFOTYPE),),
    "no name": (("./", b"x"),),
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_is_written_outside(
    tmp_path: Path, members: tuple[tarfile.TarInfo | tuple[str, bytes], ...]
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    archive = _tar(tmp_path / "evil.tar", *members)
    with pytest.raises(BuildpackFault, match=r"evil\.tar is not unpacked") as caught:
        unpack(archive, str(tmp_path / "to"))
    assert caught.value.where == archive
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]
    assert (tmp_path / "outside" / "secret").stat().st_nlink == 1
    assert not list(tmp_path.glob("evil"))


def test_a_zip_leads_nowhere_else_either(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        link = zipfile.ZipInfo("up")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "..")
        file.writestr("up/evil", "x")
    with pytest.raises(BuildpackFault, match=r"links to \.\., which is outside"):
        unpack(str(tmp_path / "evil.zip"), str(tmp_path / "to"))
    assert not (tmp_path / "evil").exists()


def test_a_later_member_replaces_a_link_and_does_not_write_through_it(tmp_path: Path) -> None:
    archive = _tar(
        tmp_path / "a.tar", ("real", b"1"), _info("name", tarfile.SYMTYPE, "real"), ("name", b"2")
    )
    unpack(archive, str(tmp_path / "to"))
    assert tree(tmp_path / "to") == {
        "name": ("file", 0o644, b"2"),
        "real": ("file", 0o644, b"1"),
    }


def test_owners_and_set_user_id_are_left_out(tmp_path: Path) -> None:
    info = tarfile.TarInfo("su")
    info.mode, info.uid = 0o6755, 12345
    unpack(_tar(tmp_path / "a.tar", info), str(tmp_path / "to"))
    made = (tmp_path / "to" / "su").stat()
    assert (stat.S_IMODE(made.st_mode), made.st_uid) == (0o755, os.getuid())


DAMAGED = {
    "a page": b"<html>not found</html>",
    "nothing": b"",
    "half a gzip": gzip.compress(os.urandom(4096))[:2000],
    "half a zip": b"PK\x03\x04 and no more",
    "half a package": b"!<arch>\ndebian-binary",
    "a package without data": b"!<arch>\n",
    "half an xz": lzma.compress(os.urandom(4096))[:2000],
    "half a bzip2": bz2.compress(os.urandom(4096))[:2000],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_no_archive_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "tool.tgz").write_bytes(data)
    with pytest.raises(BuildpackFault, match=r"tool\.tgz is damaged") as caught:
        unpack(str(tmp_path / "tool.tgz"), str(tmp_path / "to"))
    assert caught.value.where == str(tmp_path / "tool.tgz")


def test_what_unpacks_to_much_is_refused_before_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnbkit.archive_folder._AT_LEAST", 3_000_000)
    zeros = bytes(20_000_000)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", zeros)
    plain = _tar(tmp_path / "plain.tar", ("zeros", zeros))
    (tmp_path / "b.tgz").write_bytes(gzip.compress(Path(plain).read_bytes()))
    (tmp_path / "b.xz").write_bytes(lzma.compress(zeros))
    (tmp_path / "b.zst").write_bytes(zstandard.compress(zeros))
    for name in ("b.zip", "b.tgz", "b.xz", "b.zst"):
        with pytest.raises(BuildpackFault, match=r"unpacks to more than"):
            unpack(str(tmp_path / name), str(tmp_path / "to" / name))
        assert _size(tmp_path / "to" / name) < 8_000_000
    unpack(plain, str(tmp_path / "to" / "plain"))  # as large as it says


def test_an_archive_of_names_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnbkit.archive_folder._MEMBERS", 100)
    archive = _tar(tmp_path / "a.tar", *((str(number), b"") for number in range(101)))
    with pytest.raises(BuildpackFault, match="100 in it comes after 100 others"):
        unpack(archive, str(tmp_path / "to"))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_names_without_end_are_not_read(tmp_path: Path, kind: bytes) -> None:
    archive = _tar(tmp_path / "a.tar", _info("x", kind, ""), ("y", b""))
    with open(archive, "r+b") as file:  # noqa: PTH123
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 1 << 40
        file.write(info.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(BuildpackFault, match=r"names of 1099511627776 bytes are none"):
        unpack(archive, str(tmp_path / "to"))


def test_a_link_to_more_than_a_path_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w", zipfile.ZIP_DEFLATED) as file:
        link = zipfile.ZipInfo("x")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "a" * 10_000_000, zipfile.ZIP_DEFLATED)
    with pytest.raises(BuildpackFault, match="x in it links to more than a path"):
        unpack(str(tmp_path / "evil.zip"), str(tmp_path / "to"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_place_that_cannot_be_written_is_the_platforms_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    archive = _tar(tmp_path / "a.tar", ("x", b"1"))
    with pytest.raises(PlatformFault, match=r"cannot unpack a\.tar: Not a directory"):
        unpack(archive, str(tmp_path / "file" / "to"))
