"""What the system refuses is told as what it is: the disk is full only where it is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.state.disk import (
    StoreFull,
    disk_fault,
    mark_used,
    replace_file,
    said_by_program,
)

if TYPE_CHECKING:
    from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}


def test_free_space_is_advised_only_where_there_is_none(tmp_path: Path) -> None:
    for code in errno.errorcode:
        fault = disk_fault(OSError(code, os.strerror(code)), "cannot write", tmp_path)
        assert isinstance(fault, StoreFull) is (code in FULL)
        assert ("free space" in str(fault)) is (code == errno.ENOSPC)
        assert fault.remedy
        assert fault.where == str(tmp_path)


@pytest.mark.parametrize(
    ("code", "said", "advised"),
    [
        (errno.ENOSPC, "the disk is full", "larger disk"),
        (errno.EDQUOT, "quota", "remove files"),
        (errno.EROFS, "read-only", "writable"),
        (errno.EACCES, "permission denied", "CNBKIT_HOME"),
        (errno.EMFILE, "too many open files", "ulimit -n"),
        (errno.ENAMETOOLONG, "too long", "shorter"),
        (errno.ENOENT, "not there", "try again"),
        (errno.ENOTDIR, "a file is in the way", "move it"),
    ],
)
def test_each_refusal_has_its_own_words(code: int, said: str, advised: str) -> None:
    fault = disk_fault(OSError(code, os.strerror(code)), "cannot write", "/nowhere")
    assert said in fault.what
    assert advised in str(fault.remedy)


def test_the_file_the_system_names_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "gone").open()
    fault = disk_fault(caught.value, "cannot read", tmp_path)
    assert fault.where == str(tmp_path / "gone")


def test_what_cannot_be_marked_as_used_is_named(tmp_path: Path) -> None:
    mark_used(tmp_path)
    with pytest.raises(PlatformFault) as caught:
        mark_used(tmp_path / "gone")
    assert caught.value.where == str(tmp_path / "gone")
    program = (
        "import pathlib, sys\n"
        "from cnbkit.errors import PlatformFault\n"
        "from cnbkit_engine.state.disk import mark_used\n"
        "try:\n"
        "    mark_used(pathlib.Path(sys.argv[1]))\n"
        "except PlatformFault as fault:\n"
        "    print(fault)\n"
    )
    script = 'mount -t tmpfs -o ro tmpfs "$2" && exec "$0" -c "$1" "$2"'
    command = ["sh", "-c", script, sys.executable, program, str(tmp_path)]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *command],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the file system is read-only" in done.stdout.splitlines()[0]
    assert f"where: {tmp_path}" in done.stdout


def test_a_file_system_without_inodes_is_not_told_as_a_full_disk(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from cnbkit_engine.oci.store import ImageStore, StoreFull\n"
        "store = ImageStore(pathlib.Path(sys.argv[1]) / 'images')\n"
        "try:\n"
        "    for number in range(100):\n"
        "        store.put_blob(b'%d' % number)\n"
        "except StoreFull as fault:\n"
        "    print(fault)\n"
    )
    script = 'mount -t tmpfs -o size=10m,nr_inodes=30 tmpfs "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    result = subprocess.run(
        [*command, str(tmp_path), sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "inodes" in result.stdout, result.stderr
    assert "disk is full" not in result.stdout
    assert "df -i" in result.stdout


def test_a_programs_words_are_understood() -> None:
    text = "tar: ./usr: Cannot write: No space left on device\ntar: Exiting\n"
    assert said_by_program(text).errno == errno.ENOSPC
    assert said_by_program("tar: x: Cannot open: Permission denied\n").errno == errno.EACCES
    assert said_by_program("tar: it broke\n").errno == 0
    assert "it broke" in str(disk_fault(said_by_program("tar: it broke\n"), "cannot unpack", "/x"))


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def refuse(_handle: int) -> None:
        raise OSError(errno.EIO, "the disk reports an error")

    monkeypatch.setattr("os.fdatasync", refuse)
    with pytest.raises(OSError, match="reports"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
