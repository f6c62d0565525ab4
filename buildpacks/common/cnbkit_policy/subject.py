"""What is judged: packages as declared, locked or installed, Python, hooks, the run image."""

from __future__ import annotations

import hashlib
import os

from cnbkit import Binding, BuildContext, PythonBuild, UserFault
from cnbkit.app import App
from cnbkit_policy.package import Package
from cnbkit_python_inputs.config import PipConfig
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.wanted import Locked, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_policy.declared import Declared, Source

__all__ = ["Subject", "digest"]

_HOOKS = (".cnbkit/pre-build", ".cnbkit/post-build")


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Subject:
    """Everything that is judged.

    Args:
        ctx: the build.
        final: whether packages are installed by now.

    Attributes:
        lock: path of the lock; empty if there is none.
        resolved: whether that was made in this build, from what the app declares.
        installed: path of what `pip` says it has installed; empty before that.
        declared: what the app declares without a lock; None if it has one, or nothing.
        distro: of the run image, like `debian 12`; empty where the platform does not say.
    """

    def __init__(self, ctx: BuildContext, *, final: bool) -> None:
        self._ctx = ctx
        self.final = final
        self.declared: Declared | None = None
        wanted = find(ctx, PipConfig.read(ctx.settings))
        self.lock = wanted.path if isinstance(wanted, Locked) else ""
        if wanted is not None and not isinstance(wanted, Locked):
            from cnbkit_policy.declared import Declared

            self.declared = Declared(ctx, wanted)
        self._told = PythonBuild.read(ctx)
        installed = self._told.packages if final else ""
        self.installed = installed if os.path.isfile(installed) else ""
        self.resolved = not self.lock
        if not self.lock and installed:
            # What pip has resolved itself lies beside.
            beside = f"{os.path.dirname(installed)}/pylock.toml"
            self.lock = beside if os.path.isfile(beside) else ""
        self.python = self._told.python_version
        self.distro = f"{ctx.target.distro} {ctx.target.distro_version}".strip()
        named = [ctx.settings.get("BP_PRE_BUILD"), ctx.settings.get("BP_POST_BUILD")]
        whole = App(ctx.app.top)
        self.hooks = [name for name in (*_HOOKS, *named) if name and whole.has(name)]

    @property
    def run_image(self) -> str:
        """The run image's name; empty where the platform does not say."""
        return self._ctx.run_image

    def digest(self) -> str:
        """Of everything the packages are read from."""
        data = b""
        for path in (self.lock, self.installed):
            if path:
                with open(path, "rb") as file:
                    data += file.read() + b"\0"
        for name, text in self.declared.files.items() if self.declared else ():
            data += f"{name}\0{text}\0".encode()
        for path in self._bills():
            with open(path, "rb") as file:
                data += file.read() + b"\0"
        # Whether a requirement is for this platform may depend on all of these.
        return digest(data + f"{self.declared} {self._ctx.target}".encode())

    @staticmethod
    def digest_of_folder(binding: Binding) -> str:
        """Of names, sizes and times of a binding's entries: a dump has many megabytes."""
        lines = []
        for name in sorted(binding.keys()):
            state = os.stat(binding.file(name))
            lines.append(f"{name} {state.st_size} {state.st_mtime_ns}")
        return digest("\n".join(lines).encode())

    def sources(self) -> list[Source]:
        """Where files of the app say that packages come from."""
        return self.declared.sources() if self.declared else []

    def _bills(self) -> list[str]:
        if not self.final:
            return []
        from cnbkit_policy.others import bills

        return bills(self._layers)

    def others(self) -> list[tuple[str, Package]]:
        """Packages of conda and Debian in the image, once they are installed."""
        if not self.final:
            return []
        from cnbkit_policy.others import others

        return others(self._layers)

    @property
    def _layers(self) -> str:
        """The folder with a folder for each buildpack."""
        return os.path.dirname(os.path.dirname(self._ctx.scratch))

    def packages(self, licenses: dict[str, str]) -> list[Package]:
        """All packages, sorted by name.

        Args:
            licenses: `name version` → licence, of packages whose files are not there; those that
                are read now are added.
        """
        found = {each.name: each for each in (self._locked() if self.lock else self._declared())}
        if not self.installed:
            return [found[name] for name in sorted(found)]
        import json

        try:
            with open(self.installed, encoding="utf-8") as file:
                entries = json.load(file)
            named = sorted(entries, key=lambda each: (str(each["name"]), str(each["version"])))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise UserFault(
                "the list of what is installed is none: code of the app has written over it",
                where=self.installed,
                remedy="see which package or hook writes there",
            ) from None
        licenses.update(_licenses(os.path.dirname(os.path.dirname(self.installed))))
        result = []
        for entry in named:
            name = normalised(str(entry["name"]))
            locked = found.get(name)
            package = Package(
                name,
                entry["version"],
                index=locked.index if locked else "",
                hashed=locked.hashed if locked else None,
                locked=locked.locked if locked else False,
                direct=locked.direct if locked else False,
                license=licenses.get(f"{name} {entry['version']}"),
                installed=True,
            )
            result.append(package)
        return result

    def _locked(self) -> list[Package]:
        import tomllib

        with open(self.lock, "rb") as file:
            document = tomllib.load(file)
        entries = [each for each in document.get("packages", []) if self._applies(each)]
        packages = [_package(entry) for entry in entries]
        if self.declared:
            for each in packages:
                # That the index has hashes is not that the app has asked for these.
                each.hashed = each.name in self.declared.hashed
                each.locked = False
        return packages

    def _applies(self, entry: dict[str, Any]) -> bool:
        """Whether an entry of a lock is for this image; a lock made for others has more."""
        text = entry.get("marker")
        if not text:
            return True
        from packaging.markers import InvalidMarker, Marker, UndefinedComparison

        config = PipConfig.read(self._ctx.settings)
        environment: dict[str, Any] = {
            "extras": set(config.extras),
            "dependency_groups": set(self._told.groups or config.groups),
        }
        if self.python:
            environment["python_full_version"] = self.python
            environment["python_version"] = ".".join(self.python.split(".")[:2])
        try:
            return Marker(str(text)).evaluate(environment, context="lock_file")
        except (InvalidMarker, UndefinedComparison):
            # Whoever installs tells what is wrong; until then it counts.
            return True

    def _declared(self) -> list[Package]:
        if self.declared is None:
            return []
        return [
            Package(
                each.name,
                each.version,
                index=each.address,
                hashed=each.name in self.declared.hashed,
                direct=each.local or bool(each.address),
            )
            for each in self.declared.packages(self.python)
        ]

    def place(self, name: str) -> str:
        """Where the app names a package: `requirements.txt:3`; else the file that led to it."""
        files = self._told.inputs or []
        if self.declared:
            where = self.declared.where(name)
            # What the conda buildpack writes has the lines of the app's file.
            if where.startswith("/"):
                environment = self._told.conda_file
                return f"{environment}:{where.rpartition(':')[2]}" if ":" in where else environment
            return where
        files = files or [os.path.relpath(self.lock, self._ctx.app.root)]
        for file in files:
            if not self._ctx.app.has(file):
                continue
            for number, line in enumerate(self._ctx.app.text(file).splitlines(), 1):
                text = line.strip().removeprefix("name").strip(" =\"'-[")
                end = next((i for i, c in enumerate(text) if not (c.isalnum() or c in "._-")), None)
                if normalised(text[:end]) == name:
                    return f"{file}:{number}"
        return ",".join(files)


def _package(entry: dict[str, Any]) -> Package:
    files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
    address = next((each["url"] for each in files if "url" in each), "")
    # A folder of the app has neither.
    direct = [entry[kind] for kind in ("vcs", "archive") if kind in entry]
    sizes = [each["size"] for each in files if isinstance(each.get("size"), int)]
    return Package(
        normalised(entry["name"]),
        entry.get("version", ""),
        index=direct[0].get("url", "") if direct else entry.get("index") or address,
        hashed=bool(files) and all(each.get("hashes") for each in files),
        direct=bool(direct) or "directory" in entry,
        locked=True,
        size=min(sizes, default=0),
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
