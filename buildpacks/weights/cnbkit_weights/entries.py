"""weights.toml: which files, from where, to which place in the app."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit import BuildContext, UserFault
from cnbkit_weights.address import Endpoints, locate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Entry", "read_entries"]

_KEYS = ("uri", "sha256", "target", "size")
_HEX = frozenset("0123456789abcdef")
_MAX_FILE = 1 << 20
_MAX_ENTRIES = 512
_MAX_NAME = 255
_MAX_PATH = 1024
_EXAMPLE = """write for each file:
[[weights]]
uri = "hf://org/name@<commit>/model.safetensors"
sha256 = "<64 digits, as sha256sum or the hub's page of the file tells>"
target = "models/model.safetensors\""""


@dataclass(frozen=True)
class Entry:
    """A file to have.

    Attributes:
        uri: its address as written.
        sha256: its checksum, in small letters.
        target: its place relative to the app's root.
        size: in bytes; None if the file does not say.
        line: where it is written.
    """

    uri: str
    sha256: str
    target: str
    size: int | None
    line: int

    @property
    def name(self) -> str:
        """The last part of its target."""
        return self.target.rpartition("/")[2]


def read_entries(ctx: BuildContext, file: str) -> list[Entry]:
    """All files it names.

    Raises:
        UserFault: it is wrong; every fault with its line.
    """
    text = ctx.app.text(file)
    if len(text) > _MAX_FILE:
        raise UserFault.of(file, [(1, f"{len(text)} characters; {_MAX_FILE} are allowed")],
                           remedy=_EXAMPLE)  # fmt: skip
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        what, _, place = str(error).partition(" (at line ")
        number = place.partition(",")[0]
        at = int(number) if number.isdigit() else 1
        raise UserFault.of(file, [(at, f"not TOML: {what}")], remedy=_EXAMPLE) from None
    tables = document.pop("weights", None)
    faults = [(_line(text, name), f"{_shown(name)} means nothing here") for name in document]
    if not isinstance(tables, list) or any(not isinstance(each, dict) for each in tables):
        raise UserFault.of(file, [*faults, (1, "there is no [[weights]]")], remedy=_EXAMPLE)
    if len(tables) > _MAX_ENTRIES:
        faults.append((1, f"{len(tables)} files; {_MAX_ENTRIES} are allowed"))
    lines = _headers(text)
    if len(lines) != len(tables):  # written another way, as an inline list for one
        lines = [1] * len(tables)
    entries = []
    for table, line in zip(tables, lines, strict=True):
        wrong = list(_faults(table, ctx.app.root))
        faults += [(line, each) for each in wrong]
        if not wrong:
            target = _relative(table["target"], ctx.app.root)
            entries.append(
                Entry(table["uri"], table["sha256"].lower(), target, table.get("size"), line)
            )
    faults += _collisions(file, entries)
    if faults:
        raise UserFault.of(file, faults, remedy=_EXAMPLE)
    return entries


def _faults(table: dict[str, Any], root: str) -> Iterator[str]:
    for name in table:
        if name not in _KEYS:
            yield f"{_shown(name)} is not one of {', '.join(_KEYS)}"
    for name in ("uri", "sha256", "target"):
        value = table.get(name)
        if not isinstance(value, str) or not value:
            yield f"{name} is {'missing' if value in (None, '') else 'not text'}"
    uri = table.get("uri")
    if isinstance(uri, str) and uri:
        try:
            locate(uri, Endpoints())
        except ValueError as error:
            yield str(error)
    sha256 = table.get("sha256")
    if isinstance(sha256, str) and sha256:
        digits = sha256.lower()
        if len(digits) != 64 or not _HEX.issuperset(digits):
            yield f"sha256 is {_shown(sha256)}, not 64 hexadecimal digits"
    size = table.get("size")
    if size is not None and (type(size) is not int or not 0 <= size < 1 << 50):
        yield "size is not a number of bytes"
    target = table.get("target")
    if isinstance(target, str) and target:
        fault = _target_fault(target, root)
        if fault:
            yield f"target {_shown(target)} {fault}"


def _relative(target: str, root: str) -> str:
    path = target.removeprefix(f"{root}/")
    return "/".join(step for step in path.split("/") if step not in ("", "."))


def _target_fault(target: str, root: str) -> str:
    if not target.isprintable():
        return "has characters that cannot be printed"
    if target.startswith("/") and not target.startswith(f"{root}/"):
        return f"is not in the app: a build writes only below {root}"
    if ".." in target.split("/"):
        return "leads out of the app"
    path = _relative(target, root)
    if not path or target.endswith("/"):
        return "is a folder: give the file's name as well"
    if len(path.encode()) > _MAX_PATH or any(
        len(step.encode()) > _MAX_NAME for step in path.split("/")
    ):
        return "is too long"
    return ""


def _collisions(file: str, entries: list[Entry]) -> Iterator[tuple[int, str]]:
    places = {file: 0}
    for each in entries:
        if each.target in places:
            other = places[each.target]
            where = f"that of line {other}, too" if other else "this file itself"
            yield each.line, f"target {_shown(each.target)} is {where}"
        places.setdefault(each.target, each.line)
    for each in entries:
        steps = each.target.split("/")
        for end in range(1, len(steps)):
            above = "/".join(steps[:end])
            if above in places:
                yield each.line, f"target {_shown(each.target)} is below {_shown(above)}, a file"


def _headers(text: str) -> list[int]:
    """Lines of `[[weights]]`."""
    plain = (line.partition("#")[0].replace(" ", "").replace("\t", "") for line in _lines(text))
    return [number for number, line in enumerate(plain, 1) if line == "[[weights]]"]


def _line(text: str, name: str) -> int:
    for number, line in enumerate(_lines(text), 1):
        if line.replace('"', "").replace("'", "").lstrip("[ \t").startswith(name) and name:
            return number
    return 1


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.split("\n")]


def _shown(text: str) -> str:
    """A text on one line, and not all of a long one."""
    shown = repr(text)
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
