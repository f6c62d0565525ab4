"""What an image is made of: layers and where they come from, processes, labels.

The lifecycle records this in the labels `io.buildpacks.lifecycle.metadata` and
`io.buildpacks.build.metadata` (platform spec, "Labels"). Images without them can be read too;
their layers just have no known origin.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.recorded import label, origins
from cnbkit_engine.oci.types import Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_engine.oci.store import ImageStore


__all__ = ["BuildpackUsed", "Image", "ImageProcess", "Layer", "machine_platform"]


@dataclass(frozen=True)
class Layer:
    """One layer of an image.

    Args:
        digest: of the blob, as stored (usually compressed).
        diff_id: digest of the uncompressed tar.
        size: bytes of the blob.
        media_type: OCI's or Docker's.
        kind: base, app, buildpack, launcher, config, process-types, sbom or other.
        what: for people: `kind`, or `buildpack-id:layer` for a buildpack's.
    """

    digest: str
    diff_id: str
    size: int
    media_type: str
    kind: str
    what: str

    @property
    def descriptor(self) -> Descriptor:
        """The blob, as the manifest has it."""
        return Descriptor(self.media_type, self.digest, self.size)


@dataclass(frozen=True)
class ImageProcess:
    """A process type the image can start.

    Args:
        type: its name; `/cnb/process/<type>` starts it.
        command: what always runs.
        args: default arguments; the user's replace them.
        default: whether the image starts it when none is named.
        working_dir: where it starts; empty for the app's folder.
        buildpack: id of the buildpack that defined it.
    """

    type: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    default: bool
    working_dir: str
    buildpack: str


@dataclass(frozen=True)
class BuildpackUsed:
    """A buildpack that took part in the build."""

    id: str
    version: str


@dataclass(frozen=True)
class Image:
    """One platform's image.

    Args:
        name: the name it was found by.
        digest: of its manifest.
        config_digest: of its config; Docker's image id.
        manifest: the manifest document.
        config: the config document.
        layers: bottom first.
    """

    name: str
    digest: str
    config_digest: str
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]

    @classmethod
    def from_store(cls, store: ImageStore, name: str, platform: str | None = None) -> Image:
        """Read an image.

        Args:
            store: where it is.
            name: its name; see `ImageStore.resolve`.
            platform: `os/architecture[/variant]` to take from a multi-platform image; None for
                this machine's, which is not asked of a single-platform image.

        Raises:
            UnknownImage: there is none of that name.
            UserFault: it has no such platform.
            PlatformFault: the store is damaged or the image is not an image.
        """
        found = store.resolve(name)
        try:
            while found.media_type in types.INDEX_TYPES:
                index = json.loads(store.read_blob(found.digest))
                found = _choose(index, name, platform or machine_platform())
            manifest = json.loads(store.read_blob(found.digest))
            descriptors = [Descriptor.parse(item) for item in manifest["layers"]]
            config_digest = types.check_digest(manifest["config"]["digest"])
            config = json.loads(store.read_blob(config_digest))
            diff_ids = [types.check_digest(item) for item in config["rootfs"]["diff_ids"]]
            recorded = origins(label(config, "io.buildpacks.lifecycle.metadata"), diff_ids)
            layers = tuple(
                Layer(blob.digest, diff_id, blob.size, blob.media_type, *origin)
                for blob, diff_id, origin in zip(descriptors, diff_ids, recorded, strict=True)
            )
            image = cls(name, found.digest, config_digest, manifest, config, layers)
            image._check()
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise PlatformFault(
                f"{name!r} is not a container image this tool can read",
                where=found.digest,
                remedy="build or pull it again",
                detail=repr(error)[:500],
            ) from error
        return image

    def _check(self) -> None:
        """See that all the properties below can be had.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: one cannot.
        """
        for key, kind in (("Env", list), ("Entrypoint", list), ("Cmd", list), ("Labels", dict)):
            # A text is a sequence of texts, too: of its letters.
            if not isinstance(self._run(key), kind | None):
                raise TypeError(f"{key} is {self._run(key)!r}")
        texts = [
            *self.labels.items(),
            *self.env.items(),
            (*self.entrypoint, *self.cmd, self.user, self.working_dir, self.base or ""),
            *((x.type, *x.command, *x.args, x.working_dir, x.buildpack) for x in self.processes),
            (self.platform, *((x.what) for x in self.layers)),
        ]
        _ = self.buildpacks
        for text in (text for row in texts for text in row):
            if not isinstance(text, str) or "\0" in text:
                raise TypeError(f"{text!r} is not a text")

    @property
    def size(self) -> int:
        """Bytes of all layers as stored, each blob counted once."""
        return sum({layer.digest: layer.size for layer in self.layers}.values())

    @property
    def platform(self) -> str:
        """`os/architecture[/variant]`."""
        parts = [self.config.get(key) for key in ("os", "architecture", "variant")]
        return "/".join(str(part) for part in parts if part)

    @property
    def labels(self) -> dict[str, str]:
        """All labels."""
        return dict(self._run("Labels") or {})

    @property
    def env(self) -> dict[str, str]:
        """The environment processes start with, before the launcher adds the layers'."""
        given = (item.partition("=")[::2] for item in self._run("Env") or ())
        return {name: value for name, value in given if name}  # no process can have another

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """ENTRYPOINT."""
        return tuple(self._run("Entrypoint") or ())

    @property
    def cmd(self) -> tuple[str, ...]:
        """CMD: default arguments of the entrypoint, or the command where there is none."""
        return tuple(self._run("Cmd") or ())

    @property
    def user(self) -> str:
        """`uid[:gid]`, names or numbers; empty for root."""
        return self._run("User") or ""

    @property
    def working_dir(self) -> str:
        """Where processes start."""
        return self._run("WorkingDir") or "/"

    @property
    def base(self) -> str | None:
        """The run image it was built on, as the lifecycle recorded it."""
        run_image = label(self.config, "io.buildpacks.lifecycle.metadata").get("runImage") or {}
        return run_image.get("image") or run_image.get("reference") or None

    @property
    def processes(self) -> tuple[ImageProcess, ...]:
        """Process types buildpacks defined; the default one is marked."""
        found = label(self.config, "io.buildpacks.build.metadata").get("processes") or ()
        return tuple(self._process(item) for item in found)

    @property
    def buildpacks(self) -> tuple[BuildpackUsed, ...]:
        """Buildpacks that took part, in order."""
        found = label(self.config, "io.buildpacks.build.metadata").get("buildpacks") or ()
        return tuple(BuildpackUsed(str(b.get("id")), str(b.get("version"))) for b in found)

    def _run(self, key: str) -> Any:
        return (self.config.get("config") or {}).get(key)

    def _process(self, item: Mapping[str, Any]) -> ImageProcess:
        command = item.get("command") or ()
        kind = str(item.get("type"))
        return ImageProcess(
            type=kind,
            # Below Platform API 0.10 the command is one string.
            command=(command,) if isinstance(command, str) else tuple(command),
            args=tuple(item.get("args") or ()),
            # The user's --default-process is only in the entrypoint, so that is what counts.
            default=self.entrypoint == (f"/cnb/process/{kind}",),
            working_dir=item.get("working-dir") or "",
            buildpack=item.get("buildpackID") or "",
        )


def machine_platform() -> str:
    """This machine's `os/architecture`, in the words images use."""
    machine = os.uname().machine
    return "linux/" + {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _choose(index: Mapping[str, Any], name: str, wanted: str) -> Descriptor:
    offered: list[str] = []
    for item in index.get("manifests") or ():
        found = item.get("platform") or {}
        parts = [str(found.get(key, "")) for key in ("os", "architecture", "variant")]
        spelled = "/".join(part for part in parts if part)
        # linux/arm64 takes linux/arm64/v8.
        if spelled == wanted or spelled.startswith(f"{wanted}/"):
            return Descriptor.parse(item)
        # An entry without one is no image: BuildKit's attestations are "unknown/unknown".
        if spelled not in ("", "unknown/unknown", *offered):
            offered.append(spelled)
    raise UserFault(
        f"{name!r} has no image for {wanted}",
        where="--platform",
        remedy="choose one of: " + ", ".join(offered) if offered else "build it for this platform",
    )
