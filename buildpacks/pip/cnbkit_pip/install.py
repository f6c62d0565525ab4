"""Fill the layers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from cnbkit import BuildContext, CommandFailed, Layer, LayerKey, OpenLayer, key, note
from cnbkit_pip.bytecode import compile_bytecode
from cnbkit_pip.diagnose import explained_install
from cnbkit_pip.interpreter import Interpreter
from cnbkit_pip.partition import Group
from cnbkit_pip.uv import run_uv

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
    ctx: BuildContext, groups: list[Group], python: Interpreter, environment: Interpreter
) -> list[str]:
    """Install each group into its layer, or re-use the layer.

    Args:
        ctx: the build.
        groups: what goes into which layer.
        python: the interpreter the packages are for.
        environment: the virtual environment's; console scripts name it.

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
            _fill(ctx, todo, environment)
            folders = [f"{layer.directory}/py" for _, layer in todo]
            compile_bytecode(ctx, environment, [each for each in folders if os.path.isdir(each)])
        return [f"{layer.directory}/{_site_packages(python)}" for layer in layers]


def _fill(ctx: BuildContext, todo: list[tuple[Group, OpenLayer]], environment: Interpreter) -> None:
    count = sum(len(group.packages) for group, _ in todo)
    size = sum(group.size for group, _ in todo)
    for group, layer in todo:
        ctx.log.info(
            f"{layer.layer.name}: {group} ({_megabytes(group.size)}): {'; '.join(layer.why)}"
        )
    with (
        ctx.log.timed(f"Installing {count} packages, {_megabytes(size)}"),
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        # All are awaited before the first error is raised: no uv may still be writing then.
        done = [pool.submit(_fill_one, ctx, group, layer, environment) for group, layer in todo]
        errors = [future.exception() for future in done]
    for error in errors:
        if error is not None:
            raise error


def _fill_one(ctx: BuildContext, group: Group, layer: OpenLayer, environment: Interpreter) -> None:
    import tomli_w

    lock = f"{ctx.scratch}/pylock.{group.name}.toml"
    document: dict[str, Any] = {
        "lock-version": "1.0",
        "created-by": "cnbkit",
        "packages": [package.entry for package in group.packages],
    }
    with open(lock, "wb") as file:
        tomli_w.dump(document, file)
    # The lock has the hash of every file, and uv checks it.
    options = ("--quiet", "--no-deps")
    try:
        run_uv(ctx, environment, "install", *options, "--prefix", layer.directory, "-r", lock)
    except CommandFailed as failed:
        raise explained_install(failed, group) from None
    # Under the name `lib` every layer would land on LD_LIBRARY_PATH.
    if os.path.exists(f"{layer.directory}/lib"):
        os.rename(f"{layer.directory}/lib", f"{layer.directory}/py")
    if os.path.exists(f"{layer.directory}/.lock"):
        os.unlink(f"{layer.directory}/.lock")


def _site_packages(python: Interpreter) -> str:
    return f"py/python{python.minor}/site-packages"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
