"""The copy of an app holds the app's files, follows no link, and says what it left out."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.build import app_copy
from cnbkit_engine.build.app_copy import make_mount_point
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.sandbox.sandbox import Bind

if TYPE_CHECKING:
    from pathlib import Path


def copy_app(app: Path, target: Path) -> list[str]:
    """Copy an app that has no rules of its own; what was left out."""
    files = AppFiles(app if app.is_dir() else app.parent)
    return app_copy.copy_app(app, target, files).left_out


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "secret").write_text("the host's\n")
    return folder


def test_files_keep_content_time_and_whether_they_are_programs(app: Path, tmp_path: Path) -> None:
    (app / "a" / "b").mkdir(parents=True)
    (app / "a" / "b" / "large").write_bytes(os.urandom(3_000_001))
    (app / "run.sh").write_text("#!/bin/sh\n")
    (app / "run.sh").chmod(0o750)
    (app / "empty").touch()
    (app / "a" / "b").chmod(0o555)
    os.utime(app / "run.sh", (1, 2))
    assert copy_app(app, tmp_path / "copy") == []
    for name in ("a", "a/b", "a/b/large", "run.sh", "empty", "."):
        old, new = (app / name).stat(), (tmp_path / "copy" / name).stat()
        assert old.st_mtime_ns == new.st_mtime_ns, name
        program = name in ("a", "a/b", "run.sh", ".")
        assert new.st_mode & 0o7777 == (0o755 if program else 0o644), name
    same = (app / "a/b/large").read_bytes() == (tmp_path / "copy/a/b/large").read_bytes()
    assert same


def test_what_is_no_part_of_an_app_stays_behind(app: Path, tmp_path: Path) -> None:
    for name in (".git", "src/__pycache__", ".venv", "src/.git"):
        (app / name).mkdir(parents=True)
        (app / name / "x").touch()
    copy_app(app, tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").rglob("*")] == ["src"]


def test_links_are_copied_as_links_and_left_out_where_they_lead_out(
    app: Path, host: Path, tmp_path: Path
) -> None:
    (app / "out").symlink_to(host)
    (app / "file").symlink_to(host / "secret")
    (app / "nowhere").symlink_to("no/such/place")
    (app / "loop").symlink_to("loop")
    assert copy_app(app, tmp_path / "copy") == [
        f"file: a link out of the app, to {host}/secret",
        f"out: a link out of the app, to {host}",
    ]
    copy = tmp_path / "copy"
    assert {path.name: str(path.readlink()) for path in copy.iterdir()} == {
        "nowhere": "no/such/place",
        "loop": "loop",
    }


def test_an_app_named_by_a_link_is_the_one_it_leads_to(app: Path, tmp_path: Path) -> None:
    (app / "file").write_text("x")
    (tmp_path / "link").symlink_to(app)
    copy_app(tmp_path / "link", tmp_path / "copy")
    assert (tmp_path / "copy" / "file").read_text() == "x"


def test_pipes_and_sockets_are_left_out_and_named(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "run").mkdir()
    os.mkfifo(app / "run" / "pipe")
    monkeypatch.chdir(app / "run")  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("control")
        left_out = copy_app(app, tmp_path / "copy")
    assert left_out == ["run/control: a socket", "run/pipe: a named pipe"]
    assert [path.name for path in (tmp_path / "copy").rglob("*")] == ["run"]


def test_a_file_replaced_while_it_is_copied_is_one_of_the_two(
    app: Path, host: Path, tmp_path: Path
) -> None:
    (app / "folder").mkdir()
    (app / "folder" / "secret").write_text("the app's\n")
    (app / "link").symlink_to(host)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for old, new in (
                ("folder", "x"),
                ("link", "folder"),
                ("folder", "link"),
                ("x", "folder"),
            ):
                (app / old).rename(app / new)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(300):
            copy = tmp_path / f"copy-{number}"
            try:
                copy_app(app, copy)
            except PlatformFault:
                continue  # it was not a folder any more
            for path in copy.rglob("*"):
                assert path.is_symlink() or path.is_dir() or path.read_text() == "the app's\n"
    finally:
        stop.set()
        thread.join()


def test_folders_nested_without_end_are_the_apps_fault(app: Path, tmp_path: Path) -> None:
    here = os.open(app, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    with pytest.raises(UserFault, match="nested more than 200 deep"):
        copy_app(app, tmp_path / "copy")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlatformFault, match="cannot copy the app") as caught:
        copy_app(tmp_path / "nothing", tmp_path / "copy")
    assert caught.value.where == str(tmp_path / "nothing")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    folder = tmp_path / "space"
    (folder / "workspace").mkdir(parents=True)
    return folder


def test_a_volume_gets_a_place_of_its_kind(space: Path, host: Path) -> None:
    make_mount_point(Bind(host, "/workspace/a/b"), space)
    make_mount_point(Bind(host / "secret", "/workspace/a/c"), space)
    (space / "home").mkdir()
    make_mount_point(Bind(host, "/home/cnb/data"), space)
    assert (space / "home" / "data").is_dir()
    make_mount_point(Bind(host, "/elsewhere"), space)
    assert (space / "workspace/a/b").is_dir()
    assert (space / "workspace/a/c").read_bytes() == b""
    make_mount_point(Bind(host, "/workspace/a/b"), space)  # it is there already
    with pytest.raises(UserFault, match="nothing can be mounted at /workspace/a/c"):
        make_mount_point(Bind(host, "/workspace/a/c/d"), space)


def test_a_volumes_place_is_not_made_through_an_apps_link(space: Path, host: Path) -> None:
    (space / "workspace" / "data").symlink_to(host)
    for source in (host, host / "secret"):
        for target in ("/workspace/data", "/workspace/data/new", "/workspace/data/secret"):
            with pytest.raises(UserFault, match="nothing can be mounted"):
                make_mount_point(Bind(source, target), space)
    assert [path.name for path in host.iterdir()] == ["secret"]
    with pytest.raises(UserFault, match="not below"):
        make_mount_point(Bind(host, "/workspace/../../x"), space)


def test_files_of_the_uppermost_folders_are_named(app: Path, tmp_path: Path) -> None:
    for name in ("app.py", "a/b/c.txt", "a/b/c/d.txt", ".git/config", "left/out.txt"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).touch()
    (app / "link").symlink_to("app.py")
    (app / "away").symlink_to("/etc/passwd")
    (app / ".dockerignore").write_text("left\n")
    paths = app_copy.copy_app(app, tmp_path / "copy", AppFiles(app)).paths
    assert sorted(paths) == [".dockerignore", "a/b/c.txt", "app.py", "link"]
