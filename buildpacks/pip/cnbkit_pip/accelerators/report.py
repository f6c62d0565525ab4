"""The log of a request: what it changed, what that weighs, what is left to do."""

from __future__ import annotations

from collections.abc import Iterable

from cnbkit import Log
from cnbkit_pip.accelerators.framework import Change
from cnbkit_pip.accelerators.weight import shown
from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import Log, PackageRequest

__all__ = ["advise", "names", "tell"]


def tell(
    log: Log, request: PackageRequest, change: Change, before: list[Package], after: list[Package]
) -> None:
    """Say what a change has come to: wheels, packages gone and come, bytes."""
    word = request.subject
    old = {each.name: each for each in before}
    new = {each.name: each for each in after}
    changed = [each for each in after if each.name in change.indexes]
    for url in sorted(set(change.indexes.values())):
        bound = [f"{e.name} {e.version}" for e in changed if change.indexes[e.name] == url]
        why = f": {change.reason}" if change.build and url == change.index else ""
        log.info(f"{word}: {', '.join(bound)} from {url}{why}")
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    if gone:
        log.info(f"{word}: {Log.counted(len(gone), 'package')} fewer: {names(gone)}")
    if come:
        log.info(f"{word}: {Log.counted(len(come), 'package')} more: {names(come)}")
    effect = sum(each.size for each in after) - sum(each.size for each in before)
    if effect:
        log.info(f"{word}: {shown(abs(effect))} {'more' if effect > 0 else 'less'} to download")


def advise(log: Log, request: PackageRequest, packages: list[Package]) -> None:
    """Say what else would fit the hardware better, or does not fit at all."""
    by_name = {each.name: each for each in packages}
    for each in request.preferences:
        if each.package not in by_name or each.better in by_name:
            continue
        if each.unused:
            log.warning(f"{request.subject}: {each.package} does not use it, {each.better} does")
            continue
        also = _nvidia(packages) if each.package == "xgboost" else []
        saving = sum(package.size for package in [by_name[each.package], *also])
        size = f" ({shown(saving)} with what it needs)" if saving and also else ""
        log.info(f"{request.subject}: {each.better} would do in place of {each.package}{size}")
    for wanted in request.expects:
        if not by_name.keys() & {*wanted}:
            log.warning(f"{request.subject}: none of {', '.join(wanted)} is there to use it")


def _nvidia(packages: list[Package]) -> list[Package]:
    return [each for each in packages if each.name.startswith("nvidia-")]


def names(items: Iterable[Package | str]) -> str:
    """The first few, for people."""
    found = [each if isinstance(each, str) else each.name for each in items]
    more = len(found) - 4
    return ", ".join(found[:4]) + (f" and {more} more" if more > 0 else "")
