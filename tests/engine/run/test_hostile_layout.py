"""A layout from a stranger is read or refused: no traceback, no hang, nothing of it changed."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit.errors import CnbkitError
from cnbkit_engine.cli.inspect import _document, _text
from cnbkit_engine.oci import types as oci
from cnbkit_engine.oci.open_image import open_image
from cnbkit_engine.run.run import command_of
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "os": "linux",
    "architecture": "amd64",
    "config": {
        "Env": ["A=1"],
        "Labels": {
            "io.buildpacks.build.metadata": {
                "processes": [{"type": "web", "command": ["a"], "args": ["b"], "buildpackID": "x"}],
                "buildpacks": [{"id": "x", "version": "1"}],
            },
            "io.buildpacks.lifecycle.metadata": {
                "app": [{"sha": "x"}],
                "buildpacks": [{"key": "x", "layers": {"y": {"sha": "z"}}}],
                "runImage": {"topLayer": "x", "image": "y"},
            },
        },
        "Entrypoint": ["/cnb/process/web"],
        "Cmd": ["x"],
        "User": "1000:1000",
        "WorkingDir": "/workspace",
    },
    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{64 * 'a'}"]},
}
_JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, "", "x", "\0", "\x1b[2J", "../..", [], ["x"], [None], {},
     {"x": 1}, [[[]]], {"": {}}]
)  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if not isinstance(value, dict | list):
        return found
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found += paths(inner, (*at, key))
    return found


def changed(value: Any, at: tuple[Any, ...], junk: Any) -> Any:
    if not at:
        return junk
    made = copy.deepcopy(value)
    place = made
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = junk
    return made


def write(folder: Path, config: Any, *, manifest: Any = None, index: Any = None) -> Path:
    """A layout of one image; labels that are objects become JSON, as they are in images."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    try:
        labels = config["config"]["Labels"]
        spelled = {k: v if isinstance(v, str) else json.dumps(v) for k, v in labels.items()}
        config = changed(config, ("config", "Labels"), spelled)
    except (AttributeError, KeyError, TypeError):
        pass  # the labels are what is changed

    def put(document: Any) -> dict[str, Any]:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    kind = "application/vnd.oci.image.config.v1+json"
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", **put(b"x" * 1024)}
    made = {
        "schemaVersion": 2,
        "mediaType": oci.OCI_MANIFEST,
        "config": {"mediaType": kind, **put(config)},
        "layers": [layer],
    }
    entry = {"mediaType": oci.OCI_MANIFEST, **put(made if manifest is None else manifest(made))}
    top: Any = {"schemaVersion": 2, "manifests": [entry]}
    text = json.dumps(top if index is None else index(top))
    (folder / "index.json").write_text(text)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return folder


def look(folder: Path) -> None:
    """All that `inspect` and `run` read of an image."""
    _, image = open_image(Home(folder), f"oci:{folder}")
    json.dumps(_document(image))
    list(_text(image))
    command_of(image, None, ())


def test_the_layout_is_read_as_it_is(tmp_path: Path) -> None:
    look(write(tmp_path, CONFIG))


@pytest.mark.parametrize("what", ["config", "manifest", "index"])
@settings(max_examples=150)
@given(data=st.data())
def test_any_value_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, what: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("layout")
    junk = data.draw(_JUNK)
    if what == "config":
        write(folder, changed(CONFIG, data.draw(st.sampled_from(paths(CONFIG))), junk))
    else:

        def change(document: Any) -> Any:
            return changed(document, data.draw(st.sampled_from(paths(document))), junk)

        write(folder, CONFIG, **{what: change})
    before = sorted(path.name for path in folder.rglob("*"))
    with suppress(CnbkitError):  # anything else would be a traceback
        look(folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "device", "large"])
@pytest.mark.parametrize("which", ["index.json", "manifest", "config"])
def test_what_is_not_a_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, kind: str, which: str
) -> None:
    folder = write(tmp_path, CONFIG)
    entry = json.loads((folder / "index.json").read_text())["manifests"][0]
    manifest = folder / "blobs" / entry["digest"].replace(":", "/")
    config = json.loads(manifest.read_text())["config"]["digest"]
    path = {
        "index.json": folder / "index.json",
        "manifest": manifest,
        "config": folder / "blobs" / config.replace(":", "/"),
    }[which]
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        os.mknod(path, 0o600 | 0o140000)  # a socket: a device only root could make
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)  # sparse
    with pytest.raises(CnbkitError):
        look(folder)


@pytest.mark.parametrize("which", ["index", "manifest", "config"])
def test_deep_nesting_is_refused(tmp_path: Path, which: str) -> None:
    folder = write(tmp_path, CONFIG)
    deep = b"[" * 200_000
    if which == "index":
        (folder / "index.json").write_bytes(deep)
    else:
        digest = hashlib.sha256(deep).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(deep)

        def change(document: Any) -> Any:
            at = ("manifests", 0) if which == "manifest" else ("config",)
            entry = {"digest": f"sha256:{digest}", "size": len(deep), "mediaType": oci.OCI_MANIFEST}
            return changed(document, at, entry)

        write(folder, CONFIG, **{"index" if which == "manifest" else "manifest": change})
    with pytest.raises(CnbkitError):
        look(folder)


@pytest.mark.parametrize("key", ["Env", "Entrypoint", "Cmd", "Labels"])
def test_a_text_is_not_taken_for_a_list_of_its_letters(tmp_path: Path, key: str) -> None:
    write(tmp_path, changed(CONFIG, ("config", key), None))
    open_image(Home(tmp_path), f"oci:{tmp_path}")  # nothing is right
    for number, junk in enumerate(("sh", "", [["a", "b"]], {"a": "b"}, 0)):
        if key == "Labels" and isinstance(junk, dict):
            continue
        folder = write(tmp_path / str(number), changed(CONFIG, ("config", key), junk))
        with pytest.raises(CnbkitError, match="not a container image"):
            open_image(Home(tmp_path), f"oci:{folder}")


def test_a_variable_without_a_name_is_none(tmp_path: Path) -> None:
    write(tmp_path, changed(CONFIG, ("config", "Env"), ["=x", "A=1", "=", "B"]))
    _, image = open_image(Home(tmp_path), f"oci:{tmp_path}")
    assert image.env == {"A": "1", "B": ""}
