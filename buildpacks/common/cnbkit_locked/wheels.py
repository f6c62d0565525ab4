"""For which Pythons a lock has wheels of packages that nobody can build: they have no sources."""

from __future__ import annotations

from cnbkit_locked.selected import certain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_locked.entries import Entry

__all__ = ["Compiled", "compiled"]

_MINORS = range(6, 30)
_ENDS = (".whl", ".tar.gz", ".zip", ".tar.bz2")
_FAMILY = {"amd64": "x86_64", "arm64": "aarch64"}


class Compiled:
    """A package of wheels alone, each for certain Pythons.

    Attributes:
        name: normalised.
        version: the locked one.
        minors: of Python 3, for which there is a wheel.
    """

    __slots__ = ("minors", "name", "version")

    def __init__(self, name: str, version: str, minors: set[int]) -> None:
        self.name = name
        self.version = version
        self.minors = minors


def compiled(text: str, file: str, arch: str) -> list[Compiled]:
    """Those that the image gets for sure.

    Args:
        text: of the lock.
        file: its name.
        arch: `amd64` or `arm64`.
    """
    # Nearly all have sources, or wheels for any Python.
    if not any(_may_be(block) for block in text.split("[[package")):
        return []
    named: dict[str, list[Entry]] = {}
    for entry in certain(text, file):
        named.setdefault(entry.name, []).append(entry)
    found = []
    for name, versions in named.items():
        files = [each for entry in versions for each in _files(entry)]
        if any("sdist" in entry.values for entry in versions):
            continue
        if not all(each.endswith(".whl") for each in files):
            continue
        fitting = [_minors(each) for each in files if _runs_here(each, _FAMILY.get(arch, arch))]
        minors = set().union(*fitting)
        if fitting and minors != {*_MINORS}:
            version = versions[0].values.get("version", "").strip("\"'")
            found.append(Compiled(name, version, minors))
    return found


def _may_be(block: str) -> bool:
    sources = "sdist = " in block or any(f'{end}"' in block for end in _ENDS[1:])
    return ".whl" in block and not sources and "-none-any.whl" not in block


def _files(entry: Entry) -> list[str]:
    """Names of a package's files, of a list that says `url`, `file` or `name`."""
    found = []
    for line in (*entry.lists.get("wheels", ()), *entry.lists.get("files", ())):
        texts = line.replace("'", '"').split('"')[1::2]
        found += [text.rpartition("/")[2] for text in texts if text.endswith(_ENDS)][:1]
    return found


def _runs_here(wheel: str, family: str) -> bool:
    platform = wheel.removesuffix(".whl").rpartition("-")[2]
    return platform == "any" or any(
        "linux" in each and each.endswith(family) for each in platform.split(".")
    )


def _minors(wheel: str) -> set[int]:
    *_, tags, abis, _ = ["", "", *wheel.removesuffix(".whl").split("-")]
    found: set[int] = set()
    for tag in tags.split("."):
        number = int(tag[3:]) if tag[3:].isdigit() else 0
        if tag.startswith("py3") or (tag.startswith("cp3") and "abi3" in abis.split(".")):
            found.update(minor for minor in _MINORS if minor >= number)
        elif tag.startswith("cp3") and {tag, f"{tag}m", "none"} & {*abis.split(".")}:
            found.add(number)
    return found
