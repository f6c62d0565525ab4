"""Base images from a registry in place of being made here: what a release or `prepare` pushed."""

from __future__ import annotations

import os
import re
import tarfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit.tar_header import SolidHeader
from cnbkit_engine.base.suites import suite_of_config
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.base.images import BaseImages
    from cnbkit_engine.base.recipe import Kind

__all__ = ["fetch_bases"]

_STATUS = "var/lib/dpkg/status"
_RUN_STATUS = "usr/share/cnbkit/run-image/status"
_REMEDY = "name the two images that one cnbkit of this version has made, of the same suite"


def fetch_bases(
    images: BaseImages,
    build: str,
    run: str,
    *,
    insecure: Sequence[str] = (),
    show: Callable[[str], None] = lambda _line: None,
) -> None:
    """Have both base images as if they had been made here; nothing is kept if they do not fit.

    The build image is unpacked and not kept as an image: `cnbkit builder --build-image` names it.

    Args:
        images: says of which suite and for which architecture they are to be.
        build: the build image, by its digest.
        run: the run image, by its digest.
        insecure: registries to speak plain HTTP to.
        show: told, a sentence each, what takes long.

    Raises:
        UserFault: one is not named by its digest, is not there, or not what it should be; or the
            two do not belong together.
        PlatformFault: a registry cannot be reached, or the disk is full.
    """
    for name, option in ((build, "--fetch-build"), (run, "--fetch-run")):
        if not Reference.parse(name, setting=option).version.startswith("sha256:"):
            raise UserFault(
                f"{name} does not say which image it is to be",
                where=option,
                remedy="name it by its digest, NAME@sha256:…, which the one who pushed it can tell",
            )
    passing = f"cnbkit/run:fetched-{os.getpid()}"
    with Workspace(images.home.tmp) as space, ExitStack() as stack:
        apart = ImageStore(space / "images")
        stack.callback(images.store.remove, passing)
        layers = {
            "run": _fetched("run", run, passing, images.store, images, insecure, show),
            "build": _fetched("build", build, "build", apart, images, insecure, show),
        }
        status = _file(layers["run"], _STATUS)
        if status != _file(layers["build"], _RUN_STATUS):
            raise UserFault(
                "the build image was made with another run image than this one",
                where=build,
                remedy=_REMEDY,
            )
        _check_packages("run", run, status, images)
        _check_packages("build", build, _file(layers["build"], _STATUS), images)
        images.put_build_root(layers["build"])
        image = images.store.resolve(passing)
        images.put_run_image(image.media_type, images.store.read_blob(image.digest))


def _fetched(
    kind: Kind,
    name: str,
    stored: str,
    store: ImageStore,
    images: BaseImages,
    insecure: Sequence[str],
    show: Callable[[str], None],
) -> Path:
    """The only layer of an image, which now has another name in a store."""
    show(f"Fetching the {kind} image {name} ...")
    Remote(name, insecure=insecure).fetch(store, stored, images.arch)
    image = Image.from_store(store, stored, f"linux/{images.arch}")
    _check(name, image, images)
    if len(image.layers) != 1:
        raise UserFault(
            f"the {kind} image has {len(image.layers)} layers, and one of cnbkit's has one",
            where=name,
            remedy=_REMEDY,
        )
    return store.blob_path(image.layers[0].digest)


def _check(name: str, image: Image, images: BaseImages) -> None:
    """Platform and suite, as the image's configuration has them."""
    config: Mapping[str, Any] = image.config
    told = f"{config.get('os')}/{config.get('architecture')}"
    if told != f"linux/{images.arch}":
        raise UserFault(
            f"the image is for {told}, not for linux/{images.arch}",
            where=name,
            remedy=f"name one for linux/{images.arch}",
        )
    suite = suite_of_config(config)
    if suite is not images.suite:
        what = f"of Debian {suite.version}" if suite else "none of cnbkit's"
        raise UserFault(
            f"the image is {what}, not of Debian {images.suite.version}",
            where=name,
            remedy=f"say --base {suite.name}" if suite else _REMEDY,
        )


def _file(layer: Path, name: str) -> bytes:
    """A file of a layer; empty if it has none."""
    try:
        with tarfile.open(layer, "r:*", tarinfo=SolidHeader) as files:
            for entry in files:
                if entry.name.removeprefix("./") == name and entry.isreg():
                    found = files.extractfile(entry)
                    return found.read() if found else b""
    except tarfile.TarError:
        pass  # unpacking says what is wrong with it
    return b""


def _check_packages(kind: Kind, name: str, status: bytes, images: BaseImages) -> None:
    """That it has what our own would have."""
    there = set(re.findall(r"^Package: (\S+)$", status.decode(errors="replace"), re.MULTILINE))
    if missing := [each for each in images.packages(kind) if each not in there]:
        raise UserFault(
            f"the {kind} image lacks packages that one of this version has: {', '.join(missing)}",
            where=name,
            remedy=_REMEDY,
        )
