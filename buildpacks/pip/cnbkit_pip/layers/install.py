"""Fill the layers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from cnbkit import BuildContext, Layer, LayerKey, OpenLayer, key, note
from cnbkit_pip.engines.engine import Engine
from cnbkit_pip.layers.bill import describe
from cnbkit_pip.layers.bytecode import compile_bytecode
from cnbkit_pip.layers.folders import install_folders
from cnbkit_pip.layers.installed import Record, entangled
from cnbkit_pip.layers.partition import Group, partition
from cnbkit_pip.present import Present
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.package import Package

__all__ = ["install"]

# uv itself downloads in parallel; a few at a time keep network and cores busy.
_AT_ONCE = 3


class Wheels(LayerKey):
    """What a layer of packages depends on."""

    packages: list[str] = key("packages")
    python: str = key("Python")
    target: str = key("target")
    size: int = note(default=0)


class _Entangled(Exception):
    """Packages of different layers turned out to belong into one."""


def install(
    ctx: BuildContext,
    engine: Engine,
    packages: list[Package],
    python: Interpreter,
    record: Record,
    present: Present,
) -> list[str]:
    """Install packages into layers split by weight, or re-use the layers.

    Args:
        ctx: the build.
        engine: installs.
        packages: all of them.
        python: the interpreter they are for.
        record: what is known of packages in layers that are not there to look at.
        present: how the layers are kept.

    Returns:
        The site-packages directory of each layer.

    Raises:
        UserFault: a package cannot be built.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    names = [package.name for package in packages]
    together = entangled(list(record.packages.values()))
    try:
        return _install(ctx, engine, partition(packages, together), python, record, names, present)
    except _Entangled:
        # Found out by what was installed; the layers of that were given up.
        together = entangled(list(record.packages.values()))
        return _install(ctx, engine, partition(packages, together), python, record, names, present)


def _install(
    ctx: BuildContext,
    engine: Engine,
    groups: list[Group],
    python: Interpreter,
    record: Record,
    names: list[str],
    present: Present,
) -> list[str]:
    with ExitStack() as stack:
        layers = []
        for group in groups:
            wanted = Wheels(
                packages=group.identities(),
                python=str(python),
                target=str(ctx.target),
                size=group.size,
            )
            declared = present.kind(Layer.launch(group.name))
            layers.append(stack.enter_context(ctx.layer(declared, wanted)))
        todo = [(g, layer) for g, layer in zip(groups, layers, strict=True) if layer.rebuild]
        reused = len(groups) - len(todo)
        if reused:
            ctx.log.info(f"{reused} layers {present.from_where}")
        if todo:
            _fill(ctx, engine, python, todo)
        filled = [f"{layer.directory}/{_site_packages(python)}" for _, layer in todo]
        record.update(names, filled)
        apart = _apart(groups, entangled(list(record.packages.values())))
        if apart:
            ctx.log.info(f"{', '.join(sorted(apart))} share folders, so they get one layer")
            raise _Entangled
        return [f"{layer.directory}/{_site_packages(python)}" for layer in layers]


def _apart(groups: list[Group], together: list[set[str]]) -> set[str]:
    """Packages that have to share a layer, but do not."""
    place = {
        package.name: group.name
        for group in groups
        for package in group.packages
        if not package.directory
    }
    apart: set[str] = set()
    for names in together:
        known = {name for name in names if name in place}
        if len({place[name] for name in known}) > 1:
            apart |= known
    return apart


def _fill(
    ctx: BuildContext,
    engine: Engine,
    python: Interpreter,
    todo: list[tuple[Group, OpenLayer]],
) -> None:
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
        done = [pool.submit(_fill_one, ctx, engine, python, group, layer) for group, layer in todo]
        errors = [future.exception() for future in done]
    for error in errors:
        if error is not None:
            raise error


def _fill_one(
    ctx: BuildContext, engine: Engine, python: Interpreter, group: Group, layer: OpenLayer
) -> None:
    folders = [package for package in group.packages if package.directory]
    others = [package for package in group.packages if not package.directory]
    if others:
        engine.install(others, layer.directory)
    if folders:
        install_folders(ctx, engine, folders, layer.directory)
    # Under the name `lib` every layer would land on LD_LIBRARY_PATH.
    if os.path.exists(f"{layer.directory}/lib"):
        os.rename(f"{layer.directory}/lib", f"{layer.directory}/py")
        # At once, while the network is busy with what is still missing.
        compile_bytecode(ctx, python, f"{layer.directory}/py")
    describe(layer, f"{layer.directory}/{_site_packages(python)}", group.packages)


def _site_packages(python: Interpreter) -> str:
    return f"py/python{python.minor}/site-packages"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
