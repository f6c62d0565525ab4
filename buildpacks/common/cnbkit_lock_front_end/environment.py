"""The environment that markers are evaluated for (PEP 508)."""

from __future__ import annotations

from cnbkit import Target

__all__ = ["environment"]

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def environment(version: str, target: Target) -> dict[str, str | set[str]]:
    """What markers see in the image.

    Nothing of the machine that builds: `platform_release` and `platform_version`, its kernel's,
    are empty.

    Args:
        version: of CPython, in full: "3.12.4".
        target: what is built for.
    """
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": _MACHINES.get(target.arch, target.arch),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "linux",
    }
