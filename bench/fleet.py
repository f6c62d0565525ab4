"""Commits of many repositories in CI, simulated: what finding the previous image saves.

    python bench/fleet.py [--repositories 200] [--commits 20] [--runners 20]

Every commit has a tag of its own, so a build that looks for the image of its own name finds none
and begins anew: it downloads and installs all packages. With the previous image it makes what has
changed. Layers are the same bytes either way, so both push only what the repository has not.
How long builds take and what they weigh is measured (examples/vision in bench/RESULTS.md, and
bench/many.py's 150 packages); when people commit, how often dependencies change and how long a job
takes to start is assumed. From a seed: the same options give the same numbers.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.table import markdown  # noqa: E402

__all__ = ["SCENARIOS", "Day", "Fleet", "Kind", "simulate", "table"]


@dataclass(frozen=True)
class Kind:
    """Repositories of one kind.

    Args:
        share: of all repositories.
        fresh: seconds of a build that has nothing to begin with.
        light: of one that a light dependency has changed.
        code: of one that only the app's code has changed.
        packages: bytes of wheels that a fresh build downloads.
        changed: bytes that a changed dependency downloads and pushes.
        app: bytes of the app's own layer.
    """

    share: float
    fresh: float
    light: float
    code: float
    packages: int
    changed: int
    app: int = 200_000


VISION = Kind(0.8, 9.85, 2.36, 0.50, 109_200_000, 2_000_000)
MANY = Kind(0.2, 118.0, 20.0, 0.8, 470_000_000, 9_000_000)
"""150 packages."""


@dataclass(frozen=True)
class Fleet:
    """Who commits, and what builds.

    Args:
        repositories: how many.
        commits: of each, a day.
        hours: in which people commit.
        runners: jobs that run at once.
        start: seconds of a job before the build: checkout, tools, the base images.
        dependencies: share of commits that change a dependency.
        found: share of builds that find the previous image.
        kinds: of repositories.
    """

    repositories: int = 200
    commits: int = 20
    hours: float = 10.0
    runners: int = 20
    start: float = 15.0
    dependencies: float = 0.05
    found: float = 1.0
    kinds: tuple[Kind, ...] = (VISION, MANY)


@dataclass
class Day:
    """What came of it.

    Attributes:
        builds: how many.
        fresh: of them those that began anew.
        busy: seconds of runners, all together.
        downloaded: bytes of wheels.
        pushed: bytes to the registry; layers only.
        waits: seconds from each commit to its image.
    """

    builds: int = 0
    fresh: int = 0
    busy: float = 0.0
    downloaded: int = 0
    pushed: int = 0
    waits: list[float] = field(default_factory=list)


def simulate(fleet: Fleet, seed: int = 1) -> Day:
    """One day; each repository was built the day before.

    Args:
        fleet: who and where.
        seed: for times of commits and what they change.
    """
    chance = random.Random(seed)
    day = Day()
    kinds = chance.choices(fleet.kinds, [each.share for each in fleet.kinds], k=fleet.repositories)
    commits = sorted(
        (chance.uniform(0, fleet.hours * 3600), number)
        for number in range(fleet.repositories)
        for _ in range(fleet.commits)
    )
    free = [0.0] * fleet.runners
    for at, number in commits:
        kind = kinds[number]
        changes = chance.random() < fleet.dependencies
        finds = chance.random() < fleet.found
        seconds = kind.fresh if not finds else kind.light if changes else kind.code
        # As measured, with the spread that builds have.
        seconds *= chance.lognormvariate(-0.02, 0.2)
        begin = max(at, heapq.heappop(free))
        end = begin + fleet.start + seconds
        heapq.heappush(free, end)
        day.builds += 1
        day.fresh += not finds
        day.busy += fleet.start + seconds
        day.downloaded += kind.packages if not finds else kind.changed if changes else 0
        day.pushed += kind.app + (kind.changed if changes else 0)
        day.waits.append(end - at)
    return day


SCENARIOS = {
    "no previous image: every commit begins anew": Fleet(found=0.0),
    "the previous image is found": Fleet(),
    "1 build in 10 finds none": Fleet(found=0.9),
    "no previous image, 5 runners": Fleet(found=0.0, runners=5),
    "the previous image is found, 5 runners": Fleet(runners=5),
}
"""What docs/scale.md tells of."""


def table(days: dict[str, Day]) -> str:
    """The results in Markdown."""
    head = (
        "",
        "builds",
        "runner-hours",
        "wheels downloaded",
        "pushed",
        "commit to image, median / 95 %",
    )
    rows = []
    for name, day in days.items():
        waits = sorted(day.waits)
        slow = waits[int(len(waits) * 0.95)]
        rows.append(
            (
                name,
                f"{day.builds:,}",
                f"{day.busy / 3600:.1f}",
                f"{day.downloaded / 1e9:.1f} GB",
                f"{day.pushed / 1e9:.1f} GB",
                f"{_time(median(waits))} / {_time(slow)}",
            )
        )
    return markdown(head, rows)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def main() -> None:
    """Simulate each scenario and print the table."""
    parser = argparse.ArgumentParser(prog="bench/fleet.py", description=__doc__)
    names = {"repositories": int, "commits": int, "hours": float, "start": float}
    for name, kind in {**names, "dependencies": float}.items():
        parser.add_argument(f"--{name}", type=kind, default=getattr(Fleet, name))
    parser.add_argument("--runners", type=int, help="in place of each scenario's own")
    options = vars(parser.parse_args())
    chosen = {name: value for name, value in options.items() if value is not None}
    print(
        table({name: simulate(replace(fleet, **chosen)) for name, fleet in SCENARIOS.items()}),
        end="",
    )


if __name__ == "__main__":
    main()
