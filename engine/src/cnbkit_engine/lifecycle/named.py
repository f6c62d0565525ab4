"""The lifecycle that a builder.toml names, where it is not the one cnbkit brings."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION
from cnbkit_engine.sandbox.elf import architecture_of
from cnbkit_engine.state.locks import made_once

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["check_version", "named_lifecycle"]

_PLATFORM_API = "0.15"  # the engine speaks it


def check_version(version: str, builder: Path) -> None:
    """See that a builder asks for the lifecycle cnbkit brings, or for none in particular.

    Raises:
        UserFault: it asks for another.
    """
    if version not in ("", LIFECYCLE_VERSION):
        raise UserFault(
            f"cnbkit has lifecycle {LIFECYCLE_VERSION}, not {version}",
            where=str(builder),
            remedy="download that one and name the file in [lifecycle] uri",
        )


def named_lifecycle(home: Home, uri: str, builder: Path, arch: str) -> Path:
    """The programs of a lifecycle's archive, to build with; unpacked once.

    Args:
        home: they go to `home.tools`.
        uri: the archive, relative to builder.toml.
        builder: path of builder.toml.
        arch: what has to run them.

    Raises:
        UserFault: there is no such file, it is not a lifecycle, or not one the engine can use.
        OSError: the disk refuses.
    """
    archive = (builder.parent / uri.removeprefix("file://")).resolve()
    if not archive.is_file():
        raise UserFault(
            f"there is no archive {uri}",
            where=str(builder),
            remedy="download the lifecycle and name the file, or leave [lifecycle] out",
        )
    status = archive.stat()
    told = f"{archive}\0{status.st_size}\0{status.st_mtime_ns}"
    name = f"lifecycle-named-{hashlib.sha256(told.encode()).hexdigest()[:16]}-{arch}"

    def make(folder: Path) -> None:
        from cnbkit_engine.lifecycle.archive import read_lifecycle

        table = read_lifecycle(archive, folder)
        (folder / "lifecycle.json").write_text(json.dumps(table), encoding="utf-8")

    folder = made_once(home.tools / name, make)
    table = json.loads((folder / "lifecycle.json").read_text(encoding="utf-8"))
    apis = (table.get("apis") or {}).get("platform") or {}
    if _PLATFORM_API not in [*(apis.get("supported") or ()), *(apis.get("deprecated") or ())]:
        version = (table.get("lifecycle") or {}).get("version", "of that archive")
        raise UserFault(
            f"lifecycle {version} does not speak Platform API {_PLATFORM_API}, as this engine does",
            where=f"{builder}: [lifecycle] uri",
            remedy="name lifecycle 0.21 or newer, or build with --engine pack",
        )
    if architecture_of(folder / "launcher") != arch:
        raise UserFault(
            f"the lifecycle in {uri} is not for {arch}",
            where=str(builder),
            remedy="leave [lifecycle] out, or name the archive for this machine",
        )
    return folder
