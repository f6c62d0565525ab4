"""Packages of a Pipfile.lock as entries of a pylock.toml (PEP 751)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from packaging.markers import InvalidMarker, Marker, UndefinedComparison
from packaging.utils import canonicalize_name
from plette.pipfiles import DEFAULT_SOURCE_TOML  # type: ignore[import-untyped]

from cnbkit import BuildContext, UserFault
from cnbkit_lock_front_end.location import without_credentials
from cnbkit_lock_front_end.outside import outside

__all__ = ["Entries"]

_LOCK = "Pipfile.lock"
_OTHER_VCS = ("hg", "svn", "bzr")
# Keys of an entry that are markers of their own.
_MARKERS = (
    *("os_name", "sys_platform", "platform_machine", "platform_python_implementation"),
    *("platform_release", "platform_system", "platform_version", "python_version"),
    *("python_full_version", "implementation_name", "implementation_version"),
)
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[^}]+)\}|(?P<bare>\w+))")


def _place(address: str) -> tuple[str, str]:
    """Host, login and path: with or without TLS, and a slash at the end, it is the same index."""
    parts = urlsplit(address)
    return parts.netloc.lower(), parts.path.strip("/")


def _defaults(text: str) -> set[tuple[str, str]]:
    """Where Pipenv's default index is, and where it was until 2018, from where it redirects."""
    found = set()
    for address in re.findall(r'url = "([^"]+)"', text):
        host, path = _place(address)
        found |= {(host, path), (f"{host.partition('.')[0]}.python.org", path)}
    return found


_DEFAULTS = _defaults(DEFAULT_SOURCE_TOML)


class _Fault(Exception):
    """Why an entry cannot be installed."""


class Entries:
    """The packages of one environment.

    Args:
        ctx: the build.
        sources: addresses of the package indexes by name, the default one first.
        environment: what markers are evaluated for.
    """

    def __init__(
        self,
        ctx: BuildContext,
        sources: Mapping[str, str],
        environment: Mapping[str, str | set[str]],
    ) -> None:
        self._ctx = ctx
        self._sources = sources
        self._environment = environment
        self._found: dict[str, dict[str, Any]] = {}
        self._faults: list[str] = []

    def add_all(self, packages: Mapping[str, dict[str, Any]]) -> None:
        """Add those packages of a category that are for this environment."""
        for given, package in packages.items():
            name = canonicalize_name(given)
            try:
                if not self._applies(package):
                    continue
                entry = {"name": str(name), **self._source(package)}
                if self._found.setdefault(name, entry) != entry:
                    raise _Fault("two categories lock it differently")
            except _Fault as fault:
                self._faults.append(f"{given}: {fault}")

    def checked(self) -> list[dict[str, Any]]:
        """All entries by name.

        Raises:
            UserFault: naming every package that cannot be installed.
        """
        if len(self._faults) == 1:
            raise UserFault(
                f"a package cannot be installed: {self._faults[0]}", where=_LOCK, remedy=_REMEDY
            )
        if self._faults:
            raise UserFault(
                f"{len(self._faults)} packages cannot be installed: "
                + "; ".join(self._faults[:_SHOWN])
                + (f" and {more} more" if (more := len(self._faults) - _SHOWN) > 0 else ""),
                where=_LOCK,
                remedy=_REMEDY,
                detail="\n".join(self._faults),
            )
        return [self._found[name] for name in sorted(self._found)]

    def _applies(self, package: dict[str, Any]) -> bool:
        markers = [f"{name} {package[name]}" for name in _MARKERS if name in package]
        markers += [package["markers"]] if package.get("markers") else []
        try:
            return all(Marker(str(each)).evaluate(self._environment) for each in markers)
        except (InvalidMarker, UndefinedComparison) as error:
            raise _Fault(f"its marker is none: {str(error).splitlines()[0]}") from None

    def _source(self, package: dict[str, Any]) -> dict[str, Any]:
        if "git" in package:
            return {"vcs": self._git(package)}
        other = next((kind for kind in _OTHER_VCS if kind in package), "")
        if other:
            raise _Fault(f"it is kept in {other}, and only git is known")
        place = str(package.get("file") or package.get("path") or "")
        if "://" in place and not place.startswith("file://"):
            return {"archive": {"url": self._address(place), "hashes": _hash(package)}}
        if place:
            return self._local(place.removeprefix("file://"), package)
        version = str(package.get("version", ""))
        if not version.startswith("=="):
            raise _Fault(f"no version is locked for this Python and platform ({version or 'none'})")
        entry: dict[str, Any] = {"version": version.lstrip("=")}
        index = self._index(package)
        if index:
            entry["index"] = index
        # Which of them is a wheel, Pipenv does not write; the index will tell by the sum.
        entry["wheels"] = [{"hashes": {"sha256": each}} for each in _hashes(package)]
        return entry

    def _index(self, package: dict[str, Any]) -> str:
        """The address of its index; empty for the default one of Pipenv."""
        name = str(package.get("index") or next(iter(self._sources), ""))
        if name and name not in self._sources:
            raise _Fault(f"its source {name} is not among [[source]]")
        address = self._sources.get(name, "")
        if not address or _place(address) in _DEFAULTS:
            return ""
        return self._address(address)

    def _git(self, package: dict[str, Any]) -> dict[str, Any]:
        address = str(package["git"]).removeprefix("git+")
        host, colon, path = address.partition(":")
        if "://" not in address and colon and "/" not in host:
            address = f"ssh://{host}/{path}"
        commit = str(package.get("ref", ""))
        if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
            raise _Fault(f"its ref {commit or '(none)'} is not a commit")
        vcs = {"type": "git", "url": self._address(address), "commit-id": commit}
        if package.get("subdirectory"):
            vcs["subdirectory"] = str(package["subdirectory"])
        return vcs

    def _local(self, place: str, package: dict[str, Any]) -> dict[str, Any]:
        path = os.path.normpath(os.path.join(self._ctx.app.root, place))
        if fault := outside(self._ctx.app, path, "Pipfile", _LOCK):
            raise fault
        if os.path.isdir(path):
            return {"directory": {"path": path, "editable": bool(package.get("editable"))}}
        if not os.path.isfile(path):
            raise _Fault(f"there is no {place}")
        return {"archive": {"path": path, "hashes": _hash(package)}}

    def _address(self, address: str) -> str:
        """An address with variables in it, which never gets to hold a secret.

        User and password go; a host may come from a variable; anywhere else it may be a token.
        """
        scheme, separator, rest = without_credentials(address).partition("://")
        host, slash, path = rest.partition("/")
        if _VARIABLE.search(path):
            raise _Fault(
                f"the path of {scheme}://…/{path} has a variable, which may be a secret: give "
                "user and password as a binding instead"
            )
        host = _VARIABLE.sub(self._value, host)
        return without_credentials(f"{scheme}{separator}{host}{slash}{path}")

    def _value(self, found: re.Match[str]) -> str:
        name = found["braced"] or found["bare"]
        value = self._ctx.settings.get(name)
        if not value:
            raise _Fault(f"its address needs the variable {name}, which is not set")
        return value


_SHOWN = 3
_REMEDY = f"correct Pipfile, run `pipenv lock` and commit {_LOCK}"


def _hashes(package: dict[str, Any]) -> list[str]:
    given = package.get("hashes", [])
    sums = [str(each).partition(":") for each in given] if isinstance(given, list) else []
    found = [digest for algorithm, _, digest in sums if algorithm == "sha256"]
    if not found:
        raise _Fault(f"{_LOCK} has no SHA-256 sum of any file")
    return found


def _hash(package: dict[str, Any]) -> dict[str, str]:
    return {"sha256": _hashes(package)[0]}
