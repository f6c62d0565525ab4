"""Many images on a newer run image, one after the other, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError, UserFault
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.rebase import Rebase
from cnbkit_engine.build.standing import standing
from cnbkit_engine.oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnbkit_engine.state.home import Home

__all__ = ["Rebased", "Rebases", "image_names", "summary"]


@dataclass(frozen=True)
class Rebased:
    """What became of one image.

    Args:
        name: the image.
        what: `rebased`, `current`, `to rebase` (of a trial), or `failed`.
        run_image: what it stands on now, or would; empty if it failed.
        digest: its own; empty if nothing was changed.
        fault: why it failed.
    """

    name: str
    what: str
    run_image: str = ""
    digest: str = ""
    fault: CnbkitError | None = None

    def __str__(self) -> str:
        if self.fault:
            return f"{self.name}  failed: {self.fault.what}"
        end = self.digest or f"on {self.run_image}"
        return f"{self.name}  {self.what}  {end}"


@dataclass(frozen=True)
class Rebases:
    """Images to rebase; what is not described here is as for `Rebase`.

    Args:
        names: the images, each once.
        dry_run: change nothing, and say which would be.
    """

    names: Sequence[str]
    run_image: str = ""
    publish: bool = False
    force: bool = False
    insecure: Sequence[str] = ()
    dry_run: bool = False
    show: Callable[[str], None] = field(default=print)

    def run(self, home: Home) -> Iterator[Rebased]:
        """Rebase each; one that fails does not keep the others from it."""
        for name in self.names:
            try:
                yield self._one(home, name)
            except CnbkitError as fault:
                yield Rebased(name, "failed", fault=fault)

    def _one(self, home: Home, name: str) -> Rebased:
        found = standing(
            home,
            name,
            self.run_image,
            machine_architecture(),
            publish=self.publish,
            insecure=self.insecure,
            show=self.show,
        )
        if found.current and not self.force:
            return Rebased(name, "current", found.run_image)
        if self.dry_run:
            return Rebased(name, "to rebase", found.run_image)
        rebase = Rebase(
            name, self.run_image, self.publish, self.force, self.insecure, show=self.show
        )
        return Rebased(name, "rebased", found.run_image, rebase.run(home))


def image_names(named: Iterable[str], text: str = "", *, file: str = "") -> list[str]:
    """The names of a command line and of a file: a line each, `#` begins a comment.

    Args:
        named: those of the command line.
        text: the file's.
        file: its name.

    Raises:
        UserFault: a line is not the name of an image.
    """
    found = dict.fromkeys(named)
    for number, line in enumerate(text.splitlines(), 1):
        if name := line.partition("#")[0].strip():
            Reference.parse(name, setting=f"{file}:{number}")
            found[name] = None
    if not found:
        raise UserFault(
            "no image is named", where=file or "cnbkit rebase", remedy="name images, a line each"
        )
    return list(found)


def summary(results: Sequence[Rebased]) -> str:
    """`3 images: 1 rebased, 1 current, 1 failed`."""
    counts = {
        what: sum(each.what == what for each in results)
        for what in ("rebased", "to rebase", "current", "failed")
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{len(results)} image{'s' if len(results) != 1 else ''}: {told}"
