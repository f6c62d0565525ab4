"""A build image from a registry as a folder, to be the root of a build's sandboxes."""

from __future__ import annotations

import os
import re
import shutil
import stat
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpack import open_layer, unpack_layer
from cnbkit_engine.state.beneath import Folder
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["image_root", "python_of_image", "python_of_root"]

PYTHON = "/usr/bin/python3"
_VERSION = re.compile(r"(?:^|/)python(3\.\d+)$")
_OWNER = {"CNB_USER_ID": "1000", "CNB_GROUP_ID": "1000"}
# What sandboxes mount over.
_FOLDERS = ("cnb", "dev", "home/cnb", "layers", "platform", "proc", "sys", "tmp", "workspace")


def image_root(
    home: Home,
    name: str,
    arch: str,
    insecure: Sequence[str],
    show: Callable[[str], None],
) -> tuple[Path, Mapping[str, Any]]:
    """The newest image of a name as a folder, which is unpacked once; and its configuration.

    Args:
        home: the folder goes to `home.base`.
        name: of the image in its registry.
        arch: of the image.
        insecure: registries to speak plain HTTP to.
        show: told what takes long.

    Raises:
        UserFault: there is no such image, or it is not for builds as the engine runs them.
        PlatformFault: the registry cannot be reached, or the disk refuses.
    """
    remote = Remote(name, insecure=insecure)
    config = remote.config(arch)
    variables = dict(
        str(each).partition("=")[::2] for each in (config.get("config") or {}).get("Env") or ()
    )
    told = {key: variables.get(key, "") for key in _OWNER}
    if told != _OWNER:
        found = ", ".join(f"{key}={value or 'nothing'}" for key, value in told.items())
        raise UserFault(
            f"the build image says {found}, and this engine builds as 1000:1000",
            where=f"[build] image = {name!r}",
            remedy="name an image for 1000:1000, or build with --engine pack",
        )
    digest = remote.manifest_digest(arch).partition(":")[2]

    def make(folder: Path) -> None:
        show(f"Fetching the build image {name} ...")
        with Workspace(home.tmp) as space:
            store = ImageStore(space / "image")
            remote.pull(store.path, arch)
            image = Image.from_store(store, store.names()[0])
            folder.mkdir()
            for number, layer in enumerate(image.layers):
                part = space / str(number)
                with store.blob_path(layer.digest).open("rb") as blob:
                    if unpack_layer(blob, part) != layer.diff_id:
                        raise UserFault(
                            "a layer of the build image is damaged",
                            where=name,
                            remedy="push the image again",
                        )
                _stack(part, folder)
        with Folder(folder) as root:
            for each in _FOLDERS:
                _make(root, each, name)

    return made_once(home.base / f"image-{digest[:12]}-{arch}", make), config


def _make(root: Folder, place: str, image: str) -> None:
    """A folder that sandboxes mount over, unless it is there.

    Raises:
        UserFault: the image has something else there. A link would be followed on this machine.
    """
    parts = place.split("/")
    for end in range(1, len(parts) + 1):
        here = "/".join(parts[:end])
        if root.is_folder(here):
            continue
        try:
            root.make(here)
        except FileExistsError:
            raise UserFault(
                f"the build image has {root.kind(here)} at /{here}, where builds need a folder",
                where=image,
                remedy="name an image that has a folder there, or nothing",
            ) from None


def python_of_root(root: Path) -> str:
    """Major and minor version of the Python that buildpacks run with; empty if there is none.

    Args:
        root: the build image as a folder.
    """
    path = root / PYTHON.lstrip("/")
    if path.is_symlink():
        found = _VERSION.search(os.readlink(path))
        return found[1] if found else "?"
    return "?" if path.exists() else ""


def python_of_image(store: ImageStore, image: Image) -> str:
    """The same of an image in a store; `?` if it cannot be told."""
    for layer in reversed(image.layers):
        with store.blob_path(layer.digest).open("rb") as blob, open_layer(blob) as archive:
            for member in archive:
                if member.name.removeprefix("./").lstrip("/") != PYTHON.lstrip("/"):
                    continue
                found = _VERSION.search(member.linkname) if member.issym() else None
                return found[1] if found else "?"
    return ""


def _stack(layer: Path, folder: Path) -> None:
    """Put an unpacked layer over those below it, as an overlay of them would show."""
    for entry in list(os.scandir(layer)):
        status = entry.stat(follow_symlinks=False)
        target = folder / entry.name
        if stat.S_ISCHR(status.st_mode):  # what stands for a file that the layer removes
            _remove(target)
        elif stat.S_ISDIR(status.st_mode):
            if _opaque(entry.path) or target.is_symlink() or not target.is_dir():
                _remove(target)
            target.mkdir(exist_ok=True)
            _stack(layer / entry.name, target)
            target.chmod(stat.S_IMODE(status.st_mode) & 0o777 | 0o700)
        else:
            _remove(target)
            os.rename(entry.path, target)
            if not stat.S_ISLNK(status.st_mode):
                target.chmod(stat.S_IMODE(status.st_mode) & 0o777 | 0o600)


def _opaque(path: str) -> bool:
    try:
        return os.getxattr(path, "user.overlay.opaque") == b"y"
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
