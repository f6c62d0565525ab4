"""What build code leaves behind cannot lead the engine out of its folder, nor hold it up."""

from __future__ import annotations

import ast
import errno
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import cnbkit_engine
from cnbkit_engine.state import openat
from cnbkit_engine.state.beneath import Folder, Unfit
from cnbkit_engine.state.workspace import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_WAY = r"Not a directory|symbolic links"
SECRET = b"what the host's file says"
# Modules that handle what build code could write, and the calls by a path they must not make.
HANDLERS = (
    *("build/app_copy", "build/report", "lifecycle/handover", "lifecycle/layer_tar"),
    *(
        "lifecycle/options",
        "lifecycle/output",
        "lifecycle/phase_processes",
        "lifecycle/phases",
        "lifecycle/process",
        "lifecycle/prebuilt_layers",
        "lifecycle/launch_layers",
        "state/workspace",
    ),
)
BY_PATH = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "glob", "rglob", "iterdir"),
    *("walk", "scandir", "listdir", "rename", "replace", "copytree", "copyfile", "copy", "copy2"),
    *("move", "rmtree", "chmod", "chown", "lchown", "utime", "symlink_to", "hardlink_to", "link"),
    *("readlink", "touch", "load", "is_file", "exists", "stat", "lstat", "truncate", "rmdir"),
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_bytes(SECRET)
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture(params=["openat2", "component by component"])
def top(
    inside: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Folder]:
    """The folder, on a new kernel and on an old one."""
    if request.param != "openat2":

        def unknown(*_: object) -> int:
            raise OSError(errno.ENOSYS, "as before Linux 5.6")

        monkeypatch.setattr(openat, "_openat2", unknown)
    with Folder(inside) as folder:
        yield folder


def test_a_file_is_read_up_to_a_limit(top: Folder, inside: Path) -> None:
    (inside / "a").mkdir()
    (inside / "a" / "b").write_bytes(b"12345")
    assert top.read("a/b", 5) == b"12345"
    with pytest.raises(Unfit, match="more than 4 bytes"):
        top.read("a/b", 4)
    with pytest.raises(FileNotFoundError):
        top.read("a/c", 5)


def test_links_are_not_followed_wherever_they_stand(
    top: Folder, inside: Path, outside: Path
) -> None:
    (inside / "file").symlink_to(outside / "deep" / "file")
    (inside / "folder").symlink_to(outside)
    (inside / "a").mkdir()
    (inside / "a" / "up").symlink_to("../../outside")
    for name in ("file", "folder/deep/file", "a/up/deep/file"):
        with pytest.raises((Unfit, OSError)):
            top.read(name, 100)
    for name in ("folder", "a/up", "folder/deep", "a/up/deep"):
        assert not top.is_folder(name)
        with pytest.raises(OSError, match=NO_WAY):
            top.folder(name)
    assert not top.is_file("file")
    assert top.link("file") == str(outside / "deep" / "file")


@pytest.mark.parametrize("name", ["../outside/deep/file", "/etc/hostname", "a/../../x", "", "."])
def test_no_name_leads_out(top: Folder, name: str) -> None:
    with pytest.raises(ValueError, match=r"not below|no name"):
        top.read(name, 100)


def test_nothing_waits_for_a_pipe_nor_takes_a_socket_for_a_file(
    top: Folder, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(inside / "pipe")
    monkeypatch.chdir(inside)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for name, what in (("pipe", "a named pipe"), ("socket", "a socket")):
            with pytest.raises(Unfit, match=what):
                top.read(name, 100)


def test_a_file_that_never_ends_is_not_read_to_its_end(top: Folder, inside: Path) -> None:
    with (inside / "huge").open("wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(Unfit, match="more than 100 bytes"):
        top.read("huge", 100)
    # The kernel gives these no size, and this one no end.
    with Folder(f"/proc/{os.getpid()}") as proc, pytest.raises(Unfit, match="more than 10 bytes"):
        proc.read("maps", 10)
    with Folder("/dev") as devices, pytest.raises(Unfit, match="a device"):
        devices.read("zero", 10)


def test_writing_replaces_a_link_and_leaves_what_it_points_to(
    top: Folder, inside: Path, outside: Path
) -> None:
    (inside / "analyzed.toml").symlink_to(outside / "deep" / "file")
    top.write("analyzed.toml", b"new", 0o640)
    assert (outside / "deep" / "file").read_bytes() == SECRET
    assert (inside / "analyzed.toml").read_bytes() == b"new"
    assert (inside / "analyzed.toml").lstat().st_mode == 0o100640

    os.link(outside / "deep" / "file", inside / "second name")
    top.write("second name", b"new")
    assert (outside / "deep" / "file").read_bytes() == SECRET

    (inside / "way").symlink_to(outside)
    for change in (
        lambda: top.write("way/deep/file", b"new"),
        lambda: top.create("way/other"),
        lambda: top.make("way/other"),
        lambda: top.make_link("way/other", "x"),
        lambda: top.remove("way/deep"),
        lambda: top.move("way/deep", top, "taken"),
    ):
        with pytest.raises(OSError, match=NO_WAY):
            change()
    assert sorted(path.name for path in outside.rglob("*")) == ["deep", "file"]


def test_a_link_is_moved_and_removed_itself(top: Folder, inside: Path, outside: Path) -> None:
    (inside / "group").symlink_to(outside)
    top.move("group", top, "moved")
    assert (inside / "moved").is_symlink()
    with pytest.raises(FileExistsError):
        top.move("moved", top, "moved")
    top.remove("moved")
    top.remove("moved")  # nothing is there any more
    assert top.names() == []
    assert (outside / "deep" / "file").read_bytes() == SECRET


def test_a_file_put_in_place_of_a_folder_while_it_is_read_is_not_followed(
    top: Folder, inside: Path, outside: Path
) -> None:
    (inside / "a").mkdir()
    (inside / "a" / "file").write_bytes(b"own")
    (inside / "b").symlink_to(outside / "deep")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for old, new in (("a", "c"), ("b", "a"), ("a", "b"), ("c", "a")):
                (inside / old).rename(inside / new)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(3000):
            with suppress(OSError, Unfit):  # it is the other one's turn
                assert top.read("a/file", 100) == b"own"
    finally:
        stop.set()
        thread.join()


def test_a_tree_of_any_depth_and_mode_is_removed(inside: Path, outside: Path) -> None:
    tree = inside / "tree"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(3000):  # deeper than a path can say, than Python recurses, than files are open
        os.mkdir("d", dir_fd=here)
        os.symlink(outside, "link", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    closed = tree / "closed"
    (closed / "in it").mkdir(parents=True)
    (closed / "in it").chmod(0)
    closed.chmod(0)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "deep" / "file").read_bytes() == SECRET


def test_names_come_as_go_sorts_them(top: Folder, inside: Path) -> None:
    for name in (b"b", b"a", b"\xff", "ä".encode(), b"a.b", b"B"):
        (inside / os.fsdecode(name)).touch()
    assert [os.fsencode(name) for name in top.names()] == sorted(
        [b"b", b"a", b"\xff", "ä".encode(), b"a.b", b"B"]
    )


def _calls(text: str) -> set[str]:
    """Methods and functions called that take a path, other than those of an open `Folder`."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute):
            name, owner = node.func.attr, ast.unparse(node.func.value)
        else:
            name, owner = ast.unparse(node.func), ""
        if name in BY_PATH and (owner, name) not in ALLOWED:
            found.add(f"{owner}.{name}".lstrip("."))
    return found


# What an open Folder offers, by the names the handlers give theirs; and what is nobody's but ours.
FOLDERS = ("source", "target", "copy", "folder", "layers", "top", "deeper")
ALLOWED = {
    *((owner, name) for owner in FOLDERS for name in ("move", "is_file", "link")),
    *((owner, "replace") for owner in ("name", "self.id", "volume.target.removeprefix('/')")),
    ("dataclasses", "replace"),
    ("os", "utime"),  # of a descriptor
    ("place", "chmod"),  # of a folder just made
}
# Locks, which stand beside the folders that build code can write.
OWN = {"state/workspace": {"parent.glob", "os.open"}}


def test_nothing_but_this_module_opens_what_build_code_could_write() -> None:
    package = Path(cnbkit_engine.__file__).parent
    wrong = {
        module: calls
        for module in HANDLERS
        if (calls := _calls((package / f"{module}.py").read_text()) - OWN.get(module, set()))
    }
    assert wrong == {}


def test_a_call_by_path_is_seen() -> None:
    text = "def f(layers):\n    for x in layers.glob('*'):\n        open(x)\n        os.stat(x)\n"
    assert _calls(text) == {"layers.glob", "open", "os.stat"}
