"""Links that `update-alternatives` would make when packages are configured."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

__all__ = ["link_alternatives"]

_WORD = r"[\"']?([^\s\"';|&]+)[\"']?"
_INSTALL = re.compile(
    rf"--install\s+{_WORD}\s+{_WORD}\s+{_WORD}\s+{_WORD}((?:\s+--slave\s+{_WORD}\s+{_WORD}\s+{_WORD})*)"
)
_SLAVE = re.compile(rf"--slave\s+{_WORD}\s+{_WORD}\s+{_WORD}")
_ASSIGNED = re.compile(r"(?m)^[ \t]*(\w+)=(?:\"([^\"$`]*)\"|'([^']*)'|([^\s\"'$`;&|()]+))[ \t]*;?$")
_LOOP = re.compile(r"(?m)^[ \t]*for\s+(\w+)\s+in\s+([^;\n]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def link_alternatives(layer: str, scripts: Iterable[str]) -> None:
    """Make the links that packages' scripts ask for; the highest priority wins.

    A script is not run. Variables it assigns words to are understood, and loops over words.

    Args:
        layer: the layer's directory.
        scripts: text of each `postinst`.
    """
    found: dict[str, tuple[int, str]] = {}
    for script in scripts:
        text = script.replace("\\\n", " ")
        variables = _variables(text)
        for match in _INSTALL.finditer(text):
            for said in _meant(match[0], variables):
                _note(said, layer, found)
    for link, (_, path) in sorted(found.items()):
        place = f"{layer}{link}"
        if not os.path.lexists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(os.path.relpath(path, os.path.dirname(link)), place)


def _note(command: str, layer: str, found: dict[str, tuple[int, str]]) -> None:
    match = _INSTALL.match(command)
    if not match or not match[4].isdigit():
        return
    pairs = [(match[1], match[3])] + [(m[1], m[3]) for m in _SLAVE.finditer(match[5])]
    for link, path in pairs:
        if _is_plain(link) and _is_plain(path) and os.path.exists(f"{layer}{path}"):
            found[link] = max(found.get(link, (-1, "")), (int(match[4]), path))


def _is_plain(path: str) -> bool:
    """Whether it is the path of a file in the image, and leads nowhere else."""
    parts = path.split("/")
    # Put behind the layer's own path, one that does not begin so is a name beside the layer.
    whole = path.startswith("/") and path.isprintable() and "$" not in path
    return whole and ".." not in parts and max(map(len, map(os.fsencode, parts))) < 250


def _variables(text: str) -> dict[str, list[str]]:
    """What each variable may hold, one after the other."""
    found: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    for match in _ASSIGNED.finditer(text):
        words[match[1]] = next(each for each in match.groups()[1:] if each is not None)
        found[match[1]] = [words[match[1]]]
    for match in _LOOP.finditer(text):
        said = _VARIABLE.sub(lambda m: words.get(m[1] or m[2], m[0]), match[2])
        found[match[1]] = [*found.get(match[1], []), *said.split()]
    return found


def _meant(command: str, variables: dict[str, list[str]]) -> Iterator[str]:
    """The command for each value of its variables; no more than a script would do."""
    match = next((m for m in _VARIABLE.finditer(command) if variables.get(m[1] or m[2])), None)
    if match is None:
        yield command
        return
    name = match[1] or match[2]
    others = {key: value for key, value in variables.items() if key != name}
    for value in variables[name]:
        put = re.sub(rf"\$(?:\{{{name}\}}|{name}\b)", value.replace("\\", ""), command)
        yield from _meant(put, others)
