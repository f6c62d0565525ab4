"""Takes the Edge TPU's library, and libusb if it is there, out of packages and archives."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile

from cnbkit import BuildContext, CommandFailed, PlatformFault, UserFault
from cnbkit_tpu.coral import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["install"]

# File name's beginning → the name the loader asks for.
_WANTED = {"libedgetpu.so": "libedgetpu.so.1", "libusb-1.0.so": "libusb-1.0.so.0"}
# ELF's e_machine.
_MACHINES = {"amd64": 62, "arm64": 183}
# A library of some megabytes; what is much larger is none.
_LARGEST = 200_000_000


def install(ctx: BuildContext, sources: list[Source], target: str, *, fast: bool) -> list[str]:
    """Put the libraries into a folder.

    Args:
        ctx: the build.
        sources: where to look.
        target: the folder.
        fast: take the build that runs the device at its highest clock, if there is a choice.

    Returns:
        What the loader finds there.

    Raises:
        UserFault: they hold no library for what is built for.
        PlatformFault: one cannot be fetched or unpacked.
    """
    os.makedirs(target)
    found: dict[str, tuple[str, bytes]] = {}
    seen = []
    for source in sources:
        path = source.path
        if source.dependency:
            path = str(ctx.download(source.dependency))
        for place, data in _members(ctx, source, path):
            name = next((n for start, n in _WANTED.items() if _base(place).startswith(start)), "")
            if not name or data[:4] != b"\x7fELF":
                continue
            seen.append(f"{source.name}: {place}")
            if int.from_bytes(data[18:20], "little") != _MACHINES[ctx.target.arch]:
                continue
            # Archives have both clocks: `direct` is the highest one, `throttled` the usual.
            if name not in found or _is_fast(place) == fast:
                found[name] = (place, data)
    if "libedgetpu.so.1" not in found:
        raise UserFault(
            f"there is no libedgetpu for {ctx.target.arch} in {', '.join(s.name for s in sources)}",
            where="BP_CORAL_RUNTIME",
            remedy=f"name the package or archive for {ctx.target.arch}",
            detail="\n".join(seen) or None,
        )
    for name, (place, data) in found.items():
        real = _base(place)
        with open(f"{target}/{real}", "wb") as file:
            file.write(data)
        os.chmod(f"{target}/{real}", 0o755)
        if real != name:
            os.symlink(real, f"{target}/{name}")
    return sorted(found)


def _members(ctx: BuildContext, source: Source, path: str) -> Iterator[tuple[str, bytes]]:
    try:
        if source.name.endswith(".deb"):
            yield from _of_package(ctx, path)
        elif source.name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for each in archive.infolist():
                    if ".so" in each.filename and each.file_size < _LARGEST:
                        yield each.filename, archive.read(each)
        elif ".tar" in source.name or source.name.endswith(".tgz"):
            with tarfile.open(path) as tar:
                for member in tar:
                    if member.isfile() and ".so" in member.name and member.size < _LARGEST:
                        file = tar.extractfile(member)
                        yield member.name, file.read() if file else b""
        else:
            with open(path, "rb") as plain:
                yield source.name, plain.read()
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise UserFault(
            f"{source.name} cannot be unpacked: {error}",
            where="BP_CORAL_RUNTIME",
            remedy="give a .deb, .tar.gz, .tar.xz or .zip, or the library itself",
        ) from None


def _of_package(ctx: BuildContext, path: str) -> Iterator[tuple[str, bytes]]:
    folder = f"{ctx.scratch}/coral"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        ctx.run("dpkg-deb", "--extract", path, folder, quiet=True)
    except CommandFailed as failed:
        raise PlatformFault(
            f"{os.path.basename(path)} cannot be unpacked",
            where="dpkg-deb of the build image",
            remedy="give an archive (.tar.gz) with the library in place of the package",
            detail=failed.shown,
        ) from None
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            place = f"{root}/{name}"
            if ".so" in name and os.path.isfile(place) and not os.path.islink(place):
                with open(place, "rb") as file:
                    yield os.path.relpath(place, folder), file.read()


def _base(place: str) -> str:
    return place.rpartition("/")[2]


def _is_fast(place: str) -> bool:
    return "direct" in place.split("/") or "-max" in place
