"""The log of a choice of hardware: what it changed, what it weighs, what is left to do."""

from __future__ import annotations

from collections.abc import Iterable

from cnbkit_pip.accelerators.framework import Change
from cnbkit_pip.accelerators.hardware import Hardware
from cnbkit_pip.accelerators.nvidia import majors
from cnbkit_pip.accelerators.weight import shown
from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.log import Log

__all__ = ["advise", "names", "tell"]


def tell(
    log: Log, hardware: Hardware, plan: Change, before: list[Package], after: list[Package]
) -> None:
    """Say what a change has come to: wheels, packages gone and come, bytes."""
    word = hardware.word
    old = {each.name: each for each in before}
    new = {each.name: each for each in after}
    changed = [each for each in after if each.name in plan.indexes]
    for url in sorted(set(plan.indexes.values())):
        bound = [f"{e.name} {e.version}" for e in changed if plan.indexes[e.name] == url]
        why = f": {plan.reason}" if plan.build and url == hardware.index(plan.build) else ""
        log.info(f"{word}: {', '.join(bound)} from {url}{why}")
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    if gone:
        log.info(f"{word}: {len(gone)} packages fall away: {names(gone)}")
    if come:
        log.info(f"{word}: {len(come)} packages more: {names(come)}")
    effect = sum(each.size for each in after) - sum(each.size for each in before)
    if effect:
        log.info(f"{word}: {shown(abs(effect))} {'more' if effect > 0 else 'less'} to download")


def advise(log: Log, hardware: Hardware, packages: list[Package]) -> None:
    """Say what else would fit the hardware better, or does not fit at all."""
    by_name = {each.name: each for each in packages}
    for name, better in hardware.rules("leaner"):
        if name in by_name and better not in by_name:
            also = _nvidia(packages) if name == "xgboost" else []
            saving = sum(each.size for each in [by_name[name], *also])
            size = f" ({shown(saving)} with what it needs)" if saving and also else ""
            log.info(f"{hardware.word}: {better} would do in place of {name}{size}")
    for name, better in hardware.rules("instead"):
        if name in by_name and better not in by_name:
            log.warning(f"{hardware.word}: {name} does not use it, {better} does")
    for wanted in hardware.rules("expects"):
        if not by_name.keys() & {*wanted}:
            log.warning(f"{hardware.word}: none of {', '.join(wanted)} is there to use it")
    for name in dict.fromkeys(words[1] for words in hardware.rules("runtime")):
        known = [words[0] for words in hardware.rules("runtime") if words[1] == name]
        found = majors(packages)
        if name in by_name and not set(known) & set(found):
            log.warning(
                f"{name} needs libraries of CUDA {' or '.join(known)}, which nothing brings"
            )
    found = majors(packages)
    asked = hardware.version.partition(".")[0]
    if hardware.name == "cuda" and asked and found and asked not in found:
        others = [each for group in found.values() for each in group]
        log.warning(
            f"{hardware.word} is asked for, but the packages are for CUDA {', '.join(found)} "
            f"({names(others)}): take versions that are for {hardware.word}"
        )
    if len(found) > 1:
        parts = [
            f"CUDA {major} ({shown(sum(e.size for e in group))}: {names(group)})"
            for major, group in found.items()
        ]
        log.warning(f"CUDA is in the image {len(found)} times: {'; '.join(parts)}")


def _nvidia(packages: list[Package]) -> list[Package]:
    return [each for each in packages if each.name.startswith("nvidia-")]


def names(items: Iterable[Package | str]) -> str:
    """The first few, for people."""
    found = [each if isinstance(each, str) else each.name for each in items]
    more = len(found) - 4
    return ", ".join(found[:4]) + (f" and {more} more" if more > 0 else "")
