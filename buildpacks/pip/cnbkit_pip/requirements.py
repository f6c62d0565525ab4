"""Requirements files as pip reads them: includes, continued lines, hashes.

Only as much as is needed for the cache key, for errors that name a line, and for the hashes a
file allows; what a requirement means is left to uv.
"""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, UserFault

__all__ = ["TYPOS", "Line", "Requirements", "normalised", "tree_digest"]

# Seen in the wild often enough to be worth an explanation.
TYPOS = ("requirement.txt", "requirments.txt", "requeriments.txt", "requirements.txt.txt")
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
    def read(cls, ctx: BuildContext) -> Requirements:
        """Read the files BP_PIP_REQUIREMENTS names, or requirements.txt.

        Raises:
            UserFault: a file is missing, not UTF-8, or misspelt.
        """
        setting = ctx.settings.get("BP_PIP_REQUIREMENTS")
        roots = [name.strip() for name in setting.split(",") if name.strip()]
        if not roots:
            roots = ["requirements.txt"]
            if not ctx.app.has("requirements.txt"):
                found = next((name for name in TYPOS if ctx.app.has(name)), "")
                raise UserFault(
                    f"there is no requirements.txt, but a {found}",
                    where=found,
                    remedy=f"rename {found} to requirements.txt",
                )
        result = cls(roots, {}, {})
        for root in roots:
            result._read_file(ctx, root, "BP_PIP_REQUIREMENTS" if setting else root)
        return result

    def _read_file(self, ctx: BuildContext, name: str, mentioned: str) -> None:
        if name in self.files:
            return
        if not ctx.app.has(name):
            raise UserFault(
                f"there is no file {name}",
                where=mentioned,
                remedy=f"add {name}, or correct the name at {mentioned}",
            )
        self.files[name] = ctx.app.text(name)
        folder = name.rpartition("/")[0]
        for line in _lines(name, self.files[name]):
            if line.local:
                self._hash_local(ctx, folder, line.local)
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
        if os.path.exists(found):
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
        return [line for name, text in self.files.items() for line in _lines(name, text)]

    def allowed_hashes(self) -> dict[str, set[str]]:
        """Package → SHA-256 sums its lines allow; empty if no line has any."""
        allowed: dict[str, set[str]] = {}
        for line in self.lines():
            if line.hashes:
                allowed.setdefault(line.name, set()).update(line.hashes)
        return allowed

    def mentions(self, name: str) -> Line | None:
        """The first line about a package."""
        wanted = normalised(name)
        return next((line for line in self.lines() if line.name == wanted), None)


def tree_digest(path: str) -> str:
    """SHA-256 of a file, or of a folder's names and contents."""
    total = hashlib.sha256()
    if os.path.isfile(path):
        with open(path, "rb") as file:
            total.update(file.read())
        return total.hexdigest()
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            inner = os.path.join(folder, name)
            total.update(f"{os.path.relpath(inner, path)}\0".encode(errors="surrogateescape"))
            if os.path.isfile(inner):
                with open(inner, "rb") as file:
                    total.update(hashlib.sha256(file.read()).digest())
    return total.hexdigest()


def normalised(name: str) -> str:
    """A project name in its one spelling (PEP 503)."""
    for separator in "_.":
        name = name.replace(separator, "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name.lower()


def _lines(file: str, text: str) -> list[Line]:
    lines: list[Line] = []
    start, parts = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        # pip: a comment starts at the line's start or after white space.
        cut = 0 if raw.lstrip().startswith("#") else raw.find(" #")
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
