"""Download a released archive and check that it is the one somebody has vouched for."""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.error
import urllib.request
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["download_release"]


def download_release(address: str, checksum: str, folder: Path, *, timeout: float = 10.0) -> str:
    """Unpack a `.tgz` of programs into `folder`, without the archive's own folder names.

    Args:
        address: https URL; proxies are taken from the environment.
        checksum: sha256 of the archive, 64 hexadecimal digits.
        folder: exists; nothing is written there unless the checksum holds.
        timeout: seconds without an answer after which the address counts as out of reach.

    Returns:
        why the address gives nothing, for there may be another way to get the programs; empty if it
        did.

    Raises:
        PlatformFault: what came is not what was vouched for, or is not an archive.
    """
    try:
        with urllib.request.urlopen(address, timeout=timeout) as answer:  # noqa: S310 - ours
            data = answer.read()
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code} {error.reason}"
    except (OSError, urllib.error.URLError) as error:
        return str(getattr(error, "reason", error))
    found = hashlib.sha256(data).hexdigest()
    if found != checksum:
        raise PlatformFault(
            "a download is not the file it should be",
            where=address,
            remedy="look whether a proxy replaces downloads; do not use the file",
            detail=f"sha256 expected {checksum}\n           found {found}",
        )
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for entry in archive:
                # By hand: Python 3.11.2, Debian 12's, has no extraction filters yet.
                place = folder / PurePosixPath(entry.name).name
                if entry.issym():
                    place.symlink_to(PurePosixPath(entry.linkname).name)
                elif entry.isfile() and (content := archive.extractfile(entry)):
                    place.write_bytes(content.read())
                    place.chmod(0o755 if entry.mode & 0o100 else 0o644)
    except tarfile.TarError as error:
        raise PlatformFault(
            "a download cannot be unpacked", where=address, remedy="try again", detail=str(error)
        ) from error
    return ""
