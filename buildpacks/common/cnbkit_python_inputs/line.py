"""One line of a requirements file, split as pip splits it.

Only syntax: comments, continued lines, quotes, options, encodings. What a requirement means is
left to uv or pip.
"""

from __future__ import annotations

import codecs

from cnbkit_python_inputs.former_index import is_former_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Line", "decoded", "filled", "logical_lines", "normalised"]

_NAMES = {
    "-r": "requirement",
    "-c": "constraint",
    "-e": "editable",
    "-i": "index-url",
    "-f": "find-links",
    "-C": "config-settings",
    "--pypi-url": "index-url",
    "--config-setting": "config-settings",
}
_SWITCHES = ("no-index", "pre", "prefer-binary", "require-hashes")
_ARCHIVES = (
    *(".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz"),
    *(".tar.zst", ".tlz", ".tar.lz", ".tar.lzma"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Line:
    """A logical line: continued lines joined, comments gone.

    Attributes:
        file: the file it stands in, relative to the app.
        number: of its first physical line, from 1.
        text: without comments and outer white space.
        requirement: the text before the first option; of an editable one what `-e` names.
        editable: whether it is a `-e` line.
        options: name → values, by the options' long names without hyphens before them.
    """

    __slots__ = ("editable", "file", "number", "options", "requirement", "text")

    def __init__(self, file: str, number: int, text: str) -> None:
        self.file = file
        self.number = number
        self.text = text
        self.requirement, rest = _parted(text)
        self.options = _options(rest)
        self.editable = not self.requirement and "editable" in self.options
        if self.editable:
            self.requirement = self.options["editable"][0]

    @property
    def where(self) -> str:
        """`file:line`, for errors."""
        return f"{self.file}:{self.number}"

    @property
    def included(self) -> str:
        """The file a `-r` or `-c` line names; empty on other lines."""
        if self.requirement:
            return ""
        named = self.options.get("requirement") or self.options.get("constraint")
        return named[0] if named else ""

    @property
    def constrains(self) -> bool:
        """Whether the file it includes only holds versions (`-c`)."""
        return "requirement" not in self.options and "constraint" in self.options

    @property
    def links(self) -> str:
        """What a `--find-links` line names; empty on other lines."""
        found = self.options.get("find-links", []) if not self.requirement else []
        return found[0].removeprefix("file://") if found else ""

    @property
    def index(self) -> str:
        """The address of an index line, as written; empty on other lines."""
        if self.requirement:
            return ""
        found = self.options.get("index-url") or self.options.get("extra-index-url")
        return found[0] if found else ""

    @property
    def hashes(self) -> list[str]:
        """Its `--hash` options, and the one in its address: `sha256:…` and so on."""
        found = [each.lower() for each in self.options.get("hash", []) if self.requirement]
        for part in self.fragment.split("&"):
            kind, sign, digest = part.partition("=")
            if sign and kind.startswith(("sha", "md5")):
                found.append(f"{kind}:{digest}".lower())
        return found

    @property
    def name(self) -> str:
        """The package's normalised name, if the line starts with one; else empty."""
        if self.editable or self.text.startswith("-"):
            return ""
        end = 0
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "-_."):
            end += 1
        return normalised(self.text[:end])

    @property
    def location(self) -> str:
        """The address or path that a requirement names, without extras and fragment; or empty."""
        return self._direct().partition("#")[0]

    @property
    def fragment(self) -> str:
        """What stands behind `#` in its address."""
        return self._direct().partition("#")[2]

    @property
    def repository(self) -> str:
        """The address of a repository, without scheme, commit and fragment; or empty."""
        location = self.location
        if not location.startswith(("git+", "hg+", "svn+", "bzr+")):
            return ""
        address, at, commit = location.partition("+")[2].rpartition("@")
        # The sign may belong to a login.
        return (
            address
            if at and "/" not in commit.partition("://")[0] and "://" in address
            else (location.partition("+")[2])
        )

    @property
    def local(self) -> str:
        """The file or folder a local requirement names, as written; empty on other lines."""
        location = self.repository or self.location
        for scheme in ("file://localhost", "file://", "file:"):
            if location.startswith(scheme):
                return _unquoted(location.removeprefix(scheme))
        return "" if "://" in location else location

    def _direct(self) -> str:
        """What follows `name @`, or an address or a path by itself; its marker is gone."""
        text = self.requirement
        if not text:
            return ""
        named, at, rest = text.partition("@")
        if at and _is_name(named.strip()):
            text = rest.strip()
        elif not (self.editable or _is_place(text)):
            return ""
        text = text.partition(" ;")[0].partition("; ")[0].strip()
        place, sign, fragment = text.partition("#")
        if place.endswith("]"):
            place = place.rpartition("[")[0]
        return f"{place}{sign}{fragment}"


def _is_name(text: str) -> bool:
    name = text.partition("[")[0].strip()
    return bool(name) and all(char.isalnum() or char in "-_." for char in name)


def _is_place(text: str) -> bool:
    """Whether it is an address or a path, as uv and pip tell it from a name."""
    place = text.partition(" ;")[0].partition("; ")[0].partition("#")[0].strip()
    if place.endswith("]"):
        place = place.rpartition("[")[0]
    if place.startswith((".", "/", "file:")) or place.lower().endswith(_ARCHIVES):
        return True
    # A slash elsewhere is a marker's or a specifier's.
    first = place.split(";")[0].split()[:1]
    return bool(first) and "/" in first[0]


def _parted(text: str) -> tuple[str, str]:
    """The requirement, and the options behind it, as pip cuts a line."""
    if text.startswith("-"):
        return "", text
    words = text.split(" ")
    for number, word in enumerate(words):
        if word.startswith("-") and number:
            return " ".join(words[:number]).strip(), " ".join(words[number:])
    return text, ""


def _options(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    words = _words(text)
    while words:
        word = words.pop(0)
        value = ""
        if word.startswith("--"):
            word, sign, value = word.partition("=")
        else:
            word, value, sign = word[:2], word[2:].lstrip("="), word[2:]
        name = _NAMES.get(word, word.lstrip("-"))
        if name not in _SWITCHES and not sign and words:
            value = words.pop(0)
        if not (name == "index-url" and is_former_index(value)):
            found.setdefault(name, []).append(value)
    return found


def _words(text: str) -> list[str]:
    if not any(sign in text for sign in "\"'\\"):
        return text.split()
    import shlex

    try:
        return shlex.split(text)
    except ValueError:  # a quote is not closed: who resolves says so
        return text.split()


def _unquoted(path: str) -> str:
    if "%" not in path:
        return path
    first, *parts = path.encode().split(b"%")
    for part in parts:
        try:
            first += bytes([int(part[:2], 16)]) + part[2:]
        except ValueError:
            first += b"%" + part
    return first.decode(errors="surrogateescape")


def normalised(name: str) -> str:
    """A project name in its one spelling (PEP 503)."""
    for separator in "_.":
        name = name.replace(separator, "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name.lower()


def logical_lines(file: str, text: str) -> list[Line]:
    """A requirements file's lines, continued ones joined, comments and empty ones gone."""
    lines: list[Line] = []
    start, parts = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        comment = raw.lstrip().startswith("#")
        # A comment ends a continued line, as pip has it.
        if raw.endswith("\\") and not comment:
            parts += raw[:-1] + " "
            continue
        joined = _without_comment(f"{parts} {raw}" if parts else raw)
        if joined:
            lines.append(Line(file, start, joined))
        start, parts = 0, ""
    if parts := _without_comment(parts):
        lines.append(Line(file, start, parts))
    return lines


def _without_comment(text: str) -> str:
    """pip: a comment starts at the line's start or after white space."""
    at = text.find("#")
    while at > 0 and not text[at - 1].isspace():
        at = text.find("#", at + 1)
    return (text if at < 0 else text[:at]).strip()


def decoded(data: bytes) -> str:
    """The text of a requirements file: by its mark, else by what its head says, else UTF-8.

    Raises:
        UnicodeDecodeError: it is something else.
        LookupError: its head names an encoding that does not exist.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    for line in data.split(b"\n")[:2]:
        if line.startswith(b"#") and b"coding" in line:
            # PEP 263: "coding:" or "coding=", then the name.
            words = line.partition(b"coding")[2].replace(b"=", b":").partition(b":")[2].split()
            if words:
                return data.decode(words[0].decode("ascii", "replace"))
    return data.decode("utf-8")


def filled(text: str, env: Mapping[str, str]) -> str:
    """`${NAME}` replaced as pip does; a name that is not set stays."""
    before, *parts = text.split("${")
    for part in parts:
        name, brace, after = part.partition("}")
        before += (env[name] if brace and name in env else f"${{{name}{brace}") + after
    return before
