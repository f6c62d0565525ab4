"""What an index has of a package: versions near one, and the Pythons it has wheels for."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.engines.uv import Uv

__all__ = ["Published", "span"]

# Those that people still have files for, and that an image may have.
_PYTHONS = tuple(f"3.{minor}" for minor in range(8, 15))
_AT_ONCE = 4
_WHEELS_ONLY = ("--no-deps", "--only-binary", ":all:")


class Published:
    """Asks uv about packages, each alone.

    Args:
        uv: knows the indexes.
        options: lines of the app's requirements that say where packages come from.
        python: the image's, "3.11".
    """

    def __init__(self, uv: Uv, options: str, python: str) -> None:
        self._uv = uv
        self._options = options
        self.python = python

    def refusal(self, requirement: str) -> str:
        """Why there is no such package for this Python; empty if there is one."""
        return self._ask(requirement, "--no-deps")[1]

    def version(self, requirement: str, *options: str) -> str:
        """The version that is chosen, wheel or not; empty if there is none."""
        return self._ask(requirement, "--no-deps", *options)[0]

    def near(self, name: str, version: str) -> list[str]:
        """The next older and the next newer version with a wheel for this Python."""
        older = self._ask(f"{name}<{version}", *_WHEELS_ONLY)[0]
        newer = self._ask(f"{name}>{version}", *_WHEELS_ONLY, "--resolution", "lowest")[0]
        return [each for each in (newer, older) if each]

    def pythons(self, requirement: str) -> list[str]:
        """Those that a wheel for this machine fits, the oldest first."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(
                lambda python: self._ask(requirement, *_WHEELS_ONLY, "--python-version", python),
                _PYTHONS,
            )
            return [python for python, (version, _) in zip(_PYTHONS, found, strict=True) if version]

    def _ask(self, requirement: str, *options: str) -> tuple[str, str]:
        packages, said = self._uv.ask(f"{self._options}{requirement}\n", *options)
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()
        plain = re.sub(r"[-_.]+", "-", name)
        return next((str(each["version"]) for each in packages if each["name"] == plain), ""), said


def span(pythons: list[str]) -> str:
    """`3.8 to 3.11`; gaps are told."""
    parts: list[list[str]] = []
    for each in pythons:
        if parts and _minor(each) == _minor(parts[-1][-1]) + 1:
            parts[-1].append(each)
        else:
            parts.append([each])
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts)


def _minor(python: str) -> int:
    return int(python.partition(".")[2])
