"""Fill the layers."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from cnbkit import BuildContext, Log, OpenLayer
from cnbkit_bytecode import compile_bytecode
from cnbkit_pip.engines.engine import Engine
from cnbkit_pip.engines.patience import fetched, uv_cache
from cnbkit_pip.layers.bill import describe
from cnbkit_pip.layers.contents import PREFIX, Contents, Shelf, site_packages
from cnbkit_pip.layers.folders import install_folders
from cnbkit_pip.layers.installed import Installed, Record, entangled
from cnbkit_pip.layers.partition import LIGHT, Group, partition
from cnbkit_pip.layers.planned import Planned, planned
from cnbkit_pip.layers.spare import Spare
from cnbkit_pip.present import Present
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.package import Package

__all__ = ["install"]

# uv itself downloads in parallel; a few at a time keep network and cores busy.
_AT_ONCE = 3


class _Entangled(Exception):
    """Packages of different layers turned out to belong into one."""


def install(
    ctx: BuildContext,
    engine: Engine,
    packages: list[Package],
    layers: list[Planned],
    python: Interpreter,
    record: Record,
    present: Present,
    shelf: Shelf,
    *,
    slim: bool,
) -> dict[str, Contents]:
    """Install packages into layers split by weight, or re-use the layers.

    Args:
        ctx: the build.
        engine: installs.
        packages: all of them.
        layers: what they are to lie in.
        python: the interpreter they are for.
        record: what is known of packages in layers that are not there to look at.
        present: how the layers are kept.
        shelf: has the contents of layers that are not there to look at.
        slim: without what nobody runs of them.

    Returns:
        The contents of each layer, by the prefix they are below.

    Raises:
        UserFault: a package cannot be built.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    names = [package.name for package in packages]
    spare = Spare(f"{ctx.scratch}/spare")

    def attempt(layers: list[Planned]) -> dict[str, Contents]:
        return _install(
            ctx, engine, layers, python, record, names, present, shelf, spare, slim=slim
        )

    try:
        return attempt(layers)
    except _Entangled:
        # Found out by what was installed; the layers of that were given up.
        groups = partition(packages, entangled(list(record.packages.values())))
        return attempt(planned(ctx, groups, python, present, shelf, slim=slim))
    finally:
        spare.clear()


def _install(
    ctx: BuildContext,
    engine: Engine,
    plan: list[Planned],
    python: Interpreter,
    record: Record,
    names: list[str],
    present: Present,
    shelf: Shelf,
    spare: Spare,
    *,
    slim: bool,
) -> dict[str, Contents]:
    groups = [each.group for each in plan]
    digests = {each.layer.name: each.digest for each in plan}
    with ExitStack() as stack:
        layers = []
        for each in plan:
            opened = ctx.layer(each.layer, each.key)
            if each.why:
                opened.state, opened.why = "rebuild", each.why
            layers.append(stack.enter_context(opened))
        todo = [(g, layer) for g, layer in zip(groups, layers, strict=True) if layer.rebuild]
        reused = len(groups) - len(todo)
        if reused:
            ctx.log.info(f"{reused} layers {present.from_where}")
        if todo:
            _fill(ctx, engine, python, todo, spare, slim=slim)
        site = site_packages(python.minor)
        filled = [f"{layer.directory}/{PREFIX}/{site}" for _, layer in todo]
        record.update(names, filled)
        apart = _apart(groups, entangled(list(record.packages.values())))
        if apart:
            ctx.log.info(f"{', '.join(sorted(apart))} share folders, so they get one layer")
            for group, layer in todo:
                spare.put(group.name, group.identities(), f"{layer.directory}/{PREFIX}")
            raise _Entangled
        found = {}
        for layer in layers:
            name, prefix = layer.layer.name, f"{layer.directory}/{PREFIX}"
            contents = None if layer.rebuild else shelf.get(name, digests[name])
            found[name] = contents or Contents.read(prefix, site, ctx.target.arch)
        shelf.put({name: (digests[name], contents) for name, contents in found.items()})
        return {
            f"{layer.directory}/{PREFIX}": contents
            for layer, contents in zip(layers, found.values(), strict=True)
        }


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
    spare: Spare,
    *,
    slim: bool,
) -> None:
    place = site_packages(python.minor) if slim else ""
    missing = []
    for group, layer in todo:
        if not spare.take(group.name, group.identities(), f"{layer.directory}/{PREFIX}"):
            missing.append((group, layer))
    count = sum(len(group.packages) for group, _ in missing)
    size = sum(group.size for group, _ in missing)
    for group, layer in missing:
        weight = f" ({_megabytes(group.size)})" if group.size else ""
        ctx.log.info(f"{layer.layer.name}: {group}{weight}: {'; '.join(layer.why)}")
    # The light ones first: they are compiled while the network is busy with the heavy ones.
    light = [each for each in missing if each[0].name.startswith(LIGHT)]
    heavy = [each for each in missing if each not in light]
    with (
        ctx.log.timed(
            f"Installing {Log.counted(count, 'package')}, {_megabytes(size)}",
            lambda: fetched(uv_cache(ctx)),
        ),
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        # All are awaited before the first error is raised: nothing may still be writing then.
        done = [pool.submit(_put, ctx, engine, *each, place) for each in light]
        every = [each for each in todo if each[0].name.startswith(LIGHT)]
        done.append(pool.submit(_compile_light, ctx, python, every, done[:], spare))
        done += [pool.submit(_fill_one, ctx, engine, python, *each, place) for each in heavy]
        errors = [future.exception() for future in done]
    for error in errors:
        if error is not None:
            raise error
    for group, layer in todo:
        describe(layer, f"{layer.directory}/{PREFIX}/{site_packages(python.minor)}", group.packages)


def _put(ctx: BuildContext, engine: Engine, group: Group, layer: OpenLayer, place: str) -> None:
    """Install a layer's packages.

    Args:
        ctx: the build.
        engine: installs.
        group: the packages.
        layer: gets them.
        place: site-packages below the prefix, if they are to lose what nobody runs.
    """
    folders = [package for package in group.packages if package.directory]
    others = [package for package in group.packages if not package.directory]
    prefix = f"{layer.directory}/{PREFIX}"
    # As in every environment: what packages put into the one is in the other.
    os.makedirs(f"{prefix}/lib")
    os.symlink("lib", f"{prefix}/lib64")
    if others:
        engine.install(others, prefix)
    if others and place:
        from cnbkit_pip.layers.slim import slim  # few builds ask for it

        before, after = slim(ctx, f"{prefix}/{place}", [package.name for package in others])
        left = f"BP_PIP_SLIM leaves {_megabytes(after)} of {_megabytes(before)}"
        ctx.log.info(f"{layer.layer.name}: {left}")
    if folders:
        install_folders(ctx, engine, folders, prefix)


def _compile_light(
    ctx: BuildContext,
    python: Interpreter,
    light: list[tuple[Group, OpenLayer]],
    after: list[Future[None]],
    spare: Spare,
) -> None:
    """Compile what is not, unless some of it turns out to belong elsewhere."""
    # They were begun before this, so that none of them waits for a thread of this pool.
    if any(future.exception() for future in after):
        return
    site = site_packages(python.minor)
    places = [f"{layer.directory}/{PREFIX}" for _, layer in light]
    installed = [each for place in places for each in Installed.read(f"{place}/{site}")]
    if _apart([group for group, _ in light], entangled(installed)):
        return
    left = {g.name: p for (g, _), p in zip(light, places, strict=True)}
    left = {name: place for name, place in left.items() if name not in spare.compiled}
    if left:
        # In one go: starting what compiles takes longer than a few small packages do.
        compile_bytecode(ctx, python.path, *(f"{place}/lib" for place in left.values()))
    spare.compiled.update(left)


def _fill_one(
    ctx: BuildContext,
    engine: Engine,
    python: Interpreter,
    group: Group,
    layer: OpenLayer,
    place: str,
) -> None:
    _put(ctx, engine, group, layer, place)
    # At once, while the network is busy with what is still missing.
    compile_bytecode(ctx, python.path, f"{layer.directory}/{PREFIX}/lib")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
