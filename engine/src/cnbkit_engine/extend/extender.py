"""Extends the build and the run image as the lifecycle's extender does, and keeps the results.

What comes out is what that leaves: for the build image a root file system, for the run image an
OCI layout that holds the added layers alone, which the lifecycle's exporter puts on the run image.
A result is kept under a digest of all that it was made of. An extension whose Dockerfile uses
`build_id` wants to be applied anew each time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit_engine.extend.apply import PATH, Applied
from cnbkit_engine.extend.package_manager import lent_package_manager
from cnbkit_engine.extend.workshop import Workshop
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.types import OCI_MANIFEST
from cnbkit_engine.oci.unpack import open_plain
from cnbkit_engine.state.disk import mark_used
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.state.workspace import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.extend.request import Request
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.state.locks import Held

__all__ = ["Extender"]

_LAYOUT = 2  # of what is kept; raised when that changes
_REBASABLE = "io.buildpacks.rebasable"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_UNIQUE = re.compile(r"\bbuild_id\b")
_USER = "1000:1000"


@dataclass(frozen=True)
class Extender:
    """Carries out what extensions ask for.

    Args:
        home: results are kept below `home.base`.
        store: has the run image.
        root: the build image as a folder.
        network: of the commands; see `network_for`.
        variables: proxies, which commands have in their environment and images do not get.
        show: prints a line.
        say: told what commands print.
        held: gets to know what is used.
        fresh: use nothing that was kept.
    """

    home: Home
    store: ImageStore
    root: Path
    network: str
    variables: Mapping[str, str]
    show: Callable[[str], None]
    say: Callable[[str], None]
    held: Held
    fresh: bool = False

    def build(self, requests: Sequence[Request]) -> tuple[Path, dict[str, str]]:
        """The build image, extended: its root, and the environment that it adds.

        Raises:
            BuildpackFault: an extension's Dockerfile is wrong, or a command of it fails.
            PlatformFault: this machine has no user ids to give, or the disk is full.
        """

        def make(folder: Path) -> None:
            self._announce("build", requests)
            tree = folder / "root"
            tree.mkdir(parents=True)
            config: dict[str, Any] = {"User": _USER, "Env": [f"PATH={PATH}"]}
            with self._workshop(tree) as workshop, _archive(self.root) as files:
                workshop.add(files)
                self._apply(config, workshop, requests)
                workshop.one_owner()
            (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

        made = self._kept("build", self.root.name, requests, make)
        config = json.loads((made / "config.json").read_text(encoding="utf-8"))
        env = dict(item.partition("=")[::2] for item in config["Env"])
        return made / "root", env

    def run(self, requests: Sequence[Request], run_image: str) -> Path:
        """The run image, extended: the folder to be the exporter's `-extended`.

        Raises:
            BuildpackFault: an extension's Dockerfile is wrong, a command of it fails, or it
                leaves root as the image's user.
            PlatformFault: this machine has no user ids to give, or the disk is full.
        """
        image = Image.from_store(self.store, run_image)

        def make(folder: Path) -> None:
            self._announce("run", requests)
            folder.mkdir()
            tree = folder / "tree"
            tree.mkdir()
            config = json.loads(json.dumps(image.config))
            with self._workshop(tree) as workshop:
                for layer in image.layers:
                    with self.store.open_for_reading(layer.descriptor) as blob:
                        workshop.add(open_plain(blob))
                layers = []
                rebasable = True
                for request in requests:
                    workshop.note()
                    with lent_package_manager(workshop, self.root, tree):
                        self._apply(config.setdefault("config", {}), workshop, [request])
                    layers.append(_write_layer(workshop, folder))
                    labels = config["config"].get("Labels") or {}
                    rebasable = rebasable and labels.get(_REBASABLE) == "true"
                    config["config"]["Labels"] = {**labels, _REBASABLE: str(rebasable).lower()}
                workshop.empty()
            user = (config["config"].get("User") or "0").partition(":")[0]
            if user in ("0", "root"):
                raise BuildpackFault(
                    "the image extensions leave root as the user of the run image",
                    where=requests[-1].where,
                    remedy="end with `ARG user_id` and `USER ${user_id}`",
                )
            remove_tree(tree)
            _write_image(folder, image, config, layers, requests)

        return self._kept("run", image.digest, requests, make)

    def _kept(
        self, kind: str, base: str, requests: Sequence[Request], make: Callable[[Path], None]
    ) -> Path:
        total = hashlib.sha256(f"{_LAYOUT} {kind} {base}".encode())
        for request in requests:
            total.update(request.digest().encode())
            if _UNIQUE.search(request.dockerfile):
                total.update(uuid.uuid4().bytes)
        name = f"extended-{kind}-{total.hexdigest()[:24]}"
        # What is made anew lies beside what another build may be standing on; `prune` takes that.
        newest = self.home.base / f".{name}.newest"
        self.home.base.mkdir(parents=True, exist_ok=True)
        if self.fresh:
            name = f"{name}-{uuid.uuid4().hex[:8]}"
        elif newest.is_file():
            name = newest.read_text()
        place = self.home.base / name
        while not self.held.take(made := made_once(place, make)):
            pass  # pruned in between
        if self.fresh:
            scratch = newest.with_name(f"{newest.name}-{uuid.uuid4().hex}")
            scratch.write_text(name)
            scratch.replace(newest)
        mark_used(made)
        self.say(f"The extended {kind} image is kept in {made}")
        return made

    def _apply(
        self, config: dict[str, Any], workshop: Workshop, requests: Sequence[Request]
    ) -> None:
        applied = Applied(config, workshop, self.say, self.variables)
        for request in requests:
            user, _, group = str(config.get("User") or "").partition(":")
            platform = {"build_id": str(uuid.uuid4()), "user_id": user, "group_id": group}
            applied.apply(request, {**platform, **request.args})

    def _announce(self, kind: str, requests: Sequence[Request]) -> None:
        names = ", ".join(each.extension for each in requests)
        self.show(f"Extending the {kind} image: {names} ...")

    def _workshop(self, tree: Path) -> Workshop:
        return Workshop(self.home.tmp, self.root, tree, self.network)


class _archive:  # noqa: N801 - used like a function
    """A folder as a tar that belongs to root, for a `with` block."""

    def __init__(self, folder: Path) -> None:
        tar = shutil.which("tar") or "/bin/tar"
        self._process = subprocess.Popen(
            [tar, "--owner=0", "--group=0", "--numeric-owner", "--create", "--file=-", "."],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> IO[bytes]:
        assert self._process.stdout
        return self._process.stdout

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout
        self._process.stdout.close()
        self._process.wait()


class _Hashed:
    """Writes, and hashes what passes."""

    def __init__(self, target: gzip.GzipFile, total: hashlib._Hash) -> None:
        self._target = target
        self._total = total

    def write(self, data: bytes) -> int:
        self._total.update(data)
        return self._target.write(data)


def _write_layer(workshop: Workshop, folder: Path) -> dict[str, Any]:
    """A layer of what has changed; its descriptor, with its diffID."""
    place = folder / f"layer-{uuid.uuid4().hex}"
    plain = hashlib.sha256()
    with (
        place.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=1) as out,
    ):
        workshop.changes(_Hashed(out, plain))
    with place.open("rb") as written:
        digest = f"sha256:{hashlib.file_digest(written, 'sha256').hexdigest()}"
    return {
        "file": place,
        "diff_id": f"sha256:{plain.hexdigest()}",
        "descriptor": {"mediaType": _LAYER, "digest": digest, "size": place.stat().st_size},
    }


def _write_image(
    folder: Path,
    base: Image,
    config: dict[str, Any],
    layers: list[dict[str, Any]],
    requests: Sequence[Request],
) -> None:
    """An OCI layout of the extended image without the layers of its base."""
    config["rootfs"]["diff_ids"] = [
        *config["rootfs"]["diff_ids"],
        *(each["diff_id"] for each in layers),
    ]
    history = [each for each in config.get("history") or () if not each.get("empty_layer")]
    missing = len(base.layers) - len(history)
    config["history"] = [
        *history,
        *([{}] * missing),
        *(
            {"created_by": f"Layer: 'Dockerfile', Created by extension: {each.extension}"}
            for each in requests
        ),
    ]
    data = json.dumps(config).encode()
    config_digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config_digest,
                "size": len(data),
            },
            "layers": [*base.manifest["layers"], *(each["descriptor"] for each in layers)],
        }
    ).encode()
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    place = folder / "run" / digest
    blobs = place / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / config_digest.removeprefix("sha256:")).write_bytes(data)
    (blobs / digest.removeprefix("sha256:")).write_bytes(manifest)
    for each in layers:
        each["file"].rename(blobs / each["descriptor"]["digest"].removeprefix("sha256:"))
    (place / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="ascii")
    index = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": OCI_MANIFEST, "digest": digest, "size": len(manifest)}],
    }
    (place / "index.json").write_text(json.dumps(index), encoding="ascii")
