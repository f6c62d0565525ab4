"""A package that is asked for as a file, of the app or from an address: whole, and fitting."""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, CommandFailed, PlatformFault, UserFault
from cnbkit_aptfile.declared import DeclaredPackage
from cnbkit_limits import Limits

__all__ = ["deb_file", "sha256_of"]


def deb_file(ctx: BuildContext, package: DeclaredPackage, folder: str, limits: Limits) -> str:
    """Its path, after it has been looked at.

    Args:
        ctx: the build.
        package: what Aptfile or project.toml says.
        folder: where `debs` is made for what is fetched.
        limits: what fetching may take.

    Raises:
        UserFault: it is not a Debian package, not the file that is declared, or for another
            processor.
        PlatformFault: it cannot be fetched.
    """
    address, _, checksum = package.word.partition("#")
    if package.is_address:
        path = f"{folder}/debs/{address.rpartition('/')[2]}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with limits.watched(os.path.dirname(path)) as until:
                ctx.run(
                    *("curl", "--fail", "--silent", "--show-error", "--location", "--retry", "3"),
                    *("--proto", "=http,https,file", "--proto-redir", "=http,https"),
                    *("--max-redirs", "10"),
                    # Less than that for a minute is not an answer.
                    *("--connect-timeout", "15", "--speed-limit", "1000", "--speed-time", "60"),
                    *("--output", path, address),
                    quiet=True,
                    timeout=limits.seconds,
                    until=until,
                )
        except CommandFailed as failed:
            if failed.timeout is not None:
                raise limits.too_long() from None
            raise PlatformFault(
                f"cannot fetch {address}",
                where=f"{package.file}:{package.line}",
                remedy="check the address and the network",
                detail=failed.shown,
            ) from None
    else:
        path = f"{ctx.app.root}/{address.removeprefix('./')}"
    where = f"{package.file}:{package.line}"
    wanted = checksum.removeprefix("sha256=")
    if checksum and sha256_of(path) != wanted:
        raise UserFault(
            f"{address} is another file than it should be: its SHA-256 is {sha256_of(path)}",
            where=where,
            remedy="correct the checksum, if you trust the file",
        )
    try:
        said = ctx.run("dpkg-deb", "--field", path, "Architecture", quiet=True)
    except CommandFailed as failed:
        raise UserFault(
            f"{address} is not a Debian package, or damaged",
            where=where,
            remedy="fetch it again, or take its line out",
            detail=failed.shown,
        ) from None
    arch = said.stdout.strip()
    if arch not in ("all", ctx.target.arch):
        raise UserFault(
            f"{address} is for {arch}, and the image for {ctx.target.arch}",
            where=where,
            remedy=f"take the package for {ctx.target.arch}",
        )
    return path


def sha256_of(path: str) -> str:
    """A file's digest, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
