"""What is known of the last build's layers, put where the builder of a dry run looks for it.

A real build's restorer brings back whole layers, which may be gigabytes. To decide, their metadata
is enough, and the contents of small ones: locks, lists. The rules are the lifecycle's
(internal/layer/metadata_restorer.go, phase/restorer.go).
"""

from __future__ import annotations

import json
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cnbkit.spec.toml import encode
from cnbkit.tar_header import BoundedHeader
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.lifecycle.handover import Member

__all__ = ["restore_known"]

_CACHE = "committed/io.buildpacks.lifecycle.cache.metadata"
_LIMIT = 64 << 20
# Of a cached layer's archive; what is larger is not a list.
_SMALL = 8 << 20


def restore_known(
    layers: Path, group: Sequence[Member], image: Mapping[str, Any], cache: Path
) -> None:
    """Write what a build would find of its last one, as far as it decides anything.

    Args:
        layers: what will be `/layers`; nobody else can write there yet.
        group: the buildpacks that take part.
        image: the label `io.buildpacks.lifecycle.metadata` of the previous image.
        cache: the lifecycle's cache folder of the app.
    """
    cached = _by_buildpack(_cache_metadata(cache))
    built = _by_buildpack(image)
    for member in group:
        own = layers / member.folder
        own.mkdir(exist_ok=True)
        of_image, of_cache = built.get(member.id, {}), cached.get(member.id, {})
        for name, layer in _layers(of_image).items():
            if layer.get("launch") and not layer.get("cache") and not layer.get("build"):
                _write(own, name, layer)
        for name, layer in _layers(of_cache).items():
            there = _layers(of_image).get(name, {})
            if layer.get("launch") and there.get("sha") != layer.get("sha"):
                continue
            _write(own, name, layer)
            _extract(cache, str(layer.get("sha", "")), own / name, f"{member.folder}/{name}")
        store = (of_image.get("store") or {}).get("metadata")
        if store:
            text = encode({"metadata": store})
            (own / "store.toml").write_text(text, encoding="utf-8")


def _by_buildpack(document: Mapping[str, Any]) -> dict[str, Any]:
    found = document.get("buildpacks")
    tables = found if isinstance(found, list) else []
    return {str(each.get("key")): each for each in tables if isinstance(each, dict)}


def _layers(buildpack: Mapping[str, Any]) -> dict[str, Any]:
    """Those with a name that can be one: build code could have written others."""
    found = buildpack.get("layers")
    tables = found if isinstance(found, dict) else {}
    return {name: each for name, each in tables.items() if _is_plain(name)}


def _cache_metadata(cache: Path) -> Mapping[str, Any]:
    with suppress(OSError, Unfit, ValueError, RecursionError), Folder(cache) as folder:
        document = json.loads(folder.read(_CACHE, _LIMIT))
        if isinstance(document, dict):
            return document
    return {}


def _write(own: Path, name: str, layer: Mapping[str, Any]) -> None:
    data = layer.get("data")
    text = encode({"metadata": data}) if data else ""
    (own / f"{name}.toml").write_text(text, encoding="utf-8")


def _extract(cache: Path, digest: str, target: Path, inside: str) -> None:
    """Have a layer's folder, and its files if they are small."""
    target.mkdir()
    with suppress(OSError, Unfit, tarfile.TarError), Folder(cache) as folder:
        name = f"committed/{digest}.tar"
        if not _is_plain(digest) or folder.status(name).st_size > _SMALL:
            return
        with (
            open(folder.open_file(name), "rb") as file,
            tarfile.open(fileobj=file, tarinfo=BoundedHeader) as archive,
        ):
            for steps, data in _files(archive, inside):
                path = target.joinpath(*steps)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


def _files(archive: tarfile.TarFile, inside: str) -> Iterator[tuple[list[str], bytes]]:
    """Plain files of a layer, by their path in it. Links are not a list of anything."""
    for entry in archive:
        _, found, rest = entry.name.partition(f"layers/{inside}/")
        steps = rest.split("/")
        if entry.isreg() and found and all(_is_plain(step) for step in steps):
            opened = archive.extractfile(entry)
            if opened:
                yield steps, opened.read()


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name
