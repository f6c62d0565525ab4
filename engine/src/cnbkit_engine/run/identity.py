"""Who a process of an image is: its USER, or whom somebody names in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["find_user", "numeric_ids"]


def numeric_ids(spec: str) -> tuple[int, int] | None:
    """Uid and gid of a USER that says both in numbers, which no file of the image has to explain.

    None for all others. An empty one is root.
    """
    user, _, group = (spec or "0:0").partition(":")
    return (int(user), int(group)) if _is_id(user) and _is_id(group) else None


def find_user(spec: str, layers: Sequence[Path]) -> tuple[int, int, str]:
    """Uid, gid and home folder of a USER: `name|uid[:name|gid]`, empty for root.

    Args:
        spec: what the image or somebody says.
        layers: the image's, unpacked, topmost first.

    Raises:
        PlatformFault: the image does not define them.
    """
    user, _, group = spec.partition(":")
    user = user or "0"
    for entry in _database("etc/passwd", layers, fields=7):
        if user in (entry[0], entry[2]):
            uid, gid, home = int(entry[2]), int(entry[3]), entry[5] or "/"
            break
    else:
        if not _is_id(user):
            raise _no_such(user, "/etc/passwd")
        uid, gid, home = int(user), 0, "/"
    if group:
        found = [
            entry[2] for entry in _database("etc/group", layers, fields=4) if entry[0] == group
        ]
        if not found and not _is_id(group):
            raise _no_such(group, "/etc/group")
        gid = int(found[0] if found else group)
    return uid, gid, home


def _database(name: str, layers: Sequence[Path], *, fields: int) -> list[list[str]]:
    """Entries of the image's passwd or group file: the topmost layer's that has one."""
    for layer in layers:
        path = layer / name
        # Not through a link: it would be followed on the host.
        if path.is_file() and not path.is_symlink() and not path.parent.is_symlink():
            lines = path.read_text(errors="replace").splitlines()
            entries = [line.split(":") for line in lines]
            numbers = slice(2, 4 if fields == 7 else 3)
            return [
                entry
                for entry in entries
                if len(entry) == fields and all(map(_is_id, entry[numbers]))
            ]
    return []


def _is_id(text: str) -> bool:
    """Whether the kernel knows such an id; the highest one means "none"."""
    return text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) < (1 << 32) - 1


def _no_such(who: str, where: str) -> PlatformFault:
    return PlatformFault(
        f"the image runs as {who!r}, whom it does not define",
        where=where,
        remedy="use a run image that defines this user, or numeric ids",
    )
