"""What build code leaves for the engine to read, and what an image or a registry says."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.build_report import REPORT
from cnbkit.dry_run import DECISION
from cnbkit.errors import CnbkitError
from cnbkit_engine.attest.bill import joined
from cnbkit_engine.build.decided import read_decision
from cnbkit_engine.cli.inspect import _document, _text
from cnbkit_engine.lifecycle.build_report import all_repeatable
from cnbkit_engine.lifecycle.dry_run import _read
from cnbkit_engine.lifecycle.handover import Member, members
from cnbkit_engine.lifecycle.known_layers import restore_known
from cnbkit_engine.lifecycle.launch_layers import launch_layers
from cnbkit_engine.oci.archive import read_archive
from cnbkit_engine.oci.contents import contents
from cnbkit_engine.oci.docker_config import find_login
from cnbkit_engine.oci.open_image import open_image
from cnbkit_engine.oci.sbom import components
from cnbkit_engine.oci.token_service import Challenge
from cnbkit_engine.oci.unpack import unpack_layer
from cnbkit_engine.registry.http1 import BadRequest, Connection, Unfinished
from cnbkit_engine.run.identity import find_user
from cnbkit_engine.run.run import command_of
from cnbkit_engine.state.beneath import Folder
from cnbkit_engine.state.home import Home

from .lab import Format

if TYPE_CHECKING:
    from pathlib import Path

    from .lab import Lab

__all__ = ["FORMATS"]

_OCI = "application/vnd.oci.image"
_MANIFEST = f"{_OCI}.manifest.v1+json"
_DIFF = f"sha256:{hashlib.sha256(b'').hexdigest()}"
_CONFIG: dict[str, Any] = {
    "os": "linux",
    "architecture": "amd64",
    "config": {"Env": ["A=1"], "Entrypoint": ["/cnb/process/web"], "User": "1000:1000"},
    "rootfs": {"type": "layers", "diff_ids": [_DIFF]},
}
_MEMBER = Member("a/b", "1")
_GROUP = '[[group]]\nid = "a/b"\nversion = "1"\n'


def _blob(layout: Path, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    folder = layout / "blobs/sha256"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def _image(lab: Lab, kind: str, data: bytes) -> None:
    """Whatever is read of a stranger's layout with one document of this kind."""
    layout = lab.app / "layout"
    config = data if kind == "config" else json.dumps(_CONFIG).encode()
    layer = {
        "mediaType": f"{_OCI}.layer.v1.tar",
        **_blob(layout, data if kind == "layer" else bytes(1024)),
    }
    made = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {
            "mediaType": f"{_OCI}.config.v1+json",
            **_blob(layout, config),
        },
        "layers": [layer],
    }
    manifest = data if kind == "manifest" else json.dumps(made).encode()
    entry = {"mediaType": _MANIFEST, **_blob(layout, manifest)}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    (layout / "index.json").write_bytes(data if kind == "index" else index)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    store, image = open_image(Home(lab.app), f"oci:{layout}")
    json.dumps(_document(image))
    list(_text(image))
    command_of(image, None, ())
    if kind == "layer":
        contents(store, image.layers[0])


def _config(lab: Lab) -> None:
    _image(lab, "config", (lab.app / "config.json").read_bytes())


def _manifest(lab: Lab) -> None:
    _image(lab, "manifest", (lab.app / "manifest.json").read_bytes())


def _index(lab: Lab) -> None:
    _image(lab, "index", (lab.app / "index.json").read_bytes())


def _label(lab: Lab) -> None:
    text = (lab.app / "label").read_text(errors="replace")
    names = ("io.buildpacks.build.metadata", "io.buildpacks.lifecycle.metadata")
    labels = dict.fromkeys(names, text)
    config = {**_CONFIG, "config": {**_CONFIG["config"], "Labels": labels}}
    _image(lab, "config", json.dumps(config).encode())


def _layer(lab: Lab) -> None:
    path = lab.app / "layer"
    if b"RECORD" in path.read_bytes():
        _image(lab, "layer", path.read_bytes())
    shutil.rmtree(lab.app / "unpacked", ignore_errors=True)
    with path.open("rb") as blob:
        unpack_layer(blob, lab.app / "unpacked")


def _archive(lab: Lab) -> None:
    shutil.rmtree(lab.app / "unpacked", ignore_errors=True)
    read_archive(lab.app / "archive", lab.app / "unpacked")


def _bills(lab: Lab) -> None:
    bills = {"/layers/sbom/launch/a/b/sbom.cdx.json": (lab.app / "bill").read_bytes()}
    components(bills)
    joined(bills, "a/b", _DIFF)


def _users(lab: Lab) -> None:
    for who in ("", "web", "7:users", "web:7"):
        with suppress(CnbkitError):
            find_user(who, [lab.app])


def _login(lab: Lab) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(lab.app))
        patch.setenv("PATH", lab.env["PATH"])  # no helper is run
        for place in ("docker.io", "registry.example", "127.0.0.1:5000"):
            find_login(place, "team/app")


def _challenge(lab: Lab) -> None:
    Challenge.read((lab.app / "challenge").read_text(errors="replace"))


def _request(lab: Lab) -> None:
    """What a client sends to the store's registry."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    with theirs:
        # As much as fits without anybody who reads.
        theirs.sendall((lab.app / "request").read_bytes()[:60_000])
        theirs.shutdown(socket.SHUT_WR)
        connection = Connection(ours)
        with closing(connection), suppress(BadRequest, Unfinished):
            while connection.next_request():
                for _ in connection.body(1 << 16):
                    pass


def _decision(lab: Lab) -> None:
    read_decision("a/b", _read(lab.app))


def _group(lab: Lab) -> None:
    (lab.root / "buildpacks/a_b/1").mkdir(parents=True, exist_ok=True)
    members((lab.app / "group.toml").read_bytes(), lab.root / "buildpacks")


def _layer_types(lab: Lab) -> None:
    (lab.app / "a_b/x").mkdir(parents=True, exist_ok=True)
    with Folder(lab.app) as layers:
        launch_layers(layers, [_MEMBER])


def _report(lab: Lab) -> None:
    all_repeatable(lab.app)


def _cache(lab: Lab) -> None:
    name = "io.buildpacks.lifecycle.cache.metadata"
    folder = lab.app / "committed"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes((lab.app / "cache.json").read_bytes())
    shutil.rmtree(lab.layers)
    lab.layers.mkdir()
    restore_known(lab.layers, [_MEMBER], {}, lab.app)


FORMATS = (
    Format("config.json", _config),
    Format("manifest.json", _manifest),
    Format("index.json", _index),
    Format("label", _label),
    Format("layer", _layer),
    Format("archive", _archive),
    Format("bill", _bills),
    Format("passwd", _users, {"etc/group": "users:x:7:\n"}, "etc/passwd"),
    Format("group-of-an-image", _users, {"etc/passwd": "web:x:7:7::/:/x\n"}, "etc/group"),
    Format("docker-config", _login, place="config.json"),
    Format("challenge", _challenge),
    Format("request", _request),
    Format("decision", _decision, place=DECISION),
    Format("group.toml", _group),
    Format("layer.toml", _layer_types, place="a_b/x.toml"),
    Format("build-report", _report, {"group.toml": _GROUP}, f"a_b/{REPORT}"),
    Format("cache.json", _cache),
)
