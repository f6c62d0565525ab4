"""The real lifecycle's phases, run over buildpacks made of shell scripts, without a container."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


@pytest.fixture(scope="session")
def lifecycle() -> Iterator[Path]:
    """The lifecycle's programs where any user can run them: two of them refuse to be root."""
    made = ensure_lifecycle(Home.default(), arch=ARCH, progress=print)
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        for name in ("lifecycle", "launcher"):
            shutil.copyfile(made / name, f"{scratch}/{name}")
            Path(scratch, name).chmod(0o755)
        for name in ("creator", "detector", "builder"):
            Path(scratch, name).symlink_to("lifecycle")
        yield Path(scratch)


class Lab:
    """One build's folders, and the phases over them."""

    def __init__(self, root: Path, lifecycle: Path) -> None:
        self.root = root
        self.lifecycle = lifecycle
        self.env: dict[str, str] = {}
        for name in (
            "app",
            "buildpacks",
            "extensions",
            "layers",
            "platform/env",
            "layout",
            "gen",
            "cache",
        ):
            (root / name).mkdir(parents=True)
        self._ids: list[dict[str, Any]] = []
        self._extensions: list[str] = []
        self.analyzed = ""
        self.system = ""

    def buildpack(
        self,
        id: str,  # noqa: A002
        *,
        detect: str = "exit 0",
        build: str = "exit 0",
        info: str = "",
        rest: str = "",
        api: str = "0.12",
        entry: dict[str, Any] | None = None,
    ) -> Path:
        """Add a buildpack to the only group; `entry` goes to its place in the order."""
        folder = self.root / "buildpacks" / id / "1.0.0"
        (folder / "bin").mkdir(parents=True)
        (folder / "buildpack.toml").write_text(
            f'api = "{api}"\n[buildpack]\nid = "{id}"\nname = "{id}"\nversion = "1.0.0"\n'
            f"{info}\n{rest}\n"
        )
        self._script(folder / "bin" / "detect", detect)
        self._script(folder / "bin" / "build", build)
        self._ids.append({"id": id, "version": "1.0.0", **(entry or {})})
        return folder

    def extension(self, id: str, *, detect: str = "exit 0", generate: str = "exit 0") -> Path:  # noqa: A002
        """Add an extension that always joins."""
        folder = self.root / "extensions" / id / "1.0.0"
        (folder / "bin").mkdir(parents=True)
        (folder / "extension.toml").write_text(
            f'api = "0.12"\n[extension]\nid = "{id}"\nname = "{id}"\nversion = "1.0.0"\n'
        )
        self._script(folder / "bin" / "detect", detect)
        self._script(folder / "bin" / "generate", generate)
        self._extensions.append(id)
        return folder

    def _script(self, path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def _order(self) -> None:
        def group(table: str, entries: list[dict[str, Any]]) -> str:
            lines = [f"[[{table}]]"]
            for entry in entries:
                lines.append(f"[[{table}.group]]")
                lines += [f"{name} = {json.dumps(value)}" for name, value in entry.items()]
            return "\n".join(lines) + "\n"

        text = group("order", self._ids)
        if self._extensions:
            entries = [{"id": each, "version": "1.0.0"} for each in self._extensions]
            text += group("order-extensions", entries)
        (self.root / "order.toml").write_text(text)
        (self.root / "analyzed.toml").write_text(self.analyzed)
        (self.root / "system.toml").write_text(self.system)

    def run(self, phase: str, *options: str, user: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of the lifecycle; stdout and stderr come together."""
        as_user = user and os.geteuid() == 0
        if as_user:
            for path in [self.root, *self.root.rglob("*")]:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        # Another user, but one who may read this interpreter wherever it is.
        caps = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        who = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *caps]
        return subprocess.run(
            [*(who if as_user else []), str(self.lifecycle / phase), *options],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.root),
                "CNB_PLATFORM_API": "0.15",
                "CNB_EXPERIMENTAL_MODE": "quiet",
                **self.env,
            },
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def detect(self) -> subprocess.CompletedProcess[str]:
        """Run `detector`, which runs extensions' generate as well."""
        self._order()
        root = self.root
        return self.run(
            "detector",
            f"-app={root / 'app'}",
            f"-buildpacks={root / 'buildpacks'}",
            f"-extensions={root / 'extensions'}",
            f"-generated={root / 'gen'}",
            f"-layers={root / 'layers'}",
            f"-platform={root / 'platform'}",
            f"-order={root / 'order.toml'}",
            f"-analyzed={root / 'analyzed.toml'}",
            f"-system={root / 'system.toml'}",
            f"-group={root / 'group.toml'}",
            f"-plan={root / 'plan.toml'}",
            "-log-level=debug",
        )

    def group(self) -> list[str]:
        """Ids of the buildpacks that detection chose."""
        table = tomllib.loads((self.root / "group.toml").read_text())
        return [each["id"] for each in table["group"]]

    def create(self, *, labels: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `creator` into an OCI layout, on the smallest run image there can be."""
        self._order()
        root = self.root
        image = root / "layout" / "index.docker.io" / "library" / "run" / "latest"
        if not image.exists():
            _run_image(image, labels or {})
        shutil.rmtree(root / "layers")
        (root / "layers").mkdir()
        return self.run(
            "creator",
            "-layout",
            f"-layout-dir={root / 'layout'}",
            f"-app={root / 'app'}",
            f"-buildpacks={root / 'buildpacks'}",
            f"-layers={root / 'layers'}",
            f"-platform={root / 'platform'}",
            f"-order={root / 'order.toml'}",
            f"-system={root / 'system.toml'}",
            f"-launcher={self.lifecycle / 'launcher'}",
            f"-cache-dir={root / 'cache'}",
            f"-report={root / 'report.toml'}",
            "-run-image=run",
            f"-uid={os.geteuid()}",
            f"-gid={os.getegid()}",
            "app",
            user=False,
        )

    def image(self) -> dict[str, Any]:
        """The configuration of the image that `create` made."""
        return _config(self.root / "layout" / "index.docker.io" / "library" / "app" / "latest")


@pytest.fixture
def lab(lifecycle: Path) -> Iterator[Lab]:
    """Folders every user may enter."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        yield Lab(Path(scratch), lifecycle)


def _run_image(folder: Path, labels: dict[str, str]) -> None:
    kind = "application/vnd.oci.image"
    (folder / "blobs" / "sha256").mkdir(parents=True)

    def blob(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    layer = bytes(10240)
    config = {
        "architecture": ARCH,
        "os": "linux",
        "config": {"Labels": labels, "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
        },
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **blob(json.dumps(config).encode())},
        "layers": [
            {"mediaType": f"{kind}.layer.v1.tar+gzip", **blob(gzip.compress(layer, mtime=0))}
        ],
    }
    entry = {"mediaType": f"{kind}.manifest.v1+json", **blob(json.dumps(manifest).encode())}
    index = {"schemaVersion": 2, "mediaType": f"{kind}.index.v1+json", "manifests": [entry]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _config(layout: Path) -> dict[str, Any]:
    def blob(descriptor: dict[str, str]) -> dict[str, Any]:
        path = layout / "blobs" / descriptor["digest"].replace(":", "/")
        result: dict[str, Any] = json.loads(path.read_text())
        return result

    index = json.loads((layout / "index.json").read_text())
    return blob(blob(index["manifests"][0])["config"])
