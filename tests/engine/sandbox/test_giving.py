"""What is given to the user that root's sandboxes run as, and what never is.

All folders here are the tests' own.
"""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.user_namespace import in_user_namespace

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.giving import give
from cnbkit_engine.sandbox.owner import HostUser
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

ME = os.getuid()
STRANGER = HostUser(ME + 70000, os.getgid() + 70000)
# Only root can give anything away: of what anybody else gives, the owner stays who it was.
USER = STRANGER if ME == 0 else HostUser(ME, os.getgid())

MOUNTED = """
import subprocess, sys
from pathlib import Path
from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox import giving
from cnbkit_engine.sandbox.owner import HostUser
place = Path(sys.argv[1])
subprocess.run(["mount", *sys.argv[3:], place / "tree" / "a mount"], check=True)
if sys.argv[2] == "unlisted":
    giving._mount_points = lambda: []
try:
    giving.give(place / "tree", HostUser(70001, 70001), within=place)
except PlatformFault as fault:
    print(fault.detail)
print(sorted({path.lstat().st_uid for path in place.rglob("*")}))
"""


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_what_is_given_is_all_of_it_and_nothing_that_links_lead_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    tree = tmp_path / "tree"
    (tree / "deep" / "deeper").mkdir(parents=True)
    (tree / "deep" / "program").touch()
    (tree / "deep" / "program").chmod(0o6755)
    (tree / "deep" / "link").symlink_to(outside)
    give(tree, USER, within=tmp_path)
    assert owners(tree) == {USER.uid}
    assert owners(outside) == {ME}
    if ME == 0:
        assert not (tree / "deep/program").stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    (tree / "later").mkdir()
    (tree / "later" / "file").touch()
    give(tree, USER, within=tmp_path)
    assert (tree / "later" / "file").stat().st_uid == USER.uid
    give(tmp_path / "tree" / "deep" / "link", USER, within=tmp_path)
    assert owners(outside) == {ME}
    give(outside / "file", USER, within=tmp_path)
    assert (outside / "file").stat().st_uid == USER.uid
    assert outside.stat().st_uid == ME


def test_only_what_is_below_the_folder_is_given(tmp_path: Path) -> None:
    for name in ("state", "beside", "state-too"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    state = tmp_path / "state"
    (state / "up").symlink_to(tmp_path)
    for path in (
        *(tmp_path, state, tmp_path / "beside", tmp_path / "state-too" / "file"),
        *(state / ".." / "beside", state / "up" / "state"),
    ):
        with pytest.raises(PlatformFault) as caught:
            give(path, STRANGER, within=state)
        assert caught.value.where == str(path)
        assert caught.value.detail == f"it is not below {state}, which is cnbkit's own"
    assert owners(tmp_path) == {ME}


def test_links_of_roots_lead_to_a_part_of_the_state_on_another_disk(tmp_path: Path) -> None:
    state, disk = tmp_path / "state", tmp_path / "disk"
    (state / "theirs").mkdir(parents=True)
    for name in ("base", "own"):
        (disk / name).mkdir(parents=True)
        (disk / name / "file").touch()
    (state / "links").symlink_to(disk)
    (state / "theirs" / "links").symlink_to(disk)
    give(state / "links" / "base", USER, within=state)
    assert owners(disk / "base") == {USER.uid}
    give(state / "links" / "base" / "file", USER, within=state)
    if ME == 0:  # links that the sandboxes' user has made, or can have moved
        os.chown(state / "theirs", USER.uid, USER.gid)
        (state / "given").symlink_to(disk)
        os.chown(state / "given", USER.uid, USER.gid, follow_symlinks=False)
        for link in (state / "theirs" / "links", state / "given"):
            with pytest.raises(PlatformFault, match="not given to the unprivileged user"):
                give(link / "own", USER, within=state)
    assert owners(disk / "own") == {ME}


def test_the_machines_root_is_no_folder_of_cnbkits_own(tmp_path: Path) -> None:
    for within in (Path("/"), tmp_path / ("../" * len(tmp_path.parts))):
        with pytest.raises(PlatformFault, match="not given to the unprivileged user"):
            give(tmp_path, STRANGER, within=within)
    assert owners(tmp_path) == {ME}


def test_what_is_a_third_users_stays_that_users(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").touch()
    giver, receiver = (STRANGER.uid, HostUser(70002, 70002)) if ME == 0 else (ME, STRANGER)
    if ME == 0:
        os.chown(theirs, giver, giver)
        with pytest.raises(PlatformFault) as caught:
            give(theirs, receiver, within=tmp_path)
        assert caught.value.detail == f"it belongs to user {giver}"
    assert theirs.stat().st_uid == giver
    assert (theirs / "file").stat().st_uid == ME


@pytest.mark.parametrize("listed", ["listed", "unlisted"])
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_what_is_mounted_in_it_stays_as_it_is(tmp_path: Path, kind: str, listed: str) -> None:
    """A bind mount of the same file system is found in the kernel's list alone."""
    (tmp_path / "tree" / "a mount").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    how = ["-t", "tmpfs", "tmpfs"] if kind == "tmpfs" else ["--bind", str(tmp_path / "elsewhere")]
    if kind == "bind" and listed == "unlisted":
        how = ["--bind", "/dev/shm"]
    script = [sys.executable, "-c", MOUNTED, str(tmp_path), listed, *how]
    done = subprocess.run(in_user_namespace(script), capture_output=True, text=True, check=True)
    reason = {
        "listed": f"something is mounted in it: {tmp_path}/tree/a mount",
        "unlisted": "a mount in it is on another file system",
    }
    assert done.stdout.startswith(f"{reason[listed]}\n[0")
    assert owners(tmp_path) == {ME}


def test_a_file_with_another_name_elsewhere_is_not_given(tmp_path: Path) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    for folder in (tree / "deep", cache):
        folder.mkdir(parents=True)
    for name, mode in (("module", 0o644), ("program", 0o755), ("open", 0o666)):
        (cache / name).write_text(name)
        (cache / name).chmod(mode)
        (tree / "deep" / name).hardlink_to(cache / name)
    give(tree, USER, within=tmp_path)
    assert {path.name: path.stat().st_uid for path in cache.iterdir()} == dict.fromkeys(
        ("module", "program", "open"), ME
    )
    assert (tree / "deep" / "module").samefile(cache / "module")
    assert tree.stat().st_uid == (tree / "deep").stat().st_uid == USER.uid
    (tmp_path / "beside").hardlink_to(tree / "deep" / "module")
    give(tmp_path / "beside", USER, within=tmp_path)
    assert (tmp_path / "beside").stat().st_uid == ME


def test_a_file_that_others_may_not_read_is_copied_when_it_has_another_name(
    tmp_path: Path,
) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    for folder in (tree, cache):
        folder.mkdir()
    for name, mode in (("secret", 0o600), ("program", 0o744)):
        (cache / name).write_text(name)
        (cache / name).chmod(mode)
        os.utime(cache / name, (5, 7))
        (tree / name).hardlink_to(cache / name)
    give(tree, USER, within=tmp_path)
    assert owners(tree) == {USER.uid}
    assert owners(cache) == {ME}
    for name, mode in (("secret", 0o600), ("program", 0o744)):
        for folder in (tree, cache):
            known = (folder / name).stat()
            assert stat.S_IMODE(known.st_mode) == mode
            assert (known.st_mtime, (folder / name).read_text()) == (7, name)
    assert sorted(path.name for path in tree.iterdir()) == ["program", "secret"]
    if ME == 0:
        assert not (tree / "secret").samefile(cache / "secret")


def test_a_file_all_of_whose_names_are_given_is_given(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("a", "b/c"):
        (tree / name).mkdir(parents=True)
    (tree / "a" / "file").touch(0o640)
    (tree / "b" / "c" / "same").hardlink_to(tree / "a" / "file")
    give(tree, USER, within=tmp_path)
    assert owners(tree) == {USER.uid}
    assert (tree / "b" / "c" / "same").samefile(tree / "a" / "file")


@pytest.mark.parametrize("shown", ["root", "layers", "bind"])
def test_a_sandbox_gives_what_is_beside_its_scratch_folder_alone(
    tmp_path: Path, shown: str
) -> None:
    """`root` and `layers` of root's sandboxes are given, and so must be of the state folder."""
    state, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    (state / "root").mkdir(parents=True)
    elsewhere.mkdir()
    sandbox = {
        "root": Sandbox(state / "tmp", root=elsewhere),
        "layers": Sandbox(state / "tmp", layers=(elsewhere,)),
        "bind": Sandbox(
            state / "tmp", root=state / "root", binds=(Bind(elsewhere, "/in", given=True),)
        ),
    }[shown]
    if ME == 0:
        with pytest.raises(PlatformFault, match="not given to the unprivileged user") as caught:
            sandbox.run(["/program"])
        assert caught.value.where == str(elsewhere)
    else:
        assert sandbox.run(["/program"], stderr=subprocess.DEVNULL) == 1, "there is none"
    assert owners(elsewhere) == {ME}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOSPC, "free space there"),
        (errno.EIO, "the disk reports an error"),
        (errno.EPERM, "a folder on ext4, xfs or btrfs"),
        (errno.EINVAL, "a folder on ext4, xfs or btrfs"),
    ],
    ids=errno.errorcode.get,
)
def test_only_a_disk_that_knows_no_owners_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    (tmp_path / "tree").mkdir()

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("cnbkit_engine.sandbox.giving._Gift.entries", refuse)
    with pytest.raises(PlatformFault) as caught:
        give(tmp_path / "tree", USER, within=tmp_path)
    assert told in str(caught.value)
