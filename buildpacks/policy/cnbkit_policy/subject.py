"""What is judged: packages as locked or installed, Python, hooks."""

from __future__ import annotations

import hashlib
import os

from cnbkit import Binding, BuildContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Package", "Subject", "digest", "normalised"]

_HOOKS = (".cnbkit/pre-build", ".cnbkit/post-build")


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def normalised(name: str) -> str:
    """A package's name as it is compared (PEP 503)."""
    lower = name.lower().replace("_", "-").replace(".", "-")
    while "--" in lower:
        lower = lower.replace("--", "-")
    return lower


class Package:
    """A package.

    Attributes:
        name: normalised.
        version: empty if it is not known.
        index: where it is from; empty if the lock does not say.
        hashed: whether the lock has hashes of it; None where there is no lock.
        license: as it says itself; empty if it does not, None if that cannot be seen.
        installed: whether it is installed, and not only locked.
        direct: whether it is a folder of the app, or comes by an address.
    """

    def __init__(
        self,
        name: str,
        version: str,
        *,
        index: str = "",
        hashed: bool | None = None,
        license: str | None = None,  # noqa: A002
        direct: bool = False,
        installed: bool = False,
    ) -> None:
        self.name = name
        self.version = version
        self.index = index
        self.hashed = hashed
        self.license = license
        self.direct = direct
        self.installed = installed

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


class Subject:
    """Everything that is judged.

    Args:
        ctx: the build.
        lock: path of the lock that front-ends make; empty if there is none.
        installed: path of what `pip` says it has installed; empty before that.
    """

    def __init__(self, ctx: BuildContext, lock: str, installed: str) -> None:
        self._ctx = ctx
        if not lock and installed:
            # What pip has resolved itself lies beside.
            beside = f"{os.path.dirname(installed)}/pylock.toml"
            lock = beside if os.path.isfile(beside) else ""
        self.lock = lock
        self.installed = installed if os.path.isfile(installed) else ""
        self.python = ctx.env.get("CNBKIT_PYTHON", "").partition(" ")[0]
        named = [ctx.settings.get("BP_PRE_BUILD"), ctx.settings.get("BP_POST_BUILD")]
        self.hooks = [name for name in (*_HOOKS, *named) if name and ctx.app.has(name)]

    def digest(self) -> str:
        """Of everything the packages are read from."""
        data = b""
        for path in (self.lock, self.installed):
            if path:
                with open(path, "rb") as file:
                    data += file.read() + b"\0"
        return digest(data)

    @staticmethod
    def digest_of_folder(binding: Binding) -> str:
        """Of names, sizes and times of a binding's entries: a dump has many megabytes."""
        lines = []
        for name in sorted(binding.keys()):
            state = os.stat(binding.file(name))
            lines.append(f"{name} {state.st_size} {state.st_mtime_ns}")
        return digest("\n".join(lines).encode())

    def packages(self, licenses: dict[str, str]) -> list[Package]:
        """All packages, sorted by name.

        Args:
            licenses: `name version` → licence, of packages whose files are not there; those that
                are read now are added.
        """
        found = {each.name: each for each in self._locked()}
        if not self.installed:
            return [found[name] for name in sorted(found)]
        import json

        with open(self.installed, encoding="utf-8") as file:
            entries = json.load(file)
        licenses.update(_licenses(os.path.dirname(os.path.dirname(self.installed))))
        result = []
        for entry in sorted(entries, key=lambda each: str(each["name"])):
            name = normalised(entry["name"])
            locked = found.get(name)
            package = Package(
                name,
                entry["version"],
                index=locked.index if locked else "",
                hashed=locked.hashed if locked else None,
                direct=locked.direct if locked else False,
                license=licenses.get(f"{name} {entry['version']}"),
                installed=True,
            )
            result.append(package)
        return result

    def _locked(self) -> list[Package]:
        if not self.lock:
            return []
        import tomllib

        with open(self.lock, "rb") as file:
            document = tomllib.load(file)
        return [_package(entry) for entry in document.get("packages", [])]

    def place(self, name: str) -> str:
        """Where the app names a package: `requirements.txt:3`; else the file that led to it."""
        chosen = self._ctx.env.get("CNBKIT_INPUT", "") or "requirements.txt"
        for file in chosen.split(","):
            if not self._ctx.app.has(file):
                continue
            for number, line in enumerate(self._ctx.app.text(file).splitlines(), 1):
                text = line.strip().removeprefix("name").strip(" =\"'-[")
                end = next((i for i, c in enumerate(text) if not (c.isalnum() or c in "._-")), None)
                if normalised(text[:end]) == name:
                    return f"{file}:{number}"
        return chosen


def _package(entry: dict[str, Any]) -> Package:
    files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
    address = next((each["url"] for each in files if "url" in each), "")
    return Package(
        normalised(entry["name"]),
        entry.get("version", ""),
        index=entry.get("index") or address,
        hashed=bool(files) and all(each.get("hashes") for each in files),
        direct=any(kind in entry for kind in ("directory", "vcs", "archive")),
    )


def _licenses(layers: str) -> dict[str, str]:
    """`name version` → licence of everything installed in a buildpack's layers."""
    from email.parser import HeaderParser

    found = {}
    for folder, folders, _ in os.walk(layers):
        for name in [each for each in folders if each.endswith(".dist-info")]:
            folders.remove(name)
            try:
                with open(f"{folder}/{name}/METADATA", encoding="utf-8", errors="replace") as file:
                    message = HeaderParser().parse(file)
            except OSError:
                continue
            classifiers = [
                each.rpartition("::")[2].strip()
                for each in message.get_all("Classifier") or []
                if each.startswith("License ::")
            ]
            said = message.get("License-Expression") or "; ".join(classifiers)
            first = (message.get("License") or "").strip().split("\n")[0]
            key = f"{normalised(message.get('Name', ''))} {message.get('Version', '')}"
            found[key] = said or first[:100]
    return found
