"""Who on the host a sandboxed process is. Never root: foreign code runs in there.

An ordinary user's sandboxes run as that user. Root's run as a user that owns nothing else: the
first of root's subordinate ids (/etc/subuid), else a fixed one far above all accounts. What such a
process has to write, or must be able to read whatever its mode, is given to that user (`giving`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cnbkit.errors import PlatformFault

__all__ = ["HostUser", "sandbox_user"]

# Above what systemd gives to containers (up to 0x6FFFFFFF), below what it reserves (0x7FFE0000).
_FIXED = 0x70010000


@dataclass(frozen=True)
class HostUser:
    """A user of the host.

    Args:
        uid: user id.
        gid: group id.
    """

    uid: int
    gid: int


def sandbox_user() -> HostUser | None:
    """The user root's sandboxes run as; None for anybody else, who runs them as themselves.

    Raises:
        PlatformFault: this is root in a namespace that has no other user.
    """
    if os.geteuid() != 0:
        return None
    uids, gids = _mapped("uid_map"), _mapped("gid_map")
    if len(uids) == 1 and len(uids[0].inside) == 1:
        if uids[0].outside != 0:
            return None  # root by name alone: an ordinary user's namespace
        raise PlatformFault(
            "a sandbox would run as root: this user namespace has no other user",
            where="/proc/self/uid_map",
            remedy="give the namespace more user ids (unshare --map-auto, podman --uidmap),"
            " or start cnbkit as an ordinary user",
        )
    return HostUser(
        _subordinate("/etc/subuid", uids) or _free(uids),
        _subordinate("/etc/subgid", gids) or _free(gids),
    )


@dataclass(frozen=True)
class _Range:
    inside: range
    outside: int


def _mapped(name: str) -> list[_Range]:
    """The ids this process's user namespace has."""
    ranges = []
    for line in Path(f"/proc/self/{name}").read_text(encoding="ascii").splitlines():
        first, outside, count = map(int, line.split())
        ranges.append(_Range(range(first, first + count), outside))
    return ranges


def _subordinate(path: str, mapped: list[_Range]) -> int | None:
    """The first of root's subordinate ids."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, ids = line.partition(":")
        first, _, count = ids.partition(":")
        if name in ("root", "0") and first.isdecimal() and count.strip().isdecimal():
            number = int(first)
            if number >= 1000 and int(count) > 0 and any(number in each.inside for each in mapped):
                return number
    return None


def _free(mapped: list[_Range]) -> int:
    """The fixed id; in a container, which has fewer, the last but some of those it has."""
    if any(_FIXED in each.inside for each in mapped):
        return _FIXED
    last = max(each.inside[-1] for each in mapped)
    return max(1, last - 10)  # the last ones are "nobody" and such
