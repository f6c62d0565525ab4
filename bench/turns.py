"""Apps that are written for a comparison, built by several sides turn by turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.sides import App, CnbkitSide, DockerSide
from cnbkit_engine.state.workspace import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.builds import Rounds
    from bench.sides import Side

    Files = Callable[[Mapping[str, int]], Mapping[str, str | bytes]]

__all__ = ["FRESH", "Written", "take_turns"]

FRESH = "fresh"
_REGISTRY = "registry"


class Written(App):
    """An app whose files are made anew for every change.

    Args:
        folder: where it is written.
        files: contents by name, of how often each thing was changed.
    """

    def __init__(self, folder: Path, files: Files) -> None:
        super().__init__(folder, folder)
        self._files = files
        self._changes: dict[str, int] = {}

    def reset(self) -> None:
        """Begin with what was never changed."""
        remove_tree(self.folder)
        self._changes = {}
        self._write()

    def change(self, what: str, number: int) -> None:
        """Change one thing to its state of that number."""
        self._changes[what] = number
        self._write()

    def _write(self) -> None:
        for name, content in self._files(self._changes).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def take_turns(
    sides: Sequence[tuple[Side, Written]], cases: Mapping[str, str], rounds: Rounds
) -> dict[str, Any]:
    """Measure all cases and return plain data: seconds by case and side, compressed sizes.

    Args:
        sides: who builds, each with the app it builds.
        cases: words for each; all but `fresh` and those that begin with `none` change the app.
        rounds: how often.
    """
    times: dict[str, dict[str, list[float]]] = {}
    sizes: dict[str, int] = {}
    print("Warming up ...", flush=True)
    for side, _ in sides:
        if isinstance(side, CnbkitSide):
            side.reset()
            side.build()  # assembles the buildpacks
    for case, words in cases.items():
        for number in range(rounds.fresh if case == FRESH else rounds.rebuild):
            turn = number % len(sides)
            for side, app in [*sides[turn:], *sides[:turn]]:
                if case == FRESH:
                    side.reset()
                elif not case.startswith("none"):
                    app.change(case, number + 1)
                value = side.build()[_REGISTRY]
                times.setdefault(case, {}).setdefault(side.name, []).append(value)
                print(f"  {words:20} {side.name:34} {value:.2f} s", flush=True)
        if case == FRESH:
            sizes = {side.name: side.size() for side, _ in sides}
            # Docker's engine has one build cache, which each fresh build empties for the others.
            docker = [side for side, _ in sides if isinstance(side, DockerSide)]
            for side in docker if len(docker) > 1 else ():
                side.build()
    return {"times": times, "sizes": sizes}
