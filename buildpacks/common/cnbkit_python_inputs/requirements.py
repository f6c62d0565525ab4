"""Requirements files as pip reads them, with all they include, and the same for uv.

uv does not know each option of pip's, nor each encoding. So the files are written once more, line
for line: comments, hashes and pip's own options gone, paths absolute. What the options say is kept
apart, and reaches whichever engine resolves in its own way.
"""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, UserFault
from cnbkit_python_inputs.line import Line, decoded, filled, logical_lines, normalised
from cnbkit_python_inputs.tree import local_digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_logins.address import Login

__all__ = ["Line", "Requirements", "logical_lines", "normalised"]


class Requirements:
    """The files a build starts from, with all they include.

    Attributes:
        roots: the files named by the user.
        files: contents of every file, includes too, by name, in reading order.
        local: name → SHA-256 of all files and folders of the app that a requirement depends on.
        as_read: what the engine reads in place of each file; known once they are written.
        logins: address of a git repository → its login, which what the engine reads has not.
        folder: where that is written.
    """

    def __init__(self, roots: list[str], files: dict[str, str], local: dict[str, str]) -> None:
        self.roots = roots
        self.files = files
        self.local = local
        self.as_read: dict[str, str] = {}
        self.logins: dict[str, Login] = {}
        self._lines: dict[str, list[Line]] = {}
        self._env: Mapping[str, str] = {}
        self._root = ""
        self._top = ""
        self._editable = True
        self.folder = ""

    @classmethod
    def read(
        cls,
        ctx: BuildContext,
        names: list[str],
        groups: tuple[str, ...] = (),
        *,
        where_exist: tuple[str, ...] = (),
        editable: bool = True,
    ) -> Requirements:
        """Read files and all they include.

        Args:
            ctx: the build.
            names: the files, relative to the app or absolute.
            groups: more files, each by the part of its name that tells it from requirements.txt.
            where_exist: the same, passed over if there is no such file.
            editable: whether the app's own code stays where it is, if it is a package.

        Raises:
            UserFault: a file is missing or cannot be decoded, or a group has no file.
        """
        roots = list(names)
        if groups or where_exist:
            from cnbkit_python_inputs.group_file import USUAL, group_file
        for group in (*groups, *where_exist):
            found = group_file(ctx, group)
            if not found and group in groups:
                raise UserFault(
                    f"there is no requirements file for the group {group}",
                    where="BP_PYTHON_GROUPS",
                    remedy=f"add {USUAL.format(group)}, or correct BP_PYTHON_GROUPS",
                )
            if found and found not in roots:
                roots.append(found)
        result = cls(roots, {}, {})
        result._root = ctx.app.root
        result._top = ctx.app.top
        result._env = {"PROJECT_ROOT": ctx.app.root, **ctx.env}
        result._editable = editable
        result.folder = f"{ctx.scratch}/requirements"
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
            with open(name, "rb") as file:
                data = file.read()
        else:
            data = ctx.app.bytes(name)
        try:
            self.files[name] = decoded(data)
        except (UnicodeDecodeError, LookupError) as error:
            at = getattr(error, "start", 0)
            number = data.count(b"\n", 0, at) + 1
            raise UserFault(
                f"{name} is not UTF-8 (byte 0x{data[at]:02x})",
                where=f"{name}:{number}",
                remedy=f"save {name} as UTF-8",
            ) from None
        self._lines[name] = logical_lines(name, self.files[name])
        for line in self._lines[name]:
            included = self._included(line)
            if included and "://" not in included:
                self._read_file(ctx, included, line.where)
            self._check_inside(line)
            in_place = line.editable and not line.repository
            for path, editable in ((self.path(line), in_place), (self._links(line), False)):
                if path:
                    own = path == self._root
                    self.local.update(
                        local_digests(
                            path, self._root, editable=self._editable if own else editable
                        )
                    )

    def _check_inside(self, line: Line) -> None:
        """Only the app is in the build."""
        path = filled(line.local, self._env)
        found = os.path.normpath(os.path.join(self._root, path))
        if path and not os.path.isabs(path) and os.path.relpath(found, self._top)[:2] == "..":
            raise UserFault(
                f"{path} is outside the app, and not in the build",
                where=line.where,
                remedy="build the folder that holds both, with BP_PYTHON_FOLDER=<this folder's "
                "name>; or put a wheel of it into the app",
            )

    def _included(self, line: Line) -> str:
        """A file that a line includes, relative to the app; its one spelling."""
        included = filled(line.included, self._env)
        if not included or "://" in included:
            return included
        # One spelling for each file, or files that include each other never end.
        return os.path.normpath(os.path.join(os.path.dirname(line.file), included))

    def path(self, line: Line) -> str:
        """The absolute path of a file or folder that a requirement names; empty if none is."""
        local = filled(line.local, self._env)
        # As pip has it; uv takes the folder of the file, too.
        return self._existing(local, "", os.path.dirname(line.file))

    def _links(self, line: Line) -> str:
        return self._existing(filled(line.links, self._env), os.path.dirname(line.file), "")

    def _existing(self, path: str, *folders: str) -> str:
        if not path or "://" in path:
            return ""
        for folder in folders:
            found = os.path.normpath(os.path.join(self._root, folder, path))
            # A folder that the app lies in, `/` above all, is not a package of the app.
            above = f"{self._top}/".startswith(found.rstrip("/") + "/")
            if os.path.exists(found) and (found in (self._root, self._top) or not above):
                return found
        return ""

    def __str__(self) -> str:
        return ", ".join(self.roots)

    def digests(self) -> list[str]:
        """`name #sha256…` of everything read, for the layer's key; comments do not count."""
        texts = {
            name: hashlib.sha256(
                "\n".join(filled(line.text, self._named_paths(line)) for line in lines).encode()
            ).hexdigest()
            for name, lines in self._lines.items()
        }
        return [f"{name} #{digest[:24]}" for name, digest in {**texts, **self.local}.items()]

    def _named_paths(self, line: Line) -> Mapping[str, str]:
        """Variables that decide which files are read; others may be passwords."""
        return self._env if line.included or line.local else {}

    def lines(self) -> list[Line]:
        """The logical lines of all files."""
        return [line for lines in self._lines.values() for line in lines]

    def allowed_hashes(self) -> dict[str, set[str]]:
        """Package, or address or path → hashes its lines allow; empty if no line has any."""
        allowed: dict[str, set[str]] = {}
        for line in self.lines():
            if line.hashes:
                for key in (line.name if self._is_named(line) else "", self.place(line)):
                    if key:
                        allowed.setdefault(key, set()).update(line.hashes)
        return allowed

    @property
    def all_hashed(self) -> bool:
        """Whether every package has to have a hash, because one has, or a line says so."""
        return any(
            "hash" in line.options or "require-hashes" in line.options for line in self.lines()
        )

    def place(self, line: Line) -> str:
        """What a lock calls the file or folder a requirement names; empty for a name."""
        return self.path(line) or filled(line.location, self._env)

    def _is_named(self, line: Line) -> bool:
        return not line.location or "@" in line.requirement.partition(line.location)[0]

    def where(self, name: str) -> str:
        """`file:line` of the first line about a package; the files if none is."""
        wanted = normalised(name)
        found = (line.where for line in self.lines() if wanted and line.name == wanted)
        return next(found, str(self))

    def where_place(self, place: str) -> str:
        """`file:line` of the line that names an address or a path; the files if none does."""
        found = (line.where for line in self.lines() if place and self.place(line) == place)
        return next(found, str(self))

    def values(self, option: str) -> list[str]:
        """The values of one of pip's options, of all lines that are options alone."""
        return [
            filled(value, self._env)
            for line in self.lines()
            if not line.requirement
            for value in line.options.get(option, [])
        ]

    def links(self) -> list[str]:
        """Pages and folders with packages that lines name; folders as absolute paths."""
        named = [line for line in self.lines() if line.links and not self._lacks_links(line)]
        return [self._links(line) or filled(line.links, self._env) for line in named]

    def without_links(self) -> list[Line]:
        """`--find-links` of folders that are not there, which pip passes over."""
        return [line for line in self.lines() if self._lacks_links(line)]

    def _lacks_links(self, line: Line) -> bool:
        named = filled(line.links, self._env)
        return bool(named) and "://" not in named and not self._links(line)

    def build_settings(self) -> list[tuple[str, str]]:
        """Name and `key=value` of each `--config-settings` of a requirement."""
        return [
            (line.name, value)
            for line in self.lines()
            if line.name
            for value in line.options.get("config-settings", [])
        ]

    def declared_lines(self) -> list[str]:
        """The texts of all lines."""
        return [line.text for line in self.lines()]

    def not_editable(self) -> list[Line]:
        """`-e` lines that name repositories, whose code would lie outside of all layers."""
        return [line for line in self.lines() if line.editable and line.repository]

    def arguments(self) -> list[str]:
        """What `pip compile` is to read: the files as it can read them."""
        if not self.as_read:
            self._write()
        return [self.place_of(name) for name in self.roots]

    def _write(self) -> None:
        for name, lines in self._lines.items():
            physical = [""] * (self.files[name].count("\n") + len(lines) + 1)
            for line in lines:
                physical[line.number - 1] = self._for_engine(line)
            self.as_read[name] = "\n".join(physical) + "\n"
            path = self.place_of(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            # There may be passwords in it, as in the file itself.
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(self.as_read[name])

    def place_of(self, name: str) -> str:
        """Where a file is written for the engine."""
        # uv takes what follows `-r` up to the first space.
        safe = name.lstrip("/").replace("../", "above/").replace(" ", "%20")
        return f"{self.folder}/{safe}"

    def _for_engine(self, line: Line) -> str:
        from cnbkit_python_inputs.engine_text import options_text, requirement_text

        if line.included:
            option = "-c" if line.constrains else "-r"
            included = self._included(line)
            return f"{option} {included if '://' in included else self.place_of(included)}"
        if not line.requirement:
            links = "" if self._lacks_links(line) else self._links(line) or line.links
            return options_text(line, links)
        return requirement_text(line, self.path(line), self._env, self.logins)

    def indexes(self, env: Mapping[str, str]) -> list[str]:
        """Addresses of indexes that its lines name, variables filled in.

        A lock names files by URL only, so whoever fetches them has to know the passwords.
        """
        return [filled(line.index, env) for line in self.lines() if line.index]
