"""Fill the layers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from cnbkit import BuildContext, Layer, LayerKey, OpenLayer, key, note
from cnbkit_pip.bytecode import compile_bytecode
from cnbkit_pip.engine import Engine
from cnbkit_pip.folders import install_folders
from cnbkit_pip.interpreter import Interpreter
from cnbkit_pip.partition import Group

__all__ = ["install"]

# uv itself downloads and compiles in parallel; a few at a time keep network and cores busy.
_AT_ONCE = 3


class Wheels(LayerKey):
    """What a layer of packages depends on."""

    packages: list[str] = key("packages")
    python: str = key("Python")
    target: str = key("target")
    size: int = note(default=0)


def install(
    ctx: BuildContext, engine: Engine, groups: list[Group], python: Interpreter
) -> list[str]:
    """Install each group into its layer, or re-use the layer.

    Args:
        ctx: the build.
        engine: installs.
        groups: what goes into which layer.
        python: the interpreter the packages are for.

    Returns:
        The site-packages directory of each layer.

    Raises:
        UserFault: a package cannot be built.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    with ExitStack() as stack:
        layers = []
        for group in groups:
            wanted = Wheels(
                packages=group.identities(),
                python=str(python),
                target=str(ctx.target),
                size=group.size,
            )
            layers.append(stack.enter_context(ctx.layer(Layer.in_image(group.name), wanted)))
        todo = [(g, layer) for g, layer in zip(groups, layers, strict=True) if layer.rebuild]
        reused = len(groups) - len(todo)
        if reused:
            ctx.log.info(f"{reused} layers as in the previous image")
        if todo:
            _fill(ctx, engine, todo)
            folders = [f"{layer.directory}/py" for _, layer in todo]
            compile_bytecode(ctx, python, [each for each in folders if os.path.isdir(each)])
        return [f"{layer.directory}/{_site_packages(python)}" for layer in layers]


def _fill(ctx: BuildContext, engine: Engine, todo: list[tuple[Group, OpenLayer]]) -> None:
    count = sum(len(group.packages) for group, _ in todo)
    size = sum(group.size for group, _ in todo)
    for group, layer in todo:
        weight = f" ({_megabytes(group.size)})" if group.size else ""
        ctx.log.info(f"{layer.layer.name}: {group}{weight}: {'; '.join(layer.why)}")
    with (
        ctx.log.timed(f"Installing {count} packages, {_megabytes(size)}"),
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        # All are awaited before the first error is raised: nothing may still be writing then.
        done = [pool.submit(_fill_one, ctx, engine, group, layer) for group, layer in todo]
        errors = [future.exception() for future in done]
    for error in errors:
        if error is not None:
            raise error


def _fill_one(ctx: BuildContext, engine: Engine, group: Group, layer: OpenLayer) -> None:
    folders = [package for package in group.packages if package.directory]
    others = [package for package in group.packages if not package.directory]
    if others:
        engine.install(others, layer.directory)
    if folders:
        install_folders(ctx, engine, folders, layer.directory)
    # Under the name `lib` every layer would land on LD_LIBRARY_PATH.
    if os.path.exists(f"{layer.directory}/lib"):
        os.rename(f"{layer.directory}/lib", f"{layer.directory}/py")


def _site_packages(python: Interpreter) -> str:
    return f"py/python{python.minor}/site-packages"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
