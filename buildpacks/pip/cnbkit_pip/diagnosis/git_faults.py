"""What goes wrong with repositories that requirements are taken from."""

from __future__ import annotations

import re

from cnbkit import CnbkitError, PlatformFault, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["git_fault"]

_SIGNS = (
    "Git operation failed",
    "git clone",
    "git fetch",
    "git rev-parse",
    "Cannot find command 'git'",
)
_ADDRESS = re.compile(r"(?:git\+)?(?:https?|ssh|git|file)://[^\s`'\")]+")
_NAMED = re.compile(r"Failed to download and build [`'](?P<name>[\w.-]+) @ git\+")
_COMMIT = re.compile(
    r"failed to (?:fetch|find) (?:[a-z, ]*(?:tag|branch|commit|revision)) `(?P<uv>[^`]+)`"
    r"|couldn't find remote ref (?P<git>\S+)|pathspec '(?P<pip>[^']+)' did not match"
    r"|Did not find branch or tag '(?P<warned>[^']+)'"
)
_UNREACHED = (
    *("Could not resolve host", "Connection refused", "Couldn't connect", "Failed to connect"),
    *("Connection timed out", "Operation timed out", "Network is unreachable", "RPC failed"),
    *("Temporary failure in name resolution", "early EOF", "The requested URL returned error: 5"),
    *("Connection reset", "SSL certificate problem", "Connection closed by"),
)
_REFUSED = (
    *("Authentication failed", "could not read Username", "could not read Password"),
    *("Permission denied", "terminal prompts disabled", "Host key verification failed"),
    *("The requested URL returned error: 401", "The requested URL returned error: 403"),
)
# What git and pip say where there is no such program; builds have neither it nor keys for it.
_NO_SSH = ("cannot run ssh", "ssh: not found", "ssh: command not found", "No such file: 'ssh'")
_SSH = re.compile(r"(?:git\+)?ssh://(?:[^@/\s]+@)?(?P<rest>[^\s`'\")]+)")
_ABSENT = ("not found", "does not exist", "does not appear to be a git repository")


def git_fault(output: str, requirements: Wanted | None = None) -> CnbkitError | None:
    """The fault of a repository, its network or its login; None if git is not what failed.

    Args:
        output: what the program said.
        requirements: to find the line that names the repository.
    """
    if not any(sign in output for sign in _SIGNS):
        return None
    address = _ADDRESS.search(output)
    url = address.group().removeprefix("git+") if address else "a git repository"
    where = _line(url, requirements)
    # Of a lock's packages no line is known here.
    if where == url and (asked := _NAMED.search(output)):
        where = f"{asked['name']}: {_plain(url)}"
    if any(sign in output for sign in _UNREACHED):
        return PlatformFault(
            f"the git repository {_plain(url)} cannot be reached",
            where=where,
            remedy="check the network and the proxy variables, then build again",
        )
    if any(sign in output for sign in _REFUSED):
        return UserFault(
            f"the git repository {_plain(url)} refuses the login, or asks for one",
            where=where,
            remedy="give a login for its host with a binding of type netrc, and write the address "
            "with https://",
        )
    if any(sign in output for sign in _NO_SSH):
        asked = _SSH.search(output)
        plain = asked["rest"].partition("#")[0] if asked else "<host>/<path>"
        if (found := _COMMIT.search(output)) and found["uv"] and "@" not in plain:
            plain += f"@{found['uv']}"
        return UserFault(
            f"the git repository {_plain(url)} is asked for by ssh, which builds do not have",
            where=where,
            remedy=f"write git+https://{plain}; a private repository needs a login: a binding of "
            "type netrc",
        )
    if found := _COMMIT.search(output):
        wanted = found["uv"] or found["git"] or found["pip"] or found["warned"]
        return UserFault(
            f"the git repository {_plain(url)} has no {wanted}",
            where=where,
            remedy=f"write a branch, tag or commit that it has in place of {wanted}",
        )
    if any(sign in output for sign in _ABSENT) or "fatal: " in output:
        return UserFault(
            f"there is no git repository at {_plain(url)}",
            where=where,
            remedy="correct the address; a private repository needs a login: a binding of type "
            "netrc",
        )
    return None


def _plain(url: str) -> str:
    """Without the commit and what stands behind it."""
    place = url.partition("#")[0]
    head, at, _ = place.rpartition("@")
    return head if at and "://" in head and "/" in head.partition("://")[2] else place


def _line(url: str, requirements: Wanted | None) -> str:
    """The line that names a repository, or its address."""
    if requirements is None:
        return url
    host, slash, path = url.partition("://")[2].partition("/")
    place = host.rpartition("@")[2] + slash + path.partition("@")[0].partition("#")[0]
    for file, text in requirements.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if place and place.removesuffix(".git") in line:
                return f"{file}:{number}"
    return url
