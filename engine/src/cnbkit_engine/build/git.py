"""Which commit an app is built from: git's own answer about a repository that may be hostile.

The lifecycle is not given `.git`, so the labels of the image come from here. A repository's own
configuration can name programs that `git status` starts: a file system monitor, hooks, filters,
a transport that fetches missing objects. None of them is started.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["git_env"]

REVISION, SOURCE = "BP_OCI_REVISION", "BP_OCI_SOURCE"
VERSION, MODIFIED = "BP_OCI_VERSION", "BP_OCI_MODIFIED"

_SECONDS = 10  # a checkout that takes longer gets no labels
# Of the caller's variables for git, those that say where its own settings are: the others could
# make another repository the one that answers.
_KEPT = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH"}
_ORIGIN = "remote.origin.url"
_READ = rf"^({_ORIGIN.replace('.', '[.]')}|filter[.].*[.](clean|smudge|process))$"
_SAFE = {
    "safe.directory": "*",  # nothing of the repository is trusted, whoever owns it
    "core.fsmonitor": "",
    "core.hooksPath": os.devnull,
    "status.submoduleSummary": "false",
}


def git_env(app: Path) -> dict[str, str]:
    """Build-time variables that say what is built, for the labels of the image.

    Args:
        app: the app's folder.

    Returns:
        `BP_OCI_REVISION`, the commit; `BP_OCI_SOURCE`, the address of the remote without any login;
        `BP_OCI_VERSION`, the tag of that commit; `BP_OCI_MODIFIED=true`, if tracked files
        differ from it. Nothing at all where the commit has no such folder, or git is missing.
    """
    folder = os.path.realpath(app)
    if not _in_checkout(folder):
        return {}
    origin, filters = _own_settings(folder)
    settings = {**_SAFE, **filters}
    # The folder itself is asked for, too: a home folder may be a checkout, of settings.
    commit = _git(folder, settings, "rev-parse", "HEAD", "HEAD:./")
    changes = _git(
        folder,
        settings,
        *("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty"),
        *("--", "."),
    )
    if commit is None or changes is None:
        return {}
    tags = _git(
        folder,
        settings,
        "for-each-ref",
        "--points-at=HEAD",
        "--format=%(refname:strip=2)",
        "refs/tags",
    )
    found = {
        REVISION: commit.split("\n", 1)[0],
        SOURCE: _without_login(origin),
        VERSION: _version((tags or "").splitlines()),
        MODIFIED: "true" if changes else "",
    }
    return {name: value for name, value in found.items() if value}


def _in_checkout(folder: str) -> bool:
    """Whether git has anything to say: starting it costs more than these looks."""
    while not os.path.lexists(f"{folder}/.git"):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    return True


def _own_settings(folder: str) -> tuple[str, dict[str, str]]:
    """The remote's address, and settings that switch off the filters the repository brings.

    Filters of the user's or the machine's settings stay: without Git LFS's, files look modified.
    """
    said = _git(folder, _SAFE, "config", "--show-scope", "-z", "--get-regexp", _READ) or ""
    fields = said.split("\0")
    origin, off = "", dict[str, str]()
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        name, _, value = entry.partition("\n")
        if name == _ORIGIN:
            origin = origin or value
        elif scope not in ("system", "global"):
            off[name] = ""
            off[f"{name.rpartition('.')[0]}.required"] = "false"
    return origin, off


def _git(folder: str, settings: Mapping[str, str], *command: str) -> str | None:
    """What a git command prints; None if it fails, takes too long or is not installed."""
    import subprocess

    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT
    }
    env |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
    env |= {"GIT_CONFIG_COUNT": str(len(settings)), "LC_ALL": "C"}
    for at, (name, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{at}": name, f"GIT_CONFIG_VALUE_{at}": value}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")


def _version(tags: Iterable[str]) -> str:
    """Of a commit's tags the one that is a version; empty if nothing decides."""
    names = set(tags)
    versions = {name for name in names if name.removeprefix("v")[:1].isdigit()}
    [name] = versions if len(versions) == 1 else names if len(names) == 1 else [""]
    return name


def _without_login(address: str) -> str:
    """An address without login and query; `git@host:path` is one without a password."""
    scheme, found, rest = address.partition("://")
    if not found:
        return address
    host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
