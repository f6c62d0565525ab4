"""The lifecycle's release archive: `lifecycle.toml` and the programs; builders are made of it."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit.spec.toml import decode, encode
from cnbkit.tar_header import BoundedHeader
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION
from cnbkit_engine.oci.layer import TIME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["described", "lifecycle_table", "read_lifecycle", "write_lifecycle"]

_BUILDPACK_APIS = ["0.7", "0.8", "0.9", "0.10", "0.11", "0.12"]
_PLATFORM_APIS = [*_BUILDPACK_APIS, "0.13", "0.14", "0.15"]
_NEEDED = {"analyzer", "builder", "creator", "detector", "exporter", "launcher", "restorer"}


def lifecycle_table() -> dict[str, Any]:
    """`lifecycle.toml` of the lifecycle cnbkit brings."""
    return {
        "apis": {
            "buildpack": {"deprecated": [], "supported": _BUILDPACK_APIS},
            "platform": {"deprecated": [], "supported": _PLATFORM_APIS},
        },
        "api": {"platform": _PLATFORM_APIS[0], "buildpack": _BUILDPACK_APIS[0]},
        "lifecycle": {"version": LIFECYCLE_VERSION},
    }


def described(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a builder's metadata says of its lifecycle, by `lifecycle.toml`."""
    apis = {
        kind: {
            key: (table.get("apis") or {}).get(kind, {}).get(key) or []
            for key in ("deprecated", "supported")
        }
        for kind in ("buildpack", "platform")
    }
    earliest = {
        kind: min([*known["deprecated"], *known["supported"]], key=_number, default="")
        for kind, known in apis.items()
    }
    return {
        "version": (table.get("lifecycle") or {}).get("version", ""),
        "api": earliest,
        "apis": apis,
    }


def write_lifecycle(folder: Path, out: Path) -> None:
    """Write a lifecycle's folder as a release archive, for `[lifecycle] uri` of builder.toml."""
    with (
        out.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        toml = out.with_name(f".{out.name}.toml")
        toml.write_text(encode(lifecycle_table()), encoding="utf-8")
        entries = [("lifecycle.toml", toml)]
        entries += [(f"lifecycle/{path.name}", path) for path in sorted(folder.iterdir())]
        for name, path in entries:
            item = archive.gettarinfo(path, name)
            item.uid = item.gid = 0
            item.uname = item.gname = ""
            item.mtime = TIME
            if item.issym():
                archive.addfile(item)
            else:
                with path.open("rb") as content:
                    archive.addfile(item, content)
        toml.unlink()


def read_lifecycle(archive: Path, folder: Path) -> dict[str, Any]:
    """Unpack a release archive's programs into a folder; returns its lifecycle.toml.

    Raises:
        UserFault: it is no such archive.
        OSError: the disk refuses.
    """
    folder.mkdir(parents=True)
    table: dict[str, Any] | None = None
    try:
        with tarfile.open(archive, tarinfo=BoundedHeader) as source:
            for item in source:
                parts = [part for part in PurePosixPath(item.name).parts if part not in "/."]
                content = source.extractfile(item) if item.isreg() else None
                if parts == ["lifecycle.toml"] and content:
                    table = decode(content.read(), name="lifecycle.toml", where=str(archive))
                elif len(parts) == 2 and parts[0] == "lifecycle" and parts[1] != "..":
                    place = folder / parts[1]
                    if content:
                        place.write_bytes(content.read())
                        place.chmod(0o755 if item.mode & 0o111 else 0o644)
                    elif item.issym() and "/" not in item.linkname:
                        place.symlink_to(item.linkname)
    except (tarfile.TarError, EOFError) as error:
        raise _no_lifecycle(archive, str(error)) from None
    missing = _NEEDED - {path.name for path in folder.iterdir()}
    if table is None or missing:
        lacks = ", ".join(sorted(missing)) or "lifecycle.toml"
        raise _no_lifecycle(archive, f"it lacks {lacks}")
    return table


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _no_lifecycle(archive: Path, detail: str) -> UserFault:
    return UserFault(
        "this is not a release of the lifecycle",
        where=str(archive),
        remedy="name a lifecycle-v….tgz of the lifecycle's releases in [lifecycle] uri",
        detail=detail,
    )
