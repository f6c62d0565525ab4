"""Debian's releases that base images are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEFAULT",
    "SUITES",
    "Suite",
    "suite_named",
    "suite_of_config",
    "suite_of_distro",
    "suite_of_run_image",
]


@dataclass(frozen=True)
class Suite:
    """One release.

    Args:
        name: Debian's, which is also the tag of the images made of it.
        version: what `/etc/os-release` says.
        full_python: the version of its `/usr/bin/python3`, which a stable release keeps.
    """

    name: str
    version: str
    full_python: str

    @property
    def python(self) -> str:
        """Major and minor version of its `/usr/bin/python3`."""
        return self.full_python.rpartition(".")[0]

    @property
    def stack(self) -> str:
        """The label io.buildpacks.stack.id of images made of it, and of io.buildpacks.base.id."""
        return f"cnbkit.{self.name}"


SUITES = {
    suite.name: suite
    for suite in (Suite("bookworm", "12", "3.11.2"), Suite("trixie", "13", "3.13.5"))
}
DEFAULT = SUITES["trixie"]


def suite_named(name: str, *, where: str = "--base") -> Suite:
    """The suite of that name; the default one if it is empty.

    Raises:
        UserFault: there are no base images of it.
    """
    if not name:
        return DEFAULT
    try:
        return SUITES[name]
    except KeyError:
        raise UserFault(
            f"there is no base {name}", where=where, remedy=f"choose {' or '.join(SUITES)}"
        ) from None


def suite_of_distro(name: str, version: str) -> Suite | None:
    """The suite by the names that labels and targets have for it: `debian`, `12`."""
    if name != "debian":
        return None
    return next((suite for suite in SUITES.values() if suite.version == version), None)


def suite_of_config(config: Mapping[str, Any]) -> Suite | None:
    """The suite that an image is made of, by the labels in its configuration."""
    labels = (config.get("config") or {}).get("Labels") or {}
    base = "io.buildpacks.base.distro"
    return suite_of_distro(labels.get(f"{base}.name", ""), labels.get(f"{base}.version", ""))


def suite_of_run_image(name: str) -> Suite | None:
    """The suite of one of our own run images, by its name; None of another one."""
    repository, _, tag = name.rpartition(":")
    if not f"/{repository}".endswith(("/cnbkit/run", "/cnbkit/run-cuda")):
        return None
    return SUITES.get(tag.partition("-")[0])
