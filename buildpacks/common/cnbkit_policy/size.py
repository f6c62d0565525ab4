"""How much an image gets on top of the run image, as far as a buildpack can see."""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext

__all__ = ["Contents", "in_bytes", "spelled"]

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NO_LAYERS = ("launch.toml", "build.toml", "store.toml")
_LARGEST = 3


class Contents:
    """The app, and layers of buildpacks before this one: unpacked bytes.

    Attributes:
        unseen: names of layers that are the previous image's, of which nothing is known.
    """

    def __init__(self, app: str, layers: dict[str, tuple[str, str]]) -> None:
        self._app = app
        # By name, the directory and a digest of what it holds.
        self._layers = layers
        self._sizes: dict[str, int] = {}
        self.unseen: list[str] = []

    @classmethod
    def of(cls, ctx: BuildContext) -> Contents:
        """What there is now; nothing is measured yet."""
        own = os.path.dirname(ctx.scratch)
        root = os.path.dirname(own)
        layers = {}
        for buildpack in sorted(os.listdir(root)):
            folder = f"{root}/{buildpack}"
            if folder in (own, ctx.app.top) or not os.path.isdir(folder):
                continue
            for name in sorted(os.listdir(folder)):
                if not name.endswith(".toml") or name in _NO_LAYERS:
                    continue
                with open(f"{folder}/{name}", "rb") as file:
                    text = file.read()
                if b"launch = true" in text:
                    layer = name.removesuffix(".toml")
                    # cnbkit's layers say what they hold; of others all of the table counts.
                    _, mark, rest = text.partition(b'digest = "')
                    said = hashlib.sha256(rest.partition(b'"')[0] if mark else text).hexdigest()
                    layers[f"{buildpack}:{layer}"] = (f"{folder}/{layer}", said[:24])
        return cls(ctx.app.top, layers)

    def digest(self) -> str:
        """Of everything a verdict depends on."""
        lines = [f"{name} {said}" for name, (_, said) in self._layers.items()]
        text = "\n".join([*lines, str(_size(self._app))])
        return hashlib.sha256(text.encode()).hexdigest()

    def measure(self, remembered: object) -> None:
        """Look at all that is there; take the rest from memory.

        Args:
            remembered: what `remembered` gave last time.
        """
        before = remembered if isinstance(remembered, dict) else {}
        for name, (directory, said) in self._layers.items():
            last = str(before.get(name, "")).partition(" ")
            if os.path.isdir(directory):
                self._sizes[name] = _size(directory)
            elif last[0] == said and last[2].isdigit():
                self._sizes[name] = int(last[2])
            else:
                self.unseen.append(name)
        self._sizes["the app"] = _size(self._app)

    def remembered(self) -> dict[str, str]:
        """By layer, a digest and the size, for the next build."""
        return {
            name: f"{said} {self._sizes[name]}"
            for name, (_, said) in self._layers.items()
            if name in self._sizes
        }

    @property
    def total(self) -> int:
        """Bytes of all that could be measured."""
        return sum(self._sizes.values())

    def largest(self) -> list[str]:
        """The largest parts, with their sizes."""
        by_size = sorted(self._sizes.items(), key=lambda item: (-item[1], item[0]))
        return [f"{name} {spelled(size)}" for name, size in by_size[:_LARGEST]]


def in_bytes(text: str) -> int:
    """`2 GB` as a number; 0 of an empty text.

    Raises:
        ValueError: it is not a size.
    """
    if not text:
        return 0
    number, unit = text.strip(), "B"
    for name in sorted(_UNITS, key=len, reverse=True):
        if number.endswith(name):
            number, unit = number.removesuffix(name).strip(), name
            break
    whole, dot, rest = number.partition(".")
    digits = whole + rest
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16) or (dot and not rest):
        raise ValueError(f"{text!r} is not a size like `2 GB` or `500 MiB`")
    return int(int(digits) * _UNITS[unit] / float(f"1e{len(rest)}"))


def spelled(size: int) -> str:
    """A size for people."""
    for unit in ("GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.2f} {unit}"
    return f"{size} B"


def _size(root: str) -> int:
    """Bytes of all files of a folder; a link is as long as what it says."""
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                total += os.lstat(f"{folder}/{name}").st_size
            except OSError:
                # Gone meanwhile.
                continue
    return total
