"""Restoring is checked against the real lifecycle: the same layers, the same losses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from cnbkit.testing._restore import restore

BUILDPACK = """
import json, os, sys
from cnbkit import Buildpack, BuildContext, BuildResult, Layer, LayerKey, Process, key, note

class Key(LayerKey):
    python: str = key("Python version")
    odd: str = key("odd")
    packages: list[str] = key("packages")
    jobs: int = key("jobs")
    big: int = key("big")
    files: dict[str, str] = key("files")
    seen: str = note(default="")

class Pack(Buildpack):
    def build(self, ctx):
        layers = ctx._layers
        found = {}
        for folder, _, files in os.walk(layers):
            for each in files:
                path = os.path.join(folder, each)
                found[os.path.relpath(path, layers)] = open(path).read()
        said = {"restored": found, "store": ctx.store, "names": ctx.restored_layers(), "layers": {}}
        k = Key(python=ctx.app.text("python").strip(), odd='"\\\\ \\n\\t\\x00\\x7f\\u00e9 [x] = #',
                packages=["a==1", 'b ; python_version < "3"'], jobs=3, big=2**62 + 1,
                files={"z.txt": "1", "a b": "2", "": "3"}, seen="note")
        for layer, with_key in (
            (Layer.launch("image"), k),
            (Layer.launch("plain"), None),
            (Layer.cached("cached"), k),
            (Layer.cached("both", build=True, launch=True), k),
            (Layer.for_build("forbuild"), k),
            (Layer("buildlaunch", build=True, launch=True), k),
            (Layer.temporary("temporary"), k),
        ):
            with ctx.layer(layer, with_key) as opened:
                if opened.rebuild:
                    (opened.path / "file").write_text("content")
                if layer.name != "both":
                    opened.env.override("A_" + layer.name, "x")
                with open(opened.directory + ".sbom.cdx.json", "w") as sbom:
                    sbom.write("{}")
                said["layers"][layer.name] = [opened.state, opened.why]
        with open(ctx.settings.get("BP_OUT"), "w") as out:
            json.dump(said, out)
        return BuildResult(
            Process(type="web", command=["old"]),
            Process(type="web", command=["/bin/echo", "a b"], default=True, working_dir="/"),
            labels={"a.b": 'c "d"'}, slices=[["*.py"]], store={"n": said["store"].get("n", 0) + 1})

Pack.main()
"""


def _run_image(folder: Path) -> None:
    """The smallest run image there can be, as an OCI layout."""
    import hashlib

    def blob(value: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    kind = "application/vnd.oci.image"
    layer = bytes(1024)  # an empty tar archive
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    (folder / "blobs" / digest.replace(":", "/")).write_bytes(layer)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **blob(config)},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar", "digest": digest, "size": len(layer)}],
    }
    entry = {"mediaType": f"{kind}.manifest.v1+json", **blob(manifest)}
    index = {"schemaVersion": 2, "mediaType": f"{kind}.index.v1+json", "manifests": [entry]}
    (folder / "index.json").write_text(json.dumps(index))


class RealBuilds:
    """Builds with the real lifecycle's `creator`, without a container or a registry."""

    def __init__(self, root: Path, lifecycle: Path) -> None:
        self.root = root
        self.lifecycle = lifecycle
        for name in ("app", "cache", "layers", "platform/env", "bp/acme_x/1.0.0/bin"):
            (root / name).mkdir(parents=True)
        _run_image(root / "images" / "index.docker.io" / "library" / "run" / "latest")
        folder = root / "bp" / "acme_x" / "1.0.0"
        (folder / "buildpack.toml").write_text(
            'api = "0.12"\n[buildpack]\nid = "acme/x"\nversion = "1.0.0"\nname = "Acme"\n'
            'sbom-formats = ["application/vnd.cyclonedx+json"]\n'
            '[[targets]]\nos = "linux"\n'
        )
        (folder / "pack.py").write_text(BUILDPACK)
        for phase in ("detect", "build"):
            program = folder / "bin" / phase
            program.write_text(
                f'#!/bin/sh\nexec {sys.executable} -B "$CNB_BUILDPACK_DIR/pack.py" {phase}\n'
            )
            program.chmod(0o755)
        (root / "order.toml").write_text(
            '[[order]]\n[[order.group]]\nid = "acme/x"\nversion = "1.0.0"\n'
        )
        (root / "platform" / "env" / "BP_OUT").write_text(str(root / "said.json"))

    def run(self, python: str) -> dict[str, Any]:
        (self.root / "app" / "python").write_text(python)
        subprocess.run(["rm", "-rf", str(self.root / "layers")], check=True)
        (self.root / "layers").mkdir()
        options = {
            "layout-dir": "images",
            "app": "app",
            "buildpacks": "bp",
            "order": "order.toml",
            "platform": "platform",
            "layers": "layers",
            "cache-dir": "cache",
        }
        done = subprocess.run(
            [
                str(self.lifecycle / "creator"),
                "-layout",
                *(f"-{name}={self.root / value}" for name, value in options.items()),
                f"-launcher={self.lifecycle / 'launcher'}",
                "-run-image=run",
                f"-uid={os.geteuid()}",
                f"-gid={os.getegid()}",
                "app",
            ],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.root),
                "CNB_PLATFORM_API": "0.15",
                "CNB_EXPERIMENTAL_MODE": "warn",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        result: dict[str, Any] = json.loads((self.root / "said.json").read_text())
        return result


LOSSES = {
    "nothing": {"image": True, "cache": True},
    "the image": {"image": False, "cache": True},
    "the cache": {"image": True, "cache": False},
    "both": {"image": False, "cache": False},
}


def test_the_real_lifecycle_restores_what_the_kit_restores(tmp_path: Path, lifecycle: Path) -> None:
    real = RealBuilds(tmp_path / "real", lifecycle)
    first = real.run("3.11")
    assert {state for state, _ in first["layers"].values()} == {"rebuild"}
    assert (first["restored"], first["store"]) == ({}, {})
    shutil.copytree(real.root, tmp_path / "first", symlinks=True)
    seen = {}
    for lost, kept in LOSSES.items():
        for part, folder in (("images", "app"), ("cache", "")):
            shutil.rmtree(real.root / part)
            shutil.copytree(tmp_path / "first" / part, real.root / part)
            if not kept[part.rstrip("s")]:
                where = "cache" if part == "cache" else f"images/index.docker.io/library/{folder}"
                shutil.rmtree(real.root / where)
                (real.root / where).mkdir() if part == "cache" else None
        seen[lost] = real.run("3.11")["restored"]
        restore(tmp_path / "first/layers/acme_x", tmp_path / lost, **kept)
        assert _decoded(seen[lost]) == _decoded(_contents(tmp_path / lost)), lost
    assert {lost: sorted(name for name in seen[lost] if "." in name) for lost in seen} == {
        "nothing": [
            *("both.sbom.cdx.json", "both.toml", "buildlaunch.sbom.cdx.json"),
            *("cached.sbom.cdx.json", "cached.toml", "cached/env/A_cached.override"),
            *("image.sbom.cdx.json", "image.toml", "plain.sbom.cdx.json", "plain.toml"),
            "store.toml",
        ],
        "the image": [
            *("both.sbom.cdx.json", "both.toml", "cached.sbom.cdx.json", "cached.toml"),
            "cached/env/A_cached.override",
        ],
        "the cache": [
            *("both.sbom.cdx.json", "buildlaunch.sbom.cdx.json", "image.sbom.cdx.json"),
            *("image.toml", "plain.sbom.cdx.json", "plain.toml", "store.toml"),
        ],
        "both": [],
    }


def test_the_real_lifecycle_and_the_core_agree_on_states(tmp_path: Path, lifecycle: Path) -> None:
    real = RealBuilds(tmp_path, lifecycle)
    real.run("3.11")
    second = real.run("3.11")
    assert {name: state for name, (state, _) in second["layers"].items()} == {
        "image": "reuse",
        "plain": "reuse",
        "cached": "keep",
        "both": "keep",
        "forbuild": "rebuild",
        "buildlaunch": "rebuild",
        "temporary": "rebuild",
    }
    assert second["store"] == {"n": 1}
    assert second["names"] == ["both", "cached", "image", "plain"]

    third = real.run("3.12")
    why = ["Python version changed from 3.11 to 3.12"]
    assert third["layers"]["image"] == ["rebuild", why]
    assert third["layers"]["cached"] == ["rebuild", why]
    assert third["layers"]["plain"] == ["reuse", []]
    assert third["store"] == {"n": 2}

    manifest = _latest(tmp_path / "images/index.docker.io/library/app/latest")
    assert manifest["config"]["Labels"]["a.b"] == 'c "d"'
    assert manifest["config"]["Entrypoint"] == ["/cnb/process/web"]
    build = json.loads(manifest["config"]["Labels"]["io.buildpacks.build.metadata"])
    assert [each["command"] for each in build["processes"]] == [["/bin/echo", "a b"]]


def test_a_restored_cache_has_new_times_old_modes_and_its_links(tmp_path: Path) -> None:
    before = tmp_path / "before"
    (before / "c" / "bin").mkdir(parents=True)
    (before / "c.toml").write_text("[types]\ncache = true\n")
    program = before / "c" / "bin" / "program"
    program.write_text("text")
    program.chmod(0o751)
    os.utime(program, (1, 1))
    (before / "c" / "link").symlink_to("bin/program")
    (before / "c" / "dangling").symlink_to("nowhere")
    (before / "c" / "twin").hardlink_to(program)
    restore(before, tmp_path / "after")
    copy = tmp_path / "after" / "c"
    assert (copy / "link").readlink() == Path("bin/program")
    assert (copy / "dangling").readlink() == Path("nowhere")
    assert (copy / "bin/program").stat().st_mode & 0o777 == 0o751
    assert (copy / "bin/program").stat().st_mtime > 1
    assert (copy / "twin").stat().st_nlink == 1
    assert (tmp_path / "after" / "c.toml").read_text() == ""


def test_what_is_no_layer_is_not_restored(tmp_path: Path) -> None:
    before = tmp_path / "before"
    (before / "stray").mkdir(parents=True)
    for name in ("launch.toml", "build.toml", ".report", "launch.sbom.cdx.json"):
        (before / name).touch()
    restore(before, tmp_path / "after")
    assert list((tmp_path / "after").iterdir()) == []


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _decoded(files: dict[str, str]) -> dict[str, Any]:
    return {
        name: tomllib.loads(text) if name.endswith(".toml") else text
        for name, text in files.items()
    }


def _latest(layout: Path) -> dict[str, Any]:
    def blob(descriptor: dict[str, str]) -> dict[str, Any]:
        path = layout / "blobs" / descriptor["digest"].replace(":", "/")
        result: dict[str, Any] = json.loads(path.read_text())
        return result

    index = json.loads((layout / "index.json").read_text())
    return blob(blob(index["manifests"][0])["config"])
