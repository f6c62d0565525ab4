"""Tell what programs of a layer will not find."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit import BuildContext
from cnbkit_apt.layout import Layout
from cnbkit_apt.relocate import Left

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["report", "worth_telling"]

_PROGRAM = re.compile(r"usr/(bin|sbin|games|libexec)/")
# Documents, what is for other programs, and configuration without which the defaults hold.
_NEEDLESS = re.compile(
    r"usr/(share/(doc|man|info|locale|icons|pixmaps|applications)|lib/(debug|systemd|udev)|bin/X11)"
    r"(/|$)|etc/(perl|vim|profile)|.*/\.\."
)
# They work out where they are themselves.
_MOVABLE = re.compile(r"usr/lib/(postgresql|libreoffice|jvm|gcc)/|usr/bin/(gpg|dirmngr|soffice)")
_SHOWN, _NAMED = 8, 3


def worth_telling(left: list[Left]) -> list[Left]:
    """What is left when all that matters to nobody is taken out."""
    return [
        each for each in left if not _NEEDLESS.match(each.place) and not _MOVABLE.match(each.file)
    ]


def report(
    ctx: BuildContext,
    layout: Layout,
    left: list[Left],
    unready: Mapping[str, str],
    asked: Collection[str],
) -> None:
    """Warn of it, a line for a place; what matters less is for debugging.

    Args:
        ctx: the build.
        layout: the layer.
        left: programs and places they will not find.
        unready: packages that do not work here, with the reason.
        asked: files of those packages that the app names.
    """
    for package, what in sorted(unready.items()):
        ctx.log.warning(f"{package}: {what}")
    by_place: dict[str, dict[str, None]] = {}
    others = []
    for each in worth_telling(left):
        # Without its configuration a program has its defaults, as a rule.
        program = _PROGRAM.match(each.file) and not each.place.startswith("etc/")
        if program or each.file in asked:
            by_place.setdefault(layout.top(each.place), {})[each.file] = None
        else:
            others.append(each)
    for number, (place, files) in enumerate(sorted(by_place.items())):
        names = list(files)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        said = (
            f"{', '.join(names[:_NAMED])}{more} looks for /{place}, which is "
            f"{layout.root}/{place} here, and no variable is known that says so"
        )
        (ctx.log.warning if number < _SHOWN else ctx.log.debug)(said)
    if len(by_place) > _SHOWN:
        ctx.log.info(f"{len(by_place) - _SHOWN} more such places: BP_LOG_LEVEL=debug names them")
    for each in others:
        ctx.log.debug(f"{each.file} looks for /{each.place}, which is in the layer")
