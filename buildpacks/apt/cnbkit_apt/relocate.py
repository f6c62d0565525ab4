"""Correct paths that stand in files, so that they lead into the layer.

Debian's packages expect to be in /usr and /etc. In text any path can be written anew. In a
program it cannot become longer; but the architecture's folder of libraries, where programs look
for their plug-ins, can be written as a path of the same length, through a short link in the
layer. What is left is told, unless a variable says it to the program.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from cnbkit_apt.layout import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Left", "relocate"]

_TOPS = rb"(?:usr|etc|opt|var|bin|sbin|lib|lib64)"
_NAME = rb"[A-Za-z0-9_.+@-]+"
# Not behind what makes it the end of another path, of a variable or a word; `-I/usr/include/x` is.
# The slash is looked for first: that way a program of 50 MB takes 20 ms and not two seconds.
_PATH = re.compile(rb"/(?:(?<![\w.$}%/@~+-]/)|(?<=-[IL]/))" + _TOPS + rb"(?:/" + _NAME + rb")+")
# `/usr/lib/$NAME`, where the script has said what NAME is.
_INDIRECT = re.compile(rb"(?<![\w.$}%/@~+-])(/usr/(?:lib|share)/)\$\{?(\w+)")
_PREFIX = re.compile(rb"(?m)^(\w*prefix=[\"']?)(/usr)\b(?=[\"']?\s*$)")
# A name of the link to the architecture's folder: as short as can be.
_LINK = "l"
_LARGE = 8 << 20
# Read by people, or by compilers that are told where to look.
_SKIPPED = ("usr/share/doc", "usr/include", "usr/share/common-licenses", "usr/share/lintian")


class Left:
    """A program, and a place it will not find.

    Attributes:
        file: the program's path in the layer.
        place: what it looks for, which is in the layer.
    """

    def __init__(self, file: str, place: str) -> None:
        self.file = file
        self.place = place

    def __repr__(self) -> str:
        return f"Left({self.file!r}, {self.place!r})"


def relocate(layout: Layout, told: Mapping[str, str]) -> list[Left]:
    """Correct all files of a layer.

    Args:
        layout: the layer.
        told: variables that name places in the layer, by that place. Programs that know such a
            variable find what is in or below the place.
    """
    alias = _alias(layout)
    left: list[Left] = []
    for path in _files(layout.root):
        inside = os.path.relpath(path, layout.root)
        if inside.startswith(_SKIPPED):
            continue
        with open(path, "rb") as file:
            head = file.read(1024)
            is_program = head.startswith(b"\x7fELF")
            if not is_program and (b"\0" in head or os.fstat(file.fileno()).st_size > _LARGE):
                continue
            data = head + file.read()
        if is_program:
            left += _program(layout, inside, data, alias, told)
        else:
            _text(layout, inside, data)
    return left


def _text(layout: Layout, inside: str, data: bytes) -> None:
    root = os.fsencode(layout.root)

    def moved(match: re.Match[bytes]) -> bytes:
        path = match[0].rstrip(b".")
        own = os.fsencode(layout.own(os.fsdecode(path)))
        if not own:
            return match[0]
        # In a merged /usr a path begins with /usr in the layer though not in the text.
        upper = b"/usr" if own.startswith(b"usr/") and not path.startswith(b"/usr/") else b""
        return root + upper + match[0]

    def named(match: re.Match[bytes]) -> bytes:
        said = re.search(rb"(?m)^[ \t]*(?:export\s+)?" + match[2] + rb"=[\"']?([\w.+-]+)", data)
        if said and layout.own(os.fsdecode(match[1] + said[1])):
            return root + match[0]
        return match[0]

    new = _INDIRECT.sub(named, _PATH.sub(moved, data))
    if inside.endswith((".pc", "-config")):
        new = _PREFIX.sub(rb"\g<1>" + root + rb"\2", new)
    if new != data:
        _write(f"{layout.root}/{inside}", new)


def _program(
    layout: Layout, inside: str, data: bytes, alias: bytes, told: Mapping[str, str]
) -> list[Left]:
    folder = b"/" + os.fsencode(layout.lib)
    changed = bytearray()
    places: set[str] = set()
    for match in _PATH.finditer(data):
        own = layout.own(os.fsdecode(match[0]))
        if not own or own == inside:
            continue
        if alias and match[0].startswith(folder + b"/"):
            changed = changed or bytearray(data)
            changed[match.start() : match.start() + len(folder)] = alias
        elif not any(
            (own == place or own.startswith(f"{place}/")) and os.fsencode(name) in data
            for place, name in told.items()
        ):
            places.add(own)
    if changed:
        _write(f"{layout.root}/{inside}", bytes(changed))
    return [Left(inside, place) for place in sorted(places)]


def _alias(layout: Layout) -> bytes:
    """A path as long as the architecture's folder that leads to the layer's; empty if none can."""
    length = len(layout.lib) + 1
    short = f"{layout.root}/{_LINK}"
    if len(short) > length or not os.path.isdir(f"{layout.root}/{layout.lib}"):
        return b""
    os.symlink(layout.lib, short)
    # Several slashes are one.
    return os.fsencode(f"{layout.root}{'/' * (length - len(layout.root) - len(_LINK))}{_LINK}")


def _files(folder: str) -> Iterator[str]:
    for directory, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files):
            path = f"{directory}/{name}"
            if not os.path.islink(path):
                yield path


def _write(path: str, data: bytes) -> None:
    # The file has its mode already; a new one would need it.
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()
