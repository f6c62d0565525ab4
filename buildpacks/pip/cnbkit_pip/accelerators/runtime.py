"""What packages tell of an accelerator's runtime, by the evidence a request names."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit.package_request import Evidence
    from cnbkit_python_inputs.package import Package

__all__ = ["runtime_of", "serves_only"]


def runtime_of(packages: Sequence[Package], evidence: Sequence[Evidence]) -> tuple[str, str]:
    """The version of the runtime that packages bring, and which of them says so.

    Args:
        packages: all of them.
        evidence: the first that matches any of them counts.

    Returns:
        ("12.8", "nvidia-cuda-runtime-cu12 12.8.90"); two empty texts for none.
    """
    for each in evidence:
        found = []
        for package in packages:
            if match := re.fullmatch(each.pattern, package.name):
                told = match[1] if match.re.groups and match[1] else each.version
                found.append((told or _first_two(package.version), package))
        if found:
            # The newest of several is what a driver has to be able to do.
            version, package = max(found, key=lambda pair: _numbers(pair[0]))
            own = not each.version and "(" not in each.pattern.replace("(?:", "")
            return version, f"{package.name} {package.version}" if own else package.name
    return "", ""


def serves_only(name: str, patterns: Sequence[str]) -> bool:
    """Whether a package serves nothing but an accelerator."""
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def _first_two(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _numbers(version: str) -> list[int]:
    return [int(each) for each in version.split(".") if each.isdigit()]
