"""A plan as people read it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from cnbkit_engine.build.report import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnbkit_engine.build.decided import Decided, PlannedLayer, PlannedPackage
    from cnbkit_engine.build.plan import Plan

__all__ = ["told"]

# Of packages and layers; --verbose shows all.
_SHOWN = 12
_STATES = {"rebuild": "new", "keep": "from the cache", "reuse": "as in the last image"}


def told(plan: Plan, *, verbose: bool) -> Iterator[str]:
    """The lines of it.

    Args:
        plan: what a build would do.
        verbose: all packages, labels and what each buildpack says, too.
    """
    yield from plan.notes
    shown = [*plan.group, *plan.left_out]
    width = max((len(each.id) for each in shown), default=0)
    yield "Buildpacks that take part:"
    for each in plan.group:
        yield f"  {each.id:<{width}}  {each.version}  {each.reason}".rstrip()
    if verbose and plan.left_out:
        yield "Others of their group:"
        for each in plan.left_out:
            yield f"  {each.id:<{width}}  {each.version}  {each.reason}".rstrip()
    if verbose and plan.entries:
        yield "What they require of each other:"
        for entry in plan.entries:
            count = len(entry.requires)
            times = "" if count == 1 else f", {count} times"
            yield f"  {entry.name} of {' or '.join(entry.providers)}{times}"
    asked = [each for each in plan.decisions if each.decides]
    yield from _said(asked)
    yield from _packages(asked, verbose=verbose)
    yield from _layers(asked, verbose=verbose)
    processes = [each for one in asked for each in one.processes]
    if processes:
        yield "Processes:"
    for process in processes:
        start = " (what the image starts)" if process.default else ""
        yield f"  {process.type}: {shlex.join(process.command)}{start}"
    labels = [each for one in asked for each in one.labels]
    if labels and verbose:
        yield "Labels:"
        yield from (f"  {name}={value}" for name, value in labels)
    elif labels:
        yield f"Labels: {len(labels)} (--verbose shows them)"
    for one in asked:
        yield from (f"Warning: {text}" for text in one.warnings)
    for one in plan.decisions:
        if one.rest:
            yield f"Not known before the build: {one.rest} ({one.id})"
    others = [each.id for each in plan.decisions if not each.decides]
    if others:
        yield f"These decide while building: {', '.join(others)}"


def _said(asked: Sequence[Decided]) -> Iterator[str]:
    lines = [f"  {line}" for one in asked for text in one.notes for line in text.splitlines()]
    if lines:
        yield "What they decide:"
        yield from lines


def _packages(asked: Sequence[Decided], *, verbose: bool) -> Iterator[str]:
    for one in asked:
        if not one.packages:
            continue
        packages = sorted(one.packages, key=lambda each: (-each.size, each.name))
        size = sum(each.size for each in packages)
        yield f"Packages of {one.id}: {len(packages)}{_weight(size)}"
        listed = packages if verbose else packages[:_SHOWN]
        yield from _table(listed)
        if len(packages) > len(listed):
            rest = packages[len(listed) :]
            weight = _weight(sum(each.size for each in rest))
            yield f"  and {len(rest)} more{weight} (--verbose shows them)"


def _table(packages: Sequence[PlannedPackage]) -> Iterator[str]:
    width = max(len(f"{each.name} {each.version}") for each in packages)
    for each in packages:
        size = size_text(each.size) if each.size else ""
        yield f"  {f'{each.name} {each.version}':<{width}}  {size:>8}  {each.layer}".rstrip()


def _weight(size: int) -> str:
    return f", {size_text(size)} to download" if size else ""


def _layers(asked: Sequence[Decided], *, verbose: bool) -> Iterator[str]:
    rows = [
        (f"{one.id}:{each.name}", _state(each))
        for one in asked
        for each in one.layers
        if each.launch or verbose
    ]
    if rows:
        yield "Layers of the image:" if not verbose else "Layers:"
    width = max((len(name) for name, _ in rows), default=0)
    yield from (f"  {name:<{width}}  {state}".rstrip() for name, state in rows)


def _state(layer: PlannedLayer) -> str:
    state = _STATES.get(layer.state, layer.state)
    why = [each for each in layer.why if each != "new"]
    return f"{state}: {'; '.join(why)}" if why else state
