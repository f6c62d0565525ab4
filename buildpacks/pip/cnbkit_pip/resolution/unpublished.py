"""Packages without a wheel for arm64: all of them at once, before anything is installed.

Most packages are published for amd64 first. uv stops at the first one that does not fit, and one
that has its source published is compiled, which takes long and often fails. So the requirements
are resolved once more for all platforms together (`uv pip compile --universal`), and what lacks a
wheel is listed with the nearest versions that have one.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cnbkit import BuildContext, CnbkitError, UserFault
from cnbkit_pip.resolution.pins import Pins
from cnbkit_python_inputs.lock import read_entries
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.target import TargetEnvironment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.engines.engine import Engine, Wanted
    from cnbkit_pip.engines.uv import Uv
    from cnbkit_python_inputs.wanted import Locked

__all__ = ["Unpublished"]

# On amd64 there is hardly a package without a wheel; nobody waits there for a list of none.
_MACHINES = {"aarch64": "arm64"}
_AT_ONCE = 4


class Unpublished:
    """Looks for packages that lack a wheel.

    Args:
        ctx: the build.
        engine: resolves; another one than uv cannot do so for all platforms.
        target: what the wheels have to fit.
        wanted: what the user wrote, or a lock.
    """

    def __init__(
        self,
        ctx: BuildContext,
        engine: Engine,
        target: TargetEnvironment,
        wanted: Wanted | Locked,
    ) -> None:
        from cnbkit_pip.engines.uv import Uv

        self._ctx = ctx
        self._uv: Uv | None = engine if isinstance(engine, Uv) else None
        self._target = target
        self._wanted = wanted
        self._arch = _MACHINES.get(str(target.markers["platform_machine"]), "")

    def instead_of(self, fault: UserFault) -> UserFault:
        """The whole list, if that is why there is no solution; the fault itself otherwise."""
        if not self._arch or self._uv is None:
            return fault
        try:
            lacking = self._lacking(self._uv, self._everything(self._uv))
        except CnbkitError:
            return fault  # not for the processor's sake alone
        if not any("sdist" not in each for each in lacking):
            return fault
        python = self._target.markers["python_version"]
        return UserFault(
            f"{_count(lacking)} no wheel for {self._arch} and Python {python}",
            where=", ".join(self._where(str(each["name"])) for each in lacking),
            remedy=f"take versions that have one, or build for linux/amd64\n{self._lines(lacking)}",
            detail=fault.detail,
        )

    def warning(self, packages: list[Package]) -> str:
        """About packages that have to be compiled, though others need not; empty if none has.

        Args:
            packages: with the file that each is installed from.
        """
        compiled = [each for each in packages if "sdist" in each.entry]
        if not self._arch or self._uv is None or not compiled:
            return ""
        lines = "".join(f"{each.name}=={each.version}\n" for each in compiled)
        try:
            found = self._resolved(self._uv, [self._written("sources", lines), "--no-deps"])
        except CnbkitError:
            return ""  # its wheels are not known: of an index of its own, for one
        lacking = self._lacking(self._uv, found)
        if not lacking:
            return ""
        return (
            f"{_count(lacking)} no wheel for {self._arch}, which means compiling here: that takes "
            f"long and may fail\n{self._lines(lacking)}"
        )

    def _everything(self, uv: Uv) -> list[dict[str, Any]]:
        """Every package for any platform, with all its files."""
        from cnbkit_python_inputs.wanted import Locked

        if not isinstance(self._wanted, Locked):
            return self._resolved(uv, self._wanted.arguments())
        entries = read_entries(self._wanted.path, str(self._wanted))["packages"]
        known = [each for each in entries if all(_file_name(w) for w in each.get("wheels", []))]
        named = [each for each in entries if each not in known and "version" in each]
        if not named:
            return [each for each in known if self._applies(each)]
        lines = "".join(f"{each['name']}=={each['version']}\n" for each in named)
        found = self._resolved(uv, [self._written("locked", lines), "--no-deps"])
        return [*(each for each in known if self._applies(each)), *found]

    def _resolved(self, uv: Uv, arguments: list[str]) -> list[dict[str, Any]]:
        path = f"{self._ctx.scratch}/pylock.universal.toml"
        where = Pins.named(str(self._wanted))
        uv.compile(*arguments, "--universal", where=where, path=path)
        entries = read_entries(path, str(self._wanted))["packages"]
        return [each for each in entries if self._applies(each)]

    def _applies(self, entry: dict[str, Any]) -> bool:
        from packaging.markers import Marker

        marker = entry.get("marker")
        if not marker:
            return True
        environment = {key: str(value) for key, value in self._target.markers.items()}
        return Marker(str(marker)).evaluate({**environment, "extra": ""})

    def _lacking(self, uv: Uv, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that have wheels and none that fits, with the nearest versions that do."""
        tags = set(self._target.tags)
        lacking = [
            each
            for each in entries
            if each.get("wheels") and not any(_fits(_file_name(w), tags) for w in each["wheels"])
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            nearest = list(pool.map(lambda each: self._nearest(uv, each), lacking))
        return [{**each, "nearest": n} for each, n in zip(lacking, nearest, strict=True)]

    def _nearest(self, uv: Uv, entry: dict[str, Any]) -> list[str]:
        name, version = str(entry["name"]), str(entry["version"])
        newer = self._having(uv, f"{name}>{version}", "lowest")
        older = self._having(uv, f"{name}<{version}", "highest")
        return [each for each in (older, newer) if each]

    def _having(self, uv: Uv, requirement: str, resolution: str) -> str:
        """The lowest or highest version that has a wheel which fits; empty if none has."""
        # uv takes no name with more dots than these for a lock.
        name = "".join(char if char.isalnum() else "-" for char in f"{requirement}-{resolution}")
        path = f"{self._ctx.scratch}/pylock.{name}.toml"
        options = ["--no-deps", "--only-binary", ":all:", "--resolution", resolution]
        where = Pins.named(str(self._wanted))
        try:
            uv.compile(self._written(name, f"{requirement}\n"), *options, where=where, path=path)
        except CnbkitError:
            return ""
        return str(read_entries(path, name)["packages"][0]["version"])

    def _written(self, name: str, text: str) -> str:
        folder = f"{self._ctx.scratch}/unpublished"
        os.makedirs(folder, exist_ok=True)
        path = f"{folder}/{name}.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _where(self, name: str) -> str:
        from cnbkit_python_inputs.wanted import Locked

        if isinstance(self._wanted, Locked):
            return f"{self._wanted} ({name})"
        return self._wanted.where(name)

    def _lines(self, lacking: list[dict[str, Any]]) -> str:
        lines = []
        for each in lacking:
            there = " and ".join(each["nearest"])
            have = "have one" if len(each["nearest"]) > 1 else "has one"
            source = ", its source has to be compiled" if "sdist" in each else ""
            lines.append(
                f"{each['name']} {each['version']}: "
                + (f"{there} {have}" if there else "no version has one")
                + source
            )
        return "\n".join(sorted(lines))


def _count(packages: list[dict[str, Any]]) -> str:
    return f"{len(packages)} packages have" if len(packages) > 1 else "a package has"


def _file_name(wheel: dict[str, Any]) -> str:
    from urllib.parse import unquote

    path = str(wheel.get("name") or wheel.get("url") or wheel.get("path") or "")
    return unquote(path.rpartition("/")[2])


def _fits(name: str, tags: set[Any]) -> bool:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        return not tags.isdisjoint(parse_wheel_filename(name)[3])
    except InvalidWheelFilename:
        return False
