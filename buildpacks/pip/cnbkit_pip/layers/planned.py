"""The layers that packages will lie in, with their keys."""

from __future__ import annotations

import hashlib

from cnbkit import BuildContext, Layer, LayerKey, key, migrates, note
from cnbkit_pip.layers.contents import Shelf
from cnbkit_pip.layers.partition import Group
from cnbkit_pip.present import Present
from cnbkit_python_inputs.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Planned", "Wheels", "planned"]


class Wheels(LayerKey, version=3):
    """What a layer of packages depends on."""

    packages: list[str] = key("packages")
    python: str = key("Python")
    target: str = key("target")
    slim: bool = key("BP_PIP_SLIM")
    size: int = note(default=0)

    @migrates(2)
    @staticmethod
    def _from_2(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "slim": False}


class Planned:
    """A layer, and the packages in it.

    Attributes:
        group: the packages.
        layer: its declaration.
        key: what it depends on.
        why: reasons to make it anew although its key fits.
    """

    def __init__(self, group: Group, layer: Layer, key: Wheels, why: list[str]) -> None:
        self.group = group
        self.layer = layer
        self.key = key
        self.why = why

    @property
    def digest(self) -> str:
        """Of all that its contents depend on."""
        return _digest(self.key)


def planned(
    ctx: BuildContext,
    groups: list[Group],
    python: Interpreter,
    present: Present,
    shelf: Shelf,
    *,
    slim: bool,
) -> list[Planned]:
    """What to open for each group.

    One is made anew that is in the previous image alone, if its files have to be known: that is so
    where the cache is lost, and for programs that are copied out of it.

    Args:
        ctx: the build.
        groups: of packages.
        python: the interpreter they are for.
        present: how the layers are kept.
        shelf: has the contents of layers that are not there to look at.
        slim: whether packages lose what nobody runs.
    """
    found = []
    for group in groups:
        layer = present.kind(Layer.launch(group.name))
        wanted = Wheels(
            packages=group.identities(),
            python=str(python),
            target=str(ctx.target),
            slim=slim,
            size=group.size,
        )
        known = shelf.get(group.name, _digest(wanted))
        again = ctx.look(layer, wanted).state == "reuse" and (known is None or known.embedding)
        why = ["its files have to be known, and are in the previous image alone"] if again else []
        found.append(Planned(group, layer, wanted, why))
    return found


def _digest(wanted: Wheels) -> str:
    slim = ["slim"] if wanted.slim else []
    text = "\n".join([*wanted.packages, wanted.python, wanted.target, *slim])
    return hashlib.sha256(text.encode()).hexdigest()
