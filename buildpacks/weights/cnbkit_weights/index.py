"""Which file is in which layer, kept from build to build in a form that needs no parser."""

from __future__ import annotations

__all__ = ["Index", "Placed"]

_NAME = "index"


class Placed:
    """A file and where it is.

    Attributes:
        sha256: its checksum.
        layer: the layer's name.
        line: of weights.toml, for messages.
        target: where the app finds it, relative to the app's root.
    """

    __slots__ = ("layer", "line", "sha256", "target")

    def __init__(self, sha256: str, layer: str, line: int, target: str) -> None:
        self.sha256 = sha256
        self.layer = layer
        self.line = line
        self.target = target


class Index:
    """All files of a build.

    Attributes:
        digest: of what they were read from; empty if there is no index.
        files: in the order of weights.toml.
    """

    def __init__(self, digest: str, files: list[Placed]) -> None:
        self.digest = digest
        self.files = files

    @property
    def layers(self) -> dict[str, list[str]]:
        """The checksums of each layer's files, sorted."""
        found: dict[str, set[str]] = {}
        for each in self.files:
            found.setdefault(each.layer, set()).add(each.sha256)
        return {name: sorted(files) for name, files in sorted(found.items())}

    @classmethod
    def read(cls, folder: str) -> Index:
        """What `write` left there; an empty index if that is nothing, or damaged."""
        try:
            with open(f"{folder}/{_NAME}", encoding="utf-8") as file:
                digest, *lines, end = file.read().split("\n")
            if end != "end":
                return cls("", [])
            return cls(digest, [_placed(line) for line in lines])
        except (OSError, ValueError):
            return cls("", [])

    def write(self, folder: str) -> None:
        """Keep it, if it is not there as it is."""
        rows = [f"{e.sha256} {e.layer} {e.line} {e.target}" for e in self.files]
        text = "\n".join([self.digest, *rows, "end"])
        if self.digest != Index.read(folder).digest:
            with open(f"{folder}/{_NAME}", "w", encoding="utf-8") as file:
                file.write(text)


def _placed(line: str) -> Placed:
    sha256, layer, number, target = line.split(" ", 3)
    return Placed(sha256, layer, int(number), target)
