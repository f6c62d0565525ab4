"""The image extensions of a builder.toml, laid out as the lifecycle wants them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit_engine.builder.expected import refuse_another
from cnbkit_engine.buildpack.bytecode import compile_bytecode
from cnbkit_engine.buildpack.locator import lay_out
from cnbkit_engine.buildpack.module import Module, order_label
from cnbkit_engine.buildpack.order import with_versions
from cnbkit_engine.buildpack.source import BuildpackSource

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.buildpack.assemble import Runtime
    from cnbkit_engine.spec.builder import BuilderDescriptor
    from cnbkit_engine.state.home import Home

__all__ = ["EXTENSIONS", "assemble_extensions"]

EXTENSIONS = "extensions"
"""The folder they are in, below the builder's."""


def assemble_extensions(
    home: Home,
    builder: BuilderDescriptor,
    descriptor: Path,
    folder: Path,
    runtime: Runtime,
    root: Path,
) -> list[dict[str, Any]]:
    """Assemble the extensions of a builder; returns their order, as order.toml has it.

    Args:
        home: for what assembling needs.
        builder: the builder.
        descriptor: its builder.toml.
        folder: they go to a folder below this one.
        runtime: the Python in the build root.
        root: the build root; its Python compiles the bytecode.

    Raises:
        BuildpackFault: an entry is not a folder of an extension, or not what it says, or the order
            names what is not there.
    """
    versions: dict[str, str] = {}
    ours = []
    for each in builder.extensions:
        directory = (descriptor.parent / each.uri).resolve()
        if not each.uri or not (directory / "extension.toml").is_file():
            raise BuildpackFault(
                f"{each.uri or each.image} is not a folder of an image extension",
                where=str(descriptor),
                remedy="name a folder with an extension.toml in uri",
            )
        module = Module(directory)
        refuse_another(each, module.id, module.version, descriptor)
        place = f"{module.id.replace('/', '_')}/{module.version}"
        target = folder / EXTENSIONS / place
        if "cnbkit" in (module.table.get("metadata") or {}):
            lay_out(BuildpackSource(directory), target, runtime)
            ours.append(place)
        else:
            shutil.copytree(directory, target, symlinks=True)
        versions[module.id] = module.version
    if ours:
        compile_bytecode(home, root, folder / EXTENSIONS, ours)
    order = with_versions(
        builder.order_extensions, versions.items(), descriptor, what="order-extensions group"
    )
    return order_label([each.to_plain() for each in order])
