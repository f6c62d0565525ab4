"""The packages that can be named in a plan: all of them where apt's lists lie at hand.

Fetching the lists takes longer than all else in a plan. So it takes those that the build image
has, or what the last build came to, or what the app's own files say.
"""

from __future__ import annotations

import os
import re

from cnbkit import BuildContext, Decision, UserFault
from cnbkit_apt.apt import AptGet
from cnbkit_aptfile import AptConfig
from cnbkit_aptfile.declared import DeclaredPackage, read
from cnbkit_limits import Limits

__all__ = ["name_known", "name_packages"]

_LISTS = "var/lib/apt/lists"


def name_known(decision: Decision, kept: list[str], layer: str) -> None:
    """Name what the last build's layer holds, which stays.

    Args:
        decision: gets them.
        kept: as the layer's key has them.
        layer: the layer's name.
    """
    for line in kept:
        name, version, *_ = [*line.split(), ""]
        decision.package(name, version, layer=layer)


def name_packages(
    ctx: BuildContext,
    decision: Decision,
    config: AptConfig,
    *,
    system: str,
    status: str,
    layer: str,
) -> None:
    """Name what has to be resolved, as far as that goes without a network.

    Args:
        ctx: the build.
        decision: gets them, and what is left to the build.
        config: what the person who builds has set.
        system: where the build image's own files are; empty for `/`.
        status: dpkg's database of the run image; empty if the packages go elsewhere.
        layer: the layer they go to.

    Raises:
        UserFault: what is declared is faulty, or contradicts itself.
    """
    declared = read(ctx)
    wanted = [each for each in declared.packages if not each.for_build]
    elsewhere = declared.repositories or config.mirror or any(e.is_address for e in wanted)
    if status and not elsewhere and _has_lists(f"{system}/{_LISTS}"):
        limits = Limits("BP_APT_SIZE_LIMIT", config.limit, config.size_limit)
        apt = AptGet(ctx, system, "", [], config.recommends, limits)
        apt.read_lists(f"{system}/{_LISTS}")
        try:
            found = apt.resolve(wanted, status, "run")
        except UserFault as fault:
            # A build fetches new ones, which may have it.
            ctx.log.warning(f"by the build image's lists of packages: {fault.what}")
        else:
            for archive in found:
                decision.package(archive.name, archive.version, size=archive.size, layer=layer)
            decision.rest = "whether there are newer lists of packages than the build image's"
            return
    there = _installed(status) if status else frozenset[str]()
    present = sorted({each.name for each in wanted} & there)
    if present:
        ctx.log.info(f"In the run image already: {', '.join(present)}")
    for each in wanted:
        if each.name not in there:
            decision.package(each.name, _version(each), layer=layer)
    decision.rest = "which packages these need besides, with versions"


def _has_lists(folder: str) -> bool:
    try:
        return any("_Packages" in name for name in os.listdir(folder))
    except OSError:
        return False


def _version(package: DeclaredPackage) -> str:
    """What is asked for: `name=version`, or as a file of the app is called."""
    if package.is_file:
        _, _, rest = os.path.basename(package.word.partition("#")[0]).partition("_")
        return rest.partition("_")[0]
    return package.word.partition("=")[2]


def _installed(status: str) -> frozenset[str]:
    with open(status, encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r"^Package: (\S+)\nStatus: \S+ \S+ installed$", text, re.MULTILINE)
    return frozenset(found)
