"""Debian packages that an app declares: for the buildpack `apt` and the extension `apt-image`.

Here is which files declare packages, and what of them counts; nothing is parsed. All of it is in
one module, because each one that detect loads takes its time.
"""

from __future__ import annotations

from cnbkit import Config, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import App

__all__ = ["APT_TXT", "FILES", "INSTALLED", "MODE", "TABLE", "AptConfig", "Inputs"]

INSTALLED = "/usr/share/cnbkit/apt-image/installed"
"""In a build image that the extension has changed: the identity of what it has installed."""

MODE = "BP_APT_MODE"
APTFILE = "Aptfile"
# repo2docker's: names alone, which is a part of what an Aptfile may have.
APT_TXT = "apt.txt"
FILES = (APTFILE, "project.toml", "pyproject.toml")
TABLE = "tool.cnbkit.apt"


class AptConfig(Config):
    """What may be set."""

    input = Option.text("BP_APT_INPUT", help="The file to read in place of `Aptfile`")
    mirror = Option.text(
        "BP_APT_MIRROR",
        help="Address that stands in for scheme and host of the build image's own sources",
        secret=True,  # it may hold a login
    )
    mode = Option.choice(
        MODE,
        "layer",
        "image",
        help="`layer`: packages are unpacked in a layer; `image`: the extension apt-image installs "
        "them in the run and the build image",
    )
    recommends = Option.flag(
        "BP_APT_RECOMMENDS", help="Install what packages recommend, too; as a rule needless"
    )
    limit = Option.number(
        "BP_APT_TIME_LIMIT", default=60, help="Minutes that each step of apt may take", at_least=1
    )
    size_limit = Option.number(
        "BP_APT_SIZE_LIMIT",
        default=64_000,
        help="Megabytes that lists and packages, and what is unpacked, may take, each",
        at_least=1,
    )
    refresh = Option.text("BP_APT_REFRESH", help="Any new value takes the newest versions again")


class Inputs:
    """What the app declares, as text.

    Attributes:
        texts: by file name, what of the file counts.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    @classmethod
    def find(cls, app: App, chosen: str = "") -> Inputs:
        """Look into the files; a TOML file without the table does not count.

        Args:
            app: the app.
            chosen: BP_APT_INPUT, the file in place of Aptfile.
        """
        plain = chosen or (APTFILE if app.has(APTFILE) else APT_TXT)
        found = {}
        for name in (plain, *FILES[1:]):
            if name == chosen or app.has(name):
                text = app.text(name)
                found[name] = text if name == plain else _table(text)
        return cls({name: text for name, text in found.items() if text or name == plain})

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def files(self) -> list[str]:
        """Names of the files."""
        return list(self.texts)

    @property
    def for_build(self) -> bool:
        """Whether there may be packages for later buildpacks."""
        return any(
            ":build:" in text or "build" in text or "-dev" in text for text in self.texts.values()
        )

    def identity(self, app: App) -> str:
        """A digest of all that is declared, by which the extension and the buildpack agree."""
        import hashlib

        return hashlib.sha256("\n".join(self.digests(app)).encode()).hexdigest()

    def digests(self, app: App) -> list[str]:
        """`name #sha256` of all that counts, also of .deb and key files in the app."""
        import hashlib

        def item(name: str, data: bytes) -> str:
            return f"{name} #{hashlib.sha256(data).hexdigest()}"

        marks = str.maketrans(dict.fromkeys("=[],\"'", " "))
        words = {word for text in self.texts.values() for word in text.translate(marks).split()}
        files = [
            word
            for word in sorted(words)
            if word.endswith((".deb", ".asc", ".gpg")) and "://" not in word and app.has(word)
        ]
        return [
            *(item(name, text.encode()) for name, text in self.texts.items()),
            *(item(name, app.bytes(name)) for name in files),
        ]


def _table(text: str) -> str:
    """The lines of `[tool.cnbkit.apt]` and its subtables; all lines if it may be hidden in one."""
    if "cnbkit" not in text or "apt" not in text:
        return ""
    kept = []
    inside = False
    for line in text.splitlines():
        header = line.strip().lstrip("[")
        # A line of an array begins with a bracket as well, but goes on with a quote.
        if line.lstrip().startswith("[") and header[:1].isalpha():
            name = header.partition("]")[0].replace(" ", "")
            inside = name == TABLE or name.startswith(f"{TABLE}.")
        if inside:
            kept.append(line)
    if kept:
        return "\n".join(kept)
    hidden = (f"{TABLE}.", "[tool.cnbkit]", "[tool]")
    return text if any(each in text.replace(" ", "") for each in hidden) else ""
