"""builder.toml → builder image, without a container engine (pack's format; platform.md, "Builder").

The image is the build image with the lifecycle, the buildpacks and their order on top:

    /cnb/lifecycle/            the lifecycle; /lifecycle points to it
    /cnb/buildpacks/<id>/<v>/  one layer for all written on cnbkit, one for each other;
                               /cnb/extensions likewise
    /cnb/order.toml, system.toml, run.toml, stack.toml, build-config/env/
    /workspace, /layers, /platform/env
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault
from cnbkit.spec.toml import decode
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite, suite_of_config
from cnbkit_engine.builder.build_image import build_image, owner_of_builds
from cnbkit_engine.builder.checks import check_modules, check_python
from cnbkit_engine.builder.extensions import EXTENSIONS
from cnbkit_engine.builder.folder import SYSTEM, ensure_builder
from cnbkit_engine.builder.image_contents import documents, folders, programs
from cnbkit_engine.builder.image_lifecycle import image_lifecycle
from cnbkit_engine.builder.public_run_images import check_run_images, public_run_images
from cnbkit_engine.builder.targets import architectures_of_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.buildpack.image import BUILDPACK_LAYERS, EXTENSION_LAYERS
from cnbkit_engine.buildpack.module import OCI, Module, order_label
from cnbkit_engine.buildpack.order import with_versions
from cnbkit_engine.lifecycle.archive import described
from cnbkit_engine.oci.archive import write_archive
from cnbkit_engine.oci.layer import Entry, linked_entries
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["BuilderImage"]

_SDK = "lib/cnbkit"  # in the folder of a buildpack that is written on it
_METADATA = "io.buildpacks.builder.metadata"
_ORDER = "io.buildpacks.buildpack.order"
_ORDER_EXTENSIONS = "io.buildpacks.buildpack.order-extensions"
_SYSTEM = "io.buildpacks.buildpack.system"
_MIXINS = "io.buildpacks.stack.mixins"


@dataclass(frozen=True)
class BuilderImage:
    """A builder image to make.

    Args:
        path: of builder.toml.
        build_image: the build image, instead of the one in builder.toml.
        run_image: the run image, instead of those in builder.toml.
        base: the suite of cnbkit's own build image, where no other one is named; the builder's if
            empty.
        targets: architectures; those that builder.toml names if empty, or else this machine's.
        insecure: registries to speak plain HTTP to.
        show: told, a sentence each, when something long begins and ends.
    """

    path: Path
    build_image: str = ""
    run_image: str = ""
    base: str = ""
    targets: Sequence[str] = ()
    insecure: Sequence[str] = ()
    show: Callable[[str], None] = field(default=print)

    def save(self, home: Home, kind: str, target: Path) -> None:
        """Write it as an OCI layout.

        Args:
            home: base images, lifecycle and assembled buildpacks are kept there.
            kind: `oci` for a folder, `oci-archive` for one file.
            target: where to.

        Raises:
            InvalidDocument, BuildpackFault: builder.toml or a buildpack is wrong.
            UserFault: no run image is named, an image or archive is not there or not for this.
            PlatformFault: a registry or the network is out of reach, or the disk is full.
        """
        from cnbkit_engine.oci.export import export_layout

        with Workspace(home.tmp) as space:
            layout = Layout(space / "layout")
            layout.finish(self._write(home, layout, space), "builder:latest")
            try:
                if kind == "oci-archive":
                    write_archive(layout.path, target)
                else:
                    export_layout(ImageStore(layout.path), "builder:latest", target)
            except OSError as error:
                raise PlatformFault(
                    "the builder cannot be written",
                    where=str(target),
                    remedy="name a place that is writable and has space",
                    detail=str(error),
                ) from None

    def publish(self, home: Home, name: str) -> str:
        """Push it; returns `name@digest`.

        Raises:
            CnbkitError: as `save`; and the registry cannot be reached or refuses. The name then
                stands for what it stood for before.
        """
        from cnbkit_engine.oci.remote import Remote

        remote = Remote(name, insecure=self.insecure)
        with Workspace(home.tmp) as space:
            layout = Layout(space / "layout")
            image = self._write(home, layout, space)
            layout.finish(image)
            digest = remote.push(layout.path, Descriptor.parse(image))
        return f"{remote.repository}@{digest}"

    def _write(self, home: Home, layout: Layout, space: Path) -> dict[str, Any]:
        builder = self._read()
        runs = public_run_images(builder, self.run_image, self.path)
        targets = list(dict.fromkeys(self.targets)) or architectures_of_builder(builder, self.path)
        targets = targets or [machine_architecture()]
        check_run_images(runs, targets, self.insecure, self.show)
        made = [
            self._write_one(home, layout, space / arch, builder, runs, arch) for arch in targets
        ]
        return made[0] if len(made) == 1 else layout.index(made)

    def _read(self) -> BuilderDescriptor:
        try:
            text = self.path.read_bytes()
        except OSError as error:
            raise PlatformFault(
                f"cannot read the builder: {error.strerror}",
                where=str(self.path),
                remedy="name a builder.toml",
            ) from None
        return BuilderDescriptor.loads(text, name=self.path.name, where=str(self.path))

    def _write_one(
        self,
        home: Home,
        layout: Layout,
        space: Path,
        builder: BuilderDescriptor,
        runs: list[dict[str, Any]],
        arch: str,
    ) -> dict[str, Any]:
        base = build_image(
            home,
            builder,
            self.path,
            layout,
            space,
            arch,
            chosen=self.build_image,
            base=self.base,
            insecure=self.insecure,
            show=self.show,
        )
        config, python = base.config, base.python
        owner = owner_of_builds(config, self.path)
        lifecycle, table = image_lifecycle(home, builder, self.path, space, arch, self.show)
        told = suite_of_config(config) or DEFAULT
        suite = next((each for each in SUITES.values() if each.python == python), told)
        folder, extensions = self._modules(home, builder, arch, suite)
        there = [(module.id, module.version) for module in extensions]
        before = with_versions(
            builder.order_extensions, there, self.path, what="order-extensions group"
        )
        modules = [Module(path) for path in sorted((folder / "buildpacks").glob("*/*"))]
        check_modules(modules, extensions, arch, table, self.path)
        check_python(folder / "buildpacks", python, "the build image", self.path)

        together = [module for module in modules if (module.folder / _SDK).is_dir()]
        together = together if len(together) > 1 else []
        apart = [module for module in (*modules, *extensions) if module not in together]
        contents: list[tuple[Iterable[Entry], str]] = [
            (folders(owner), "cnbkit: folders"),
            (programs(lifecycle), f"lifecycle {table['lifecycle']['version']}"),
            *((module.entries(), module.identity) for module in apart),
        ]
        if together:
            # What they import is the same for most, and in one layer there once.
            entries = (entry for module in together for entry in module.entries())
            contents.append((linked_entries(entries), "buildpacks written on cnbkit"))
        layers = layout.layers(contents)
        carried = [
            *zip(apart, layers[2:], strict=False),
            *((each, layers[-1]) for each in together),
        ]
        labels: dict[str, Any] = {BUILDPACK_LAYERS: {}, EXTENSION_LAYERS: {}}
        for module, layer in carried:
            label = EXTENSION_LAYERS if module.is_extension else BUILDPACK_LAYERS
            known = labels[label].setdefault(module.id, {})
            known[module.version] = module.layer_info(layer.diff_id)
        layers += [
            layout.layer([Entry(f"/cnb/{name}", text.encode(), mode=0o644)], f"cnbkit: {name}")
            for name, text in documents(builder, folder, runs).items()
        ]
        stack = {"image": runs[0]["image"], "mirrors": runs[0]["mirrors"]}
        labels[_METADATA] = {
            "description": builder.description,
            "buildpacks": [module.info() for module in modules],
            "extensions": [module.info() for module in extensions],
            "stack": {"runImage": stack},
            "lifecycle": described(table),
            "createdBy": {"name": "cnbkit", "version": _version()},
            "images": runs,
        }
        order = decode((folder / "order.toml").read_bytes(), name="order.toml")["order"]
        labels[_ORDER] = order_label(order)
        labels[_ORDER_EXTENSIONS] = order_label([each.to_plain() for each in before])
        if (folder / SYSTEM).exists():
            labels[_SYSTEM] = decode((folder / SYSTEM).read_bytes(), name=SYSTEM)["system"]
        settings = dict(config.get("config") or {})
        own = settings.get("Labels") or {}
        labels.setdefault(_MIXINS, json.loads(own.get(_MIXINS) or "null"))
        about = self._annotations(builder)
        # What the build image says of itself is not said of the builder.
        own = {key: value for key, value in own.items() if not key.startswith(OCI)}
        texts = {key: _json(value) for key, value in labels.items()}
        settings["Labels"] = {**own, **texts, **about}
        settings["WorkingDir"] = "/layers"
        return layout.image({**config, "config": settings}, layers, base.layers, about)

    def _annotations(self, builder: BuilderDescriptor) -> dict[str, str]:
        """What it is, as image-spec's annotations have it."""
        base = self.build_image or (builder.build and builder.build.image) or ""
        said = {
            "description": builder.description,
            "base.name": base,
        }
        return {f"{OCI}{key}": value for key, value in said.items() if value}

    def _modules(
        self, home: Home, builder: BuilderDescriptor, arch: str, suite: Suite
    ) -> tuple[Path, list[Module]]:
        """The folder with the buildpacks, and the extensions."""
        runtime = Runtime(version=suite.python, arch=arch)
        bases = BaseImages(home, ImageStore(home.images), suite=suite, progress=self.show)
        root = bases.ensure_build_root()
        folder = ensure_builder(home, self.path, runtime, root, self.show)
        extensions = []
        for each in builder.extensions:
            module = Module((self.path.parent / each.uri).resolve())
            place = f"{module.id.replace('/', '_')}/{module.version}"
            extensions.append(Module(folder / EXTENSIONS / place))
        return folder, extensions


def _version() -> str:
    from importlib.metadata import version

    return version("cnbkit")


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
