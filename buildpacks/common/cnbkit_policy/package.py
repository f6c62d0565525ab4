"""A package as rules see it, whoever installs it."""

from __future__ import annotations

from cnbkit_logins.address import split_login

__all__ = ["Package"]


class Package:
    """A package.

    Attributes:
        name: normalised.
        version: empty if it is not known.
        index: where it is from, without a login; empty if nothing says it.
        hashed: whether the app's files have hashes of it; None where that cannot be known.
        locked: whether the app has it in a lock.
        license: as it says itself; empty if it does not, None if that cannot be seen.
        installed: whether it is installed, and not only locked.
        direct: whether it is a folder of the app, or comes by an address.
        size: bytes of the smallest file that a lock has of it; 0 if that is not known.
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
        locked: bool = False,
        size: int = 0,
    ) -> None:
        self.name = name
        self.version = version
        self.index = split_login(index)[0]
        self.hashed = hashed
        self.license = license
        self.direct = direct
        self.installed = installed
        self.locked = locked
        self.size = size

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()
