"""The hardware an image is for, as the `hardware` buildpack says it.

Only what the key of the layer needs; what follows from it is in `variant`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, OpenLayer

__all__ = ["Hardware", "installed_cuda", "version_of"]

_TORCH = "https://download.pytorch.org/whl"


class Hardware:
    """The choice and its rules.

    Attributes:
        word: "cuda:12.8", "cpu", …
        torch: address that has PyTorch's indexes below it, without a slash at its end.
    """

    def __init__(self, word: str, rules: str, torch: str) -> None:
        self.word = word
        self.torch = (torch or _TORCH).rstrip("/")
        self._rules = rules

    @classmethod
    def read(cls, ctx: BuildContext, torch: str) -> Hardware | None:
        """What the `hardware` buildpack chose; None if it did not take part.

        Args:
            ctx: the build.
            torch: another place of PyTorch's indexes; empty for its own.
        """
        word = ctx.env.get("CNBKIT_HARDWARE", "")
        return cls(word, ctx.env.get("CNBKIT_HARDWARE_RULES", ""), torch) if word else None

    @property
    def name(self) -> str:
        """The accelerator without its version."""
        return self.word.partition(":")[0]

    @property
    def version(self) -> str:
        """What the user asks for; empty if nothing in particular."""
        return self.word.partition(":")[2]

    def rules(self, verb: str) -> list[list[str]]:
        """The words after a verb, of each rule that has it."""
        lines = (line.split() for line in self._rules.splitlines())
        return [words[1:] for words in lines if words and words[0] == verb]

    def words(self, verb: str) -> list[str]:
        """The words after a verb, of all its rules."""
        return [word for words in self.rules(verb) for word in words]

    def builds(self, version: str) -> list[str]:
        """PyTorch's indexes for a version like "12", or for any; the newest first."""
        return [
            each
            for each in self.words("builds")
            if not version or f"{version_of(each)}.".startswith(f"{version}.")
        ]

    def index(self, build: str) -> str:
        """The address of one of PyTorch's indexes."""
        return f"{self.torch}/{build}"

    def driver(self, cuda: str) -> str:
        """The oldest driver for a CUDA version; empty if unknown."""
        for pair in self.words("drivers"):
            version, _, driver = pair.partition("=")
            if f"{cuda}.".startswith(f"{version}."):
                return driver
        return ""

    def labels(self, cuda: str) -> dict[str, str]:
        """Of an image with a CUDA version; none without."""
        if not cuda:
            return {}
        driver = self.driver(cuda)
        floor = {"io.cnbkit.cuda.driver": f">={driver}"} if driver else {}
        return {"io.cnbkit.cuda": cuda, **floor}

    def __str__(self) -> str:
        """For a key: the word, and a digest of what follows from it."""
        import hashlib

        text = f"{self._rules}\0{self.torch}"
        return f"{self.word} #{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def installed_cuda(site: OpenLayer, lock: OpenLayer) -> str:
    """The CUDA of the packages that are installed, or were in the previous image."""
    path = f"{lock.directory}/cuda"
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            return file.read()
    # The cache is gone: the layer's own notes, which take longer to read.
    found: object = site.old.get("note", {}).get("cuda", "")
    return str(found)


def version_of(build: str) -> str:
    """Of `cu128` 12.8, of `rocm6.4` 6.4."""
    if build.startswith("cu"):
        return f"{build[2:-1]}.{build[-1]}"
    return build.lstrip("abcdefghijklmnopqrstuvwxyz")
