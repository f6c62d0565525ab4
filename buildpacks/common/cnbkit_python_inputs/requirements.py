"""Requirements files as pip reads them: includes, continued lines, hashes.

Only as much as is needed for the cache key, for errors that name a line, and for the hashes a
file allows; what a requirement means is left to uv.
"""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, UserFault
from cnbkit_python_inputs.tree import tree_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Line", "Requirements", "logical_lines", "normalised"]

# Where people put the requirements of a group, beside the file with the main ones.
_GROUP_FILES = (
    "requirements-{}.txt",
    "requirements.{}.txt",
    "requirements_{}.txt",
    "{}-requirements.txt",
    "requirements/{}.txt",
    "requirements-{}.in",
    "requirements/{}.in",
)
_INCLUDES = ("-r", "--requirement", "-c", "--constraint")


class Line:
    """A logical line: continued lines joined, comments gone.

    Attributes:
        file: the file it stands in, relative to the app.
        number: of its first physical line, from 1.
        text: without comments and outer white space.
    """

    __slots__ = ("file", "number", "text")

    def __init__(self, file: str, number: int, text: str) -> None:
        self.file = file
        self.number = number
        self.text = text

    @property
    def where(self) -> str:
        """`file:line`, for errors."""
        return f"{self.file}:{self.number}"

    @property
    def included(self) -> str:
        """The file a `-r` or `-c` line names; empty on other lines."""
        for option in _INCLUDES:
            if self.text.startswith(option):
                rest = self.text[len(option) :]
                if rest[:1] in (" ", "\t", "=") or not option.startswith("--"):
                    return rest.lstrip(" \t=").strip("\"'")
        return ""

    @property
    def local(self) -> str:
        """The file or folder a local requirement names, as written; empty on other lines."""
        text = self.text
        for option in ("-e", "--editable"):
            if text.startswith((f"{option} ", f"{option}=")):
                text = text[len(option) :].lstrip(" =")
        if "file://" in text:
            path = text.partition("file://")[2]
        elif text.startswith((".", "/")):
            path = text
        elif " @ ." in text or " @ /" in text:
            path = text.partition(" @ ")[2]
        else:
            return ""
        path = path.split()[0].partition("#")[0].partition("[")[0]
        repository, at, _commit = path.rpartition("@")
        return repository if at else path

    @property
    def links(self) -> str:
        """What a `--find-links` line names; empty on other lines."""
        for option in ("-f", "--find-links"):
            if self.text.startswith((f"{option} ", f"{option}=")):
                return self.text[len(option) :].lstrip(" =").removeprefix("file://")
        return ""

    @property
    def index(self) -> str:
        """The address of an index line, as written; empty on other lines."""
        for option in ("-i", "--index-url", "--extra-index-url"):
            if self.text.startswith((f"{option} ", f"{option}=")):
                return self.text[len(option) :].lstrip(" =")
        return ""

    @property
    def hashes(self) -> list[str]:
        """The SHA-256 sums of its `--hash` options."""
        words = self.text.replace("--hash=", "--hash ").split()
        options = [index for index, word in enumerate(words[:-1]) if word == "--hash"]
        return [words[index + 1].removeprefix("sha256:") for index in options]

    @property
    def name(self) -> str:
        """The package's normalised name, if the line starts with one; else empty."""
        end = 0
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "-_."):
            end += 1
        return "" if self.text.startswith("-") else normalised(self.text[:end])


class Requirements:
    """The files a build starts from, with all they include.

    Attributes:
        roots: the files named by the user.
        files: contents of every file, includes too, by name, in reading order.
        local: SHA-256 of every file or folder of the app that a requirement names.
    """

    def __init__(self, roots: list[str], files: dict[str, str], local: dict[str, str]) -> None:
        self.roots = roots
        self.files = files
        self.local = local

    @classmethod
    def read(
        cls,
        ctx: BuildContext,
        names: list[str],
        groups: tuple[str, ...] = (),
        *,
        where_exist: tuple[str, ...] = (),
    ) -> Requirements:
        """Read files and all they include.

        Args:
            ctx: the build.
            names: the files, relative to the app or absolute.
            groups: more files, each by the part of its name that tells it from requirements.txt.
            where_exist: the same, passed over if there is no such file.

        Raises:
            UserFault: a file is missing or not UTF-8, or a group has no file.
        """
        roots = list(names)
        for group in (*groups, *where_exist):
            candidates = [pattern.format(group) for pattern in _GROUP_FILES]
            found = next((name for name in candidates if ctx.app.has(name)), "")
            if not found and group in groups:
                raise UserFault(
                    f"there is no requirements file for the group {group}",
                    where="BP_PYTHON_GROUPS",
                    remedy=f"add {candidates[0]}, or correct BP_PYTHON_GROUPS",
                )
            if found and found not in roots:
                roots.append(found)
        result = cls(roots, {}, {})
        for root in roots:
            result._read_file(ctx, root, root)
        return result

    def _read_file(self, ctx: BuildContext, name: str, mentioned: str) -> None:
        if name in self.files:
            return
        absolute = os.path.isabs(name)
        if not (os.path.isfile(name) if absolute else ctx.app.has(name)):
            raise UserFault(
                f"there is no file {name}",
                where=mentioned,
                remedy=f"add {name}, or correct the name at {mentioned}",
            )
        if absolute:  # written by another buildpack
            with open(name, encoding="utf-8") as file:
                self.files[name] = file.read()
        else:
            self.files[name] = ctx.app.text(name)
        folder = name.rpartition("/")[0]
        for line in logical_lines(name, self.files[name]):
            for local in (line.local, line.links):
                if local and "://" not in local:
                    self._hash_local(ctx, folder, local)
            included = line.included
            if included and "://" not in included:
                # One spelling for each file, or files that include each other never end.
                inner = os.path.normpath(os.path.join(folder, included))
                self._read_file(ctx, inner, line.where)

    def _hash_local(self, ctx: BuildContext, folder: str, path: str) -> None:
        # Relative to the file it stands in, as pip has it; uv takes the working directory's too.
        found = os.path.normpath(os.path.join(ctx.app.root, folder, path))
        if not os.path.exists(found):
            found = os.path.normpath(os.path.join(ctx.app.root, path))
        # A folder that the app lies in, `/` above all, is not read: it is no package of the app.
        above = f"{ctx.app.root}/".startswith(found.rstrip("/") + "/")
        if os.path.exists(found) and (found == ctx.app.root or not above):
            self.local[path] = tree_digest(found)

    def __str__(self) -> str:
        return ", ".join(self.roots)

    def digests(self) -> list[str]:
        """`name #sha256…` of everything read, for the layer's key."""
        texts = {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.files.items()
        }
        return [f"{name} #{digest[:24]}" for name, digest in {**texts, **self.local}.items()]

    def lines(self) -> list[Line]:
        """The logical lines of all files."""
        return [line for name, text in self.files.items() for line in logical_lines(name, text)]

    def allowed_hashes(self) -> dict[str, set[str]]:
        """Package → SHA-256 sums its lines allow; empty if no line has any."""
        allowed: dict[str, set[str]] = {}
        for line in self.lines():
            if line.hashes:
                allowed.setdefault(line.name, set()).update(line.hashes)
        return allowed

    def where(self, name: str) -> str:
        """`file:line` of the first line about a package; the files if none is."""
        wanted = normalised(name)
        found = (line.where for line in self.lines() if wanted and line.name == wanted)
        return next(found, str(self))

    def arguments(self) -> list[str]:
        """What `pip compile` is to read."""
        return list(self.roots)

    def indexes(self, env: Mapping[str, str]) -> list[str]:
        """Addresses of indexes that its lines name, variables filled in.

        A lock names files by URL only, so whoever fetches them has to know the passwords.
        """
        return [_filled(line.index, env) for line in self.lines() if line.index]


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
        # pip: a comment starts at the line's start or after white space.
        cut = 0 if raw.lstrip().startswith("#") else raw.replace("\t", " ").find(" #")
        stripped = (raw if cut < 0 else raw[:cut]).rstrip()
        if stripped.endswith("\\") and cut < 0:
            parts += stripped[:-1] + " "
            continue
        parts = (parts + stripped).strip()
        if parts:
            lines.append(Line(file, start, parts))
        start, parts = 0, ""
    if parts.strip():
        lines.append(Line(file, start, parts.strip()))
    return lines


def _filled(text: str, env: Mapping[str, str]) -> str:
    """`${NAME}` replaced as pip does; a name that is not set stays."""
    before, *parts = text.split("${")
    for part in parts:
        name, brace, after = part.partition("}")
        before += (env[name] if brace and name in env else f"${{{name}{brace}") + after
    return before
