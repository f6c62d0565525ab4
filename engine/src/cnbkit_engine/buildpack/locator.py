"""What a builder.toml or package.toml names, found: buildpacks in folders, files and registries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault, UserFault
from cnbkit_engine.buildpack.foreign import ForeignBuildpack, is_foreign
from cnbkit_engine.buildpack.image import BUILDPACK_LAYERS, EXTENSION_LAYERS, METADATA
from cnbkit_engine.buildpack.source import BuildpackSource
from cnbkit_engine.oci.archive import read_archive
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpack import unpack_layer
from cnbkit_engine.state.beneath import Folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.buildpack.assemble import Runtime

    Fetch = Callable[[str, Path], None]

__all__ = ["Finder", "Part", "fetched", "lay_out"]

Part = BuildpackSource | ForeignBuildpack


class Finder:
    """Finds buildpacks by the locators builder.toml and package.toml know.

    Args:
        space: an empty folder, there as long as what was found is used.
        arch: `amd64` or `arm64`; of packages that are for several, what is for this one is taken.
        fetch: brings an image to an OCI layout: its reference, the folder.
    """

    def __init__(self, space: Path, arch: str, fetch: Fetch) -> None:
        self._space = space
        self._arch = arch
        self._fetch = fetch
        self._number = 0

    def find(self, uri: str, image: str, descriptor: Path) -> list[Part]:
        """What one entry names; of a package, the buildpack it is named for comes first.

        Args:
            uri: a folder or .cnb file, relative to the descriptor, or `docker://REFERENCE`.
            image: a reference instead.
            descriptor: the file the entry stands in.

        Raises:
            BuildpackFault: there is no such thing, or it is not a buildpack.
            UserFault: a file is not a package, or not for this architecture.
            PlatformFault: the registry cannot be reached or refuses.
        """
        if uri.startswith("docker://"):
            uri, image = "", uri.removeprefix("docker://")
        if image:
            layout = self._new()
            self._fetch(image, layout)
            return self._unpacked(layout, image)
        path = (descriptor.parent / uri.removeprefix("file://")).resolve()
        if path.is_dir():
            return [ForeignBuildpack(path) if is_foreign(path) else BuildpackSource(path)]
        if path.is_file():
            layout = self._new()
            read_archive(path, layout)
            return self._unpacked(layout, str(path))
        if "://" in uri or uri.startswith("urn:"):
            raise BuildpackFault(
                f"cnbkit cannot fetch {uri}",
                where=str(descriptor),
                remedy="download it and name the folder or .cnb file, or its image in a registry",
            )
        raise BuildpackFault(
            f"{uri} is not a folder of a buildpack and no package",
            where=str(descriptor),
            remedy="name a folder or a .cnb file in uri, relative to this file",
        )

    def _new(self) -> Path:
        self._number += 1
        return self._space / str(self._number)

    def _unpacked(self, layout: Path, where: str) -> list[Part]:
        """The buildpacks of a package, laid out as an image has them."""
        store = ImageStore(layout)
        image = Image.from_store(store, store.names()[0], f"linux/{self._arch}")
        if image.config.get("architecture") not in (None, "", self._arch):
            raise UserFault(
                f"the package is for {image.platform}, not for linux/{self._arch}",
                where=where,
                remedy=f"name a package for linux/{self._arch}",
            )
        if BUILDPACK_LAYERS not in image.labels or METADATA not in image.labels:
            extension = EXTENSION_LAYERS in image.labels
            raise BuildpackFault(
                "this is the package of an image extension"
                if extension
                else f"this image is not a buildpackage: it lacks the label {BUILDPACK_LAYERS}",
                where=where,
                remedy="name the package of a buildpack",
            )
        roots = []
        for number, layer in enumerate(image.layers):
            roots.append(layout / f"layer-{number}")
            with store.blob_path(layer.digest).open("rb") as blob:
                if unpack_layer(blob, roots[-1]) != layer.diff_id:
                    raise UserFault(
                        "a layer of the package is damaged", where=where, remedy="make it anew"
                    )
        main = _object(image, METADATA, where)
        found: list[tuple[bool, Part]] = []
        for id_, versions in sorted(_object(image, BUILDPACK_LAYERS, where).items()):
            for version in sorted(versions if isinstance(versions, dict) else ()):
                folder = _folder_of(roots, id_.replace("/", "_"), version)
                if folder is None:
                    raise BuildpackFault(
                        f"the package lacks {id_}@{version}, which its labels name",
                        where=where,
                        remedy="make it anew",
                    )
                is_main = (id_, version) == (main.get("id"), main.get("version"))
                found.append((not is_main, ForeignBuildpack(folder)))
        return [part for _, part in sorted(found, key=lambda pair: pair[0])]


def _object(image: Image, label: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(image.labels[label])
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BuildpackFault(
            f"the package's label {label} is not a JSON object", where=where, remedy="make it anew"
        )
    return value


def _folder_of(roots: list[Path], *parts: str) -> Path | None:
    """A buildpack's folder in one of the unpacked layers, and in none of this machine's folders.

    What strangers packed may be a link, or a name that leads up.
    """
    if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts):
        return None
    place = "/".join(("cnb/buildpacks", *parts))
    for root in roots:
        with Folder(root) as layer:
            if layer.is_folder(place) and layer.is_file(f"{place}/buildpack.toml"):
                return root / place
    return None


def lay_out(
    part: Part,
    out: Path,
    runtime: Runtime,
    *,
    offline: bool = False,
    library: Path | None = None,
) -> bool:
    """Write a buildpack as the lifecycle executes it; whether there is Python to compile.

    Args:
        part: the buildpack.
        out: a folder that does not exist yet.
        runtime: what will run it.
        offline: put in what its descriptor lists as dependencies.
        library: holds what its locks name.

    Raises:
        BuildpackFault: the buildpack is wrong.
        PlatformFault: its dependencies cannot be fetched, or the disk refuses.
    """
    from cnbkit_engine.buildpack.assemble import assemble

    out.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(part, ForeignBuildpack):
        part.copy(out)
        return False
    assemble(part, out, runtime, offline=offline, library=library)
    return True


def fetched(name: str, layout: Path, arch: str) -> None:
    """Bring a package from its registry to a new OCI layout.

    Raises:
        UserFault: there is no such image.
        PlatformFault: the registry cannot be reached or refuses.
    """
    from cnbkit_engine.oci.remote import Remote

    Remote(name).pull(layout, arch)
