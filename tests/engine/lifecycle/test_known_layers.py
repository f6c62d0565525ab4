"""What is restored for a dry run: metadata as the lifecycle restores it, and small contents."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.spec.toml import decode
from cnbkit.testing._restore import restore
from cnbkit_engine.lifecycle.handover import Member
from cnbkit_engine.lifecycle.known_layers import restore_known

if TYPE_CHECKING:
    from pathlib import Path

GROUP = [Member("acme/app", "1")]
KINDS = {
    "launch-only": {"launch": True, "build": False, "cache": False},
    "launch-build": {"launch": True, "build": True, "cache": False},
    "cached": {"launch": False, "build": False, "cache": True},
    "cached-launch": {"launch": True, "build": False, "cache": True},
}


def archive(files: dict[str, bytes], *, link: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(entry)
    return data.getvalue()


def cache_of(root: Path, layers: dict[str, Any], archives: dict[str, bytes]) -> Path:
    committed = root / "cache/committed"
    committed.mkdir(parents=True)
    document = {"buildpacks": [{"key": "acme/app", "version": "1", "layers": layers}]}
    (committed / "io.buildpacks.lifecycle.cache.metadata").write_text(json.dumps(document))
    for digest, data in archives.items():
        (committed / f"{digest}.tar").write_bytes(data)
    return root / "cache"


def restored(root: Path, image: dict[str, Any], cache: Path) -> Path:
    layers = root / "layers"
    layers.mkdir()
    metadata = {"buildpacks": [{"key": "acme/app", "version": "1", "layers": image}]}
    restore_known(layers, GROUP, metadata, cache)
    return layers / "acme_app"


def test_the_same_layers_have_metadata_as_in_the_test_kit_of_authors(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    image, cached = {}, {}
    for name, types in KINDS.items():
        flags = "".join(f"{kind} = {str(value).lower()}\n" for kind, value in types.items())
        (before / f"{name}.toml").write_text(f'[types]\n{flags}[metadata]\nkey = "{name}"\n')
        (before / name).mkdir()
        entry = {**types, "sha": f"sha256:{name}", "data": {"key": name}}
        if types["launch"]:
            image[name] = entry
        if types["cache"]:
            cached[name] = entry
    restore(before, tmp_path / "oracle")
    own = restored(tmp_path, image, cache_of(tmp_path, cached, {}))
    assert sorted(path.name for path in own.iterdir()) == sorted(
        path.name for path in (tmp_path / "oracle").iterdir()
    )
    for path in (tmp_path / "oracle").glob("*.toml"):
        found = decode((own / path.name).read_bytes(), name=path.name)
        assert found == decode(path.read_bytes(), name=path.name)


def test_a_cached_layer_of_another_image_is_not_restored(tmp_path: Path) -> None:
    layer = {**KINDS["cached-launch"], "data": {"key": "x"}}
    cache = cache_of(tmp_path, {"tool": {**layer, "sha": "sha256:old"}}, {})
    own = restored(tmp_path, {"tool": {**layer, "sha": "sha256:new"}}, cache)
    assert list(own.iterdir()) == []


def test_small_layers_have_their_files_and_large_ones_are_empty(tmp_path: Path) -> None:
    small = archive({"/layers/acme_app/lock/sub/pylock.toml": b"lock"})
    large = archive({"/layers/acme_app/python/bin": bytes(9 << 20)})
    entry = KINDS["cached"]
    cached = {"lock": {**entry, "sha": "sha256:a"}, "python": {**entry, "sha": "sha256:b"}}
    cache = cache_of(tmp_path, cached, {"sha256:a": small, "sha256:b": large})
    own = restored(tmp_path, {}, cache)
    assert (own / "lock/sub/pylock.toml").read_bytes() == b"lock"
    assert list((own / "python").iterdir()) == []


@pytest.mark.parametrize("name", ["/layers/acme_app/lock/../../../x", "/layers/acme_app/lock//x"])
def test_nothing_is_written_outside_of_its_layer_and_no_link_is_made(
    tmp_path: Path, name: str
) -> None:
    data = archive({name: b"x"}, link="/layers/acme_app/lock/link")
    cached = {"lock": {**KINDS["cached"], "sha": "sha256:a"}}
    own = restored(tmp_path, {}, cache_of(tmp_path, cached, {"sha256:a": data}))
    assert list((own / "lock").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "layers"]


@pytest.mark.parametrize("name", ["../x", "..", "a/b"])
def test_a_layer_with_a_name_that_leads_elsewhere_is_passed_over(tmp_path: Path, name: str) -> None:
    image = {name: {**KINDS["launch-only"], "data": {"key": "x"}}}
    own = restored(tmp_path, image, cache_of(tmp_path, {name: {**KINDS["cached"]}}, {}))
    assert list(own.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "layers"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"buildpacks": 1}', '{"buildpacks": [1]}'])
def test_a_cache_that_cannot_be_read_has_nothing(tmp_path: Path, text: str) -> None:
    cache = cache_of(tmp_path, {}, {})
    (cache / "committed/io.buildpacks.lifecycle.cache.metadata").write_text(text)
    assert list(restored(tmp_path, {}, cache).iterdir()) == []
