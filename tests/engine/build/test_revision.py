"""What is told of a checkout, held to what git itself says."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.build.git import git_env

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "T")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "t@example.com")


def git(folder: Path, *command: str) -> str:
    allowed = ("-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *allowed, *command], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "apps" / "shop").mkdir(parents=True)
    (root / "apps" / "other").mkdir()
    git(root, "init", "-qb", "main")
    (root / "apps" / "shop" / "app.py").write_text("print(1)\n")
    (root / "apps" / "shop" / "link").symlink_to("app.py")
    (root / "apps" / "other" / "é.txt").write_text("x")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


def modified(folder: Path) -> bool:
    """What git says, with the same question in our words."""
    said = bool(git(folder, "status", "--porcelain", "--untracked-files=no", "--", "."))
    found = git_env(folder).get("BP_OCI_MODIFIED") == "true"
    assert found == said
    return found


def test_a_folder_of_a_checkout_has_its_commit_and_its_source_without_a_login(
    checkout: Path,
) -> None:
    app = checkout / "apps" / "shop"
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_env(app) == git_env(checkout) == {"BP_OCI_REVISION": commit}
    git(checkout, "remote", "add", "origin", "https://ann:s3cret@git.example.com/shop.git?t=s3cret")
    source = {"BP_OCI_SOURCE": "https://git.example.com/shop.git"}
    assert git_env(app) == {"BP_OCI_REVISION": commit, **source}
    git(checkout, "remote", "set-url", "origin", "git@git.example.com:shop.git")
    git(checkout, "pack-refs", "--all")
    source = {"BP_OCI_SOURCE": "git@git.example.com:shop.git"}
    assert git_env(app) == {"BP_OCI_REVISION": commit, **source}
    git(checkout, "checkout", "-q", "--detach")
    assert git_env(app) == {"BP_OCI_REVISION": commit, **source}


def test_worktrees_and_submodules_are_checkouts_of_their_own(
    checkout: Path, tmp_path: Path
) -> None:
    git(checkout, "worktree", "add", "-qb", "topic", str(tmp_path / "tree"))
    (tmp_path / "tree" / "new").write_text("x")
    git(tmp_path / "tree", "add", "new")
    git(tmp_path / "tree", "commit", "-qm", "two")
    found = git_env(tmp_path / "tree")
    assert found == {"BP_OCI_REVISION": git(tmp_path / "tree", "rev-parse", "HEAD")}
    assert found != git_env(checkout)

    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-qb", "main")
    git(outer, "submodule", "--quiet", "add", str(checkout), "sub")
    git(outer, "commit", "-qm", "with a submodule")
    assert git_env(outer / "sub")["BP_OCI_REVISION"] == git(checkout, "rev-parse", "HEAD")
    assert git_env(outer)["BP_OCI_REVISION"] == git(outer, "rev-parse", "HEAD")
    assert not modified(outer)


def test_the_commit_s_tag_is_the_version(checkout: Path) -> None:
    def version() -> str:
        return git_env(checkout).get("BP_OCI_VERSION", "")

    assert version() == ""
    git(checkout, "tag", "latest")
    assert version() == "latest"
    git(checkout, "tag", "-am", "a release", "v1.2")
    assert version() == "v1.2"
    git(checkout, "pack-refs", "--all")
    assert version() == "v1.2"
    git(checkout, "tag", "v1.3")
    assert version() == ""  # which of them, nobody can say
    git(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    assert version() == ""


def test_whether_tracked_files_are_as_committed_is_what_git_says(
    checkout: Path, tmp_path: Path
) -> None:
    app = checkout / "apps" / "shop"
    assert not modified(app)
    (app / "new.txt").write_text("untracked")
    (app / "app.py").touch()
    assert not modified(app)
    (app / "app.py").write_text("print(2)\n")  # as long as before
    assert modified(app)
    assert not modified(checkout / "apps" / "other")
    (app / "app.py").write_text("print(1)\n")
    assert not modified(app)
    (app / "app.py").chmod(0o755)
    assert modified(app)
    (app / "app.py").chmod(0o644)
    (app / "link").unlink()
    assert modified(app)
    (app / "link").symlink_to("elsewhere")
    assert modified(app)
    git(checkout, "add", ".")
    assert modified(app)
    git(checkout, "commit", "-qm", "two")
    assert not modified(checkout)

    # Whatever else writes the index.
    git(checkout, "checkout", "-qb", "topic", "HEAD~1")
    assert not modified(checkout)
    (checkout / "third").write_text("3")
    git(checkout, "add", "-N", "third")
    assert modified(checkout)
    git(checkout, "add", "third")
    git(checkout, "commit", "-qm", "three")
    git(checkout, "merge", "-q", "main")
    assert not modified(checkout)
    git(checkout, "commit", "-q", "--amend", "-m", "merged")
    (app / "app.py").write_text("print(4)\n")
    git(checkout, "stash", "-q")
    assert not modified(checkout)
    git(checkout, "stash", "pop", "-q")
    assert modified(checkout)
    git(checkout, "reset", "-q", "--hard")
    assert not modified(checkout)
    git(tmp_path, "clone", "-q", str(checkout), "copy")
    assert not modified(tmp_path / "copy" / "apps" / "shop")
    git(tmp_path / "copy", "update-index", "--index-version", "4")
    assert not modified(tmp_path / "copy" / "apps" / "shop")
    (tmp_path / "copy" / "apps" / "shop" / "app.py").write_text("print(5)\n")
    assert modified(tmp_path / "copy" / "apps" / "shop")


def test_line_ends_that_git_itself_converts_are_no_change(checkout: Path) -> None:
    (checkout / ".gitattributes").write_text("*.py text eol=crlf\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "line ends")
    app = checkout / "apps" / "shop" / "app.py"
    app.unlink()
    git(checkout, "checkout", ".")
    assert app.read_bytes() == b"print(1)\r\n"
    app.touch()
    assert not modified(checkout)


def test_a_repository_with_sha256_has_its_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "app.py").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    assert git_env(tmp_path) == {"BP_OCI_REVISION": git(tmp_path, "rev-parse", "HEAD")}
    assert len(git_env(tmp_path)["BP_OCI_REVISION"]) == 64


def test_a_filter_of_the_users_own_settings_is_obeyed(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    git(checkout, "config", "--file", str(settings), "filter.upper.clean", "tr a-z A-Z")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    (checkout / ".gitattributes").write_text("*.py filter=upper\n")
    git(checkout, "add", ".gitattributes")
    git(checkout, "add", "--renormalize", ".")
    git(checkout, "commit", "-qm", "upper case")
    (checkout / "apps" / "shop" / "app.py").write_text("Print(1)\n")
    assert not modified(checkout)


# What a repository's own settings can make `git status` start; `{run}` leaves a file behind.
PROGRAMS = {
    "a monitor of the file system": [("core.fsmonitor", "{run}")],
    "hooks": [("core.hooksPath", "{folder}")],
    "a filter": [("filter.x.clean", "{run}")],
    "a filter that is required": [("filter.x.clean", "{run}"), ("filter.x.required", "true")],
    "a filter that stays": [("filter.x.process", "{run}"), ("filter.x.required", "true")],
    "a filter of a worktree": [("extensions.worktreeConfig", "true")],
    "a transport": [
        ("extensions.partialClone", "far"),
        ("remote.far.promisor", "true"),
        ("remote.far.url", "ext::{run}"),
        ("protocol.ext.allow", "always"),
    ],
    "a transport by ssh": [
        ("extensions.partialClone", "far"),
        ("remote.far.promisor", "true"),
        ("remote.far.url", "git@example.invalid:far.git"),
        ("core.sshCommand", "{run}"),
    ],
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_no_program_is_started_that_a_repository_names(checkout: Path, kind: str) -> None:
    made = checkout.parent / "made"
    hooks = checkout.parent / "hooks"
    hooks.mkdir()
    run = hooks / "post-index-change"
    run.write_text(f"#!/bin/sh\ntouch {made}\n")
    run.chmod(0o755)
    (checkout / ".gitattributes").write_text("*.py filter=x\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "two")
    git(checkout, "config", "core.repositoryFormatVersion", "1")
    for name, value in PROGRAMS[kind]:
        git(checkout, "config", name, value.format(run=run, folder=hooks))
    if kind == "a filter of a worktree":
        git(checkout, "config", "--worktree", "filter.x.clean", str(run))
    if kind.startswith("a transport"):
        for piece in (checkout / ".git" / "objects").glob("??/*"):
            if piece.parent.name + piece.name != git(checkout, "rev-parse", "HEAD"):
                piece.unlink()
    app = checkout / "apps" / "shop" / "app.py"
    app.write_text("print(1)\n")  # what it was, at another time: git reads it, and its filter
    git_env(checkout)
    assert not made.exists()
    subprocess.run(["git", "status"], cwd=checkout, check=False, capture_output=True)
    assert made.exists(), "this attack would never do anything"


def test_a_folder_that_is_not_tracked_has_no_commit(checkout: Path, tmp_path: Path) -> None:
    # A home folder may be a checkout, of settings.
    (checkout / "apps" / "mine").mkdir()
    (checkout / "apps" / "mine" / "app.py").write_text("")
    assert git_env(checkout / "apps" / "mine") == {}
    assert git_env(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("HEAD", b""),
        ("HEAD", b"ref: refs/heads/../../config"),
        ("HEAD", b"\xff"),
        ("HEAD", b"ref: refs/heads/gone"),
        ("index", b""),
        ("index", b"DIRC\0\0\0\2\0\0\0\5short"),
        ("commondir", b"/nowhere"),
    ],
)
def test_a_broken_checkout_stops_no_build(checkout: Path, name: str, content: bytes) -> None:
    (checkout / ".git" / name).write_bytes(content)
    asked = subprocess.run(["git", "status"], cwd=checkout, check=False, capture_output=True)
    found = git_env(checkout)
    assert bool(found) == (asked.returncode == 0 and name == "index")


def test_a_checkout_without_an_index_has_lost_all_files_as_git_says(checkout: Path) -> None:
    (checkout / ".git" / "index").unlink()
    assert modified(checkout)


def test_a_git_file_that_leads_nowhere_stops_no_build(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: ../gone")
    assert git_env(tmp_path) == {}
