"""Many images under kpack, simulated: how long a new builder or a patched run image takes.

    python bench/scale.py [--images 10000] [--slots 200] [--build 60]

Discrete events, from a seed: the same options give the same numbers. What is imitated is kpack
0.17.2 (cmd/controller/main.go, pkg/reconciler/{image,build,sourceresolver}, and the work queue of
knative.dev/pkg/controller), as read in its source:

- 2 workers a kind of object, 4 for sources, times SCALING_FACTOR. A key that waits in a queue is
  not queued twice; one that is worked on is worked on again afterwards.
- Two API clients, each with a token bucket of 35 calls a second and a burst of 70, times
  SCALING_FACTOR.
- An image with an unfinished build gets no other build. A build whose only reason is a new run
  image is a rebase; a commit makes its pod one of high priority, an operator's change one of low.
- A pod that a ResourceQuota refuses is tried again after 5 ms, 10 ms, ... 1000 s, and all refused
  ones together not oftener than 10 times a second; each try reads accounts and secrets again.

Not imitated: eviction of pods by pods of a higher priority, failed builds, a slow API server.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.table import markdown  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SCENARIOS", "Cluster", "Found", "Rollout", "simulate", "table"]

_CALL = 0.01  # seconds until the API server answers
_GENERATE = 6  # reads of accounts and secrets before a pod is made
_LOOK = 0.3  # seconds to read the builder's manifest and configuration, before a pod is made
_GIT = 0.25  # seconds to ask a git server for a branch
_POLL = 60.0  # seconds between two looks at a source


@dataclass(frozen=True)
class Cluster:
    """Where builds run, and how kpack is set.

    Args:
        images: how many Image objects.
        slots: pods that run at once, on all nodes together.
        nodes: they are on.
        scaling: SCALING_FACTOR.
        quota: most pods that are not finished; None for no limit.
        quota_low_only: the quota counts and limits pods of the low priority only.
        priorities: ENABLE_PRIORITY_CLASSES.
        build: seconds of a build's pod, in the mean.
        rebase: seconds of a rebase's pod.
        builder: bytes a node pulls once for each new builder.
        bandwidth: bytes a second, to each node.
        commits: an hour, over all images.
    """

    images: int = 10_000
    slots: int = 200
    nodes: int = 50
    scaling: int = 1
    quota: int | None = None
    quota_low_only: bool = False
    priorities: bool = False
    build: float = 60.0
    rebase: float = 10.0
    builder: int = 383_000_000
    bandwidth: float = 100e6
    commits: float = 600.0


@dataclass(frozen=True)
class Rollout:
    """What an operator changes.

    Args:
        buildpacks: share of the images whose last build used a buildpack that changes.
        run_image: it changes.
        rings: images are on so many builders, changed one after the other.
    """

    buildpacks: float = 0.0
    run_image: bool = False
    rings: int = 1


@dataclass
class Found:
    """What came of it.

    Attributes:
        seconds: until every image stands on what is new.
        builds: pods that built, by the number of the image.
        rebases: pods that rebased, likewise.
        most: pods not finished, at most.
        waiting: pods that waited for a slot, at most.
        refused: pods the quota refused.
        calls: to the API server.
        pulled: bytes of builders.
        commits: seconds from each commit to its image.
    """

    seconds: float = 0.0
    builds: list[int] = field(default_factory=list)
    rebases: list[int] = field(default_factory=list)
    most: int = 0
    waiting: int = 0
    refused: int = 0
    calls: int = 0
    pulled: int = 0
    commits: list[float] = field(default_factory=list)


class _Clock:
    """What happens, in the order of its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, happens))

    def step(self) -> bool:
        if not self._events:
            return False
        self.now, _, happens = heapq.heappop(self._events)
        happens()
        return True


class _Bucket:
    """golang.org/x/time/rate: tokens may be owed, and who takes one is told how long to wait."""

    def __init__(self, clock: _Clock, rate: float, burst: int) -> None:
        self._clock, self._rate, self._burst = clock, rate, burst
        self._tokens, self._at = float(burst), 0.0
        self.taken = 0

    def take(self, count: int = 1) -> float:
        now = self._clock.now
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - count
        self._at = now
        self.taken += count
        return max(0.0, -self._tokens / self._rate)


class _Queue:
    """client-go's work queue with its workers and its default rate limiter for failures.

    Args:
        clock: tells the time.
        workers: how many keys are worked on at once.
        work: begins with a key; returns seconds and what is true at their end, which in turn
            returns whether it succeeded.
    """

    def __init__(
        self,
        clock: _Clock,
        workers: int,
        work: Callable[[int], tuple[float, Callable[[], bool]]],
    ) -> None:
        self._clock, self._idle, self._work = clock, workers, work
        self._keys: deque[int] = deque()
        self._dirty: set[int] = set()
        self._busy: set[int] = set()
        self._failures: dict[int, int] = {}
        self._retries = _Bucket(clock, 10, 100)

    def add(self, key: int) -> None:
        if key not in self._dirty:
            self._dirty.add(key)
            if key not in self._busy:
                self._keys.append(key)
                self._start()

    def _start(self) -> None:
        while self._idle and self._keys:
            self._idle -= 1
            key = self._keys.popleft()
            self._dirty.discard(key)
            self._busy.add(key)
            seconds, end = self._work(key)
            self._clock.after(seconds, lambda key=key, end=end: self._end(key, end))  # type: ignore[misc]

    def _end(self, key: int, end: Callable[[], bool]) -> None:
        succeeded = end()
        self._busy.discard(key)
        self._idle += 1
        if key in self._dirty:
            self._keys.append(key)
        if succeeded:
            self._failures.pop(key, None)
        else:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            wait = max(min(0.005 * 2 ** min(failures, 30), 1000.0), self._retries.take())
            self._clock.after(wait, lambda: self.add(key))
        self._start()


@dataclass
class _Build:
    """A Build object and its pod."""

    rebase: bool
    low: bool  # the pod's priority
    commits: list[float]
    pod: bool = False
    steps: int = 0  # done
    told: int = -1  # steps its status tells of

    @property
    def all_steps(self) -> int:
        return 2 if self.rebase else 7  # prepare, five phases, completion; rebase, completion


@dataclass
class _Image:
    """An Image object."""

    buildpacks: bool = False  # its last build used one that changed since
    run_image: bool = False  # it stands on an old one
    pending: list[float] = field(default_factory=list)  # times of commits kpack knows of
    build: _Build | None = None
    ended: bool = False  # a build has, and the image's status does not tell so yet


def simulate(cluster: Cluster, rollout: Rollout, seed: int = 1) -> Found:
    """Change what the rollout says at the time 0, and follow it to the end.

    Args:
        cluster: where.
        rollout: what.
        seed: for durations, commits and which images are concerned.
    """
    return _Run(cluster, rollout, random.Random(seed)).run()


class _Run:
    def __init__(self, cluster: Cluster, rollout: Rollout, chance: random.Random) -> None:
        self.cluster, self.rollout, self.chance = cluster, rollout, chance
        self.clock = clock = _Clock()
        scaling = cluster.scaling
        self.kpack = _Bucket(clock, 35 * scaling, 70 * scaling)
        self.kubernetes = _Bucket(clock, 35 * scaling, 70 * scaling)
        self.image_queue = _Queue(clock, 2 * scaling, self._image)
        self.build_queue = _Queue(clock, 2 * scaling, self._build)
        self.images = [_Image() for _ in range(cluster.images)]
        self.found = Found(builds=[0] * cluster.images, rebases=[0] * cluster.images)
        self.free = [cluster.slots // cluster.nodes] * cluster.nodes
        self.pulled: list[float | None] = [None] * cluster.nodes  # when the builder is there
        self.pending: list[tuple[int, int, int]] = []  # pods without a slot
        self.active = self.counted = self.pods = 0
        self.old: set[int] = set()
        self.ring = 0

    def run(self) -> Found:
        self._next_ring()
        if self.cluster.commits:
            self.clock.after(self._until_commit(), self._commit)
        while self.clock.step():
            pass
        self.found.calls = self.kpack.taken + self.kubernetes.taken
        return self.found

    # The operator

    def _next_ring(self) -> None:
        while not self.old and self.ring < self.rollout.rings:
            for number in range(self.ring, len(self.images), self.rollout.rings):
                image = self.images[number]
                image.buildpacks = self.chance.random() < self.rollout.buildpacks
                image.run_image = self.rollout.run_image
                if image.buildpacks or image.run_image:
                    self.old.add(number)
                # kpack looks at each image of a builder that changed.
                self.image_queue.add(number)
            self.ring += 1
        if not self.old and not self.found.seconds:
            self.found.seconds = self.clock.now

    # Those who commit

    def _until_commit(self) -> float:
        return self.chance.expovariate(self.cluster.commits / 3600)

    def _commit(self) -> None:
        if self.found.seconds:
            return  # what is asked is how commits fare meanwhile
        number = self.chance.randrange(len(self.images))
        at = self.clock.now
        poll = max(_POLL, len(self.images) * _GIT / (4 * self.cluster.scaling))
        self.clock.after(self.chance.uniform(0, poll), lambda: self._seen(number, at))
        self.clock.after(self._until_commit(), self._commit)

    def _seen(self, number: int, at: float) -> None:
        self.images[number].pending.append(at)
        self.image_queue.add(number)

    # The controller

    def _image(self, number: int) -> tuple[float, Callable[[], bool]]:
        image = self.images[number]
        if image.build:
            return 0.001, lambda: True
        calls = 2 if image.ended else 0  # its status; the oldest build of its history goes
        image.ended = False
        if not (image.pending or image.buildpacks or image.run_image):
            return self.kpack.take(calls) + calls * _CALL + 0.001, lambda: True
        calls += 2  # the build, and its status
        commits, image.pending = image.pending, []
        rebase = image.run_image and not commits and not image.buildpacks
        image.buildpacks = image.run_image = False
        image.build = _Build(rebase, low=not commits and self.cluster.priorities, commits=commits)

        def end() -> bool:
            self.build_queue.add(number)
            return True

        return self.kpack.take(calls) + calls * _CALL, end

    def _build(self, number: int) -> tuple[float, Callable[[], bool]]:
        build = self.images[number].build
        if build is None:
            return 0.001, lambda: True
        if not build.pod:
            wait = self.kubernetes.take(_GENERATE + 1)
            return wait + (_GENERATE + 1) * _CALL + _LOOK, lambda: self._make_pod(number, build)
        if build.told == build.steps:
            return 0.001, lambda: True
        build.told = build.steps
        ended = build.steps == build.all_steps
        return self.kpack.take() + _CALL, lambda: self._told(number, build, ended)

    def _told(self, number: int, build: _Build, ended: bool) -> bool:
        if ended:
            image = self.images[number]
            image.build, image.ended = None, True
            self.found.commits += [self.clock.now - at for at in build.commits]
            self.image_queue.add(number)
            self.old.discard(number)
            self._next_ring()
        return True

    # The cluster

    def _make_pod(self, number: int, build: _Build) -> bool:
        counts = build.low or not self.cluster.quota_low_only
        if counts and self.cluster.quota is not None and self.counted >= self.cluster.quota:
            self.found.refused += 1
            return False
        build.pod = True
        self.active += 1
        self.counted += counts
        self.found.most = max(self.found.most, self.active)
        (self.found.rebases if build.rebase else self.found.builds)[number] += 1
        self.pods += 1
        heapq.heappush(self.pending, (build.low, self.pods, number))
        self._schedule()
        self.found.waiting = max(self.found.waiting, len(self.pending))
        self.build_queue.add(number)  # the pod's own event
        return True

    def _schedule(self) -> None:
        while self.pending:
            node = max(range(len(self.free)), key=self.free.__getitem__)
            if not self.free[node]:
                return
            self.free[node] -= 1
            _, _, number = heapq.heappop(self.pending)
            build = self.images[number].build
            assert build is not None
            ready = self.clock.now
            if not build.rebase:  # a rebase needs no builder
                if self.pulled[node] is None:
                    self.pulled[node] = ready + self.cluster.builder / self.cluster.bandwidth
                    self.found.pulled += self.cluster.builder
                ready = max(ready, self.pulled[node] or 0.0)
            mean = self.cluster.rebase if build.rebase else self.cluster.build
            # Most are near the mean, and some take several times as long.
            seconds = mean * self.chance.lognormvariate(-0.125, 0.5) / build.all_steps
            self._run(ready - self.clock.now + seconds, number, build, node, seconds)

    def _run(self, wait: float, number: int, build: _Build, node: int, seconds: float) -> None:
        def step() -> None:
            build.steps += 1
            if build.steps < build.all_steps:
                self._run(seconds, number, build, node, seconds)
            else:
                self.free[node] += 1
                self.active -= 1
                self.counted -= build.low or not self.cluster.quota_low_only
                self._schedule()
            self.build_queue.add(number)

        self.clock.after(wait, step)


_TUNED = Cluster(scaling=5, priorities=True, quota=160, quota_low_only=True)
SCENARIOS: dict[str, tuple[Cluster, Rollout]] = {
    "new pip buildpack, kpack as installed": (Cluster(), Rollout(buildpacks=1)),
    "the same, quota of 200 pods": (Cluster(quota=200), Rollout(buildpacks=1)),
    "the same, quota of 50 pods": (Cluster(quota=50), Rollout(buildpacks=1)),
    "the same, SCALING_FACTOR 5, no quota": (Cluster(scaling=5), Rollout(buildpacks=1)),
    "the same, priorities": (Cluster(scaling=5, priorities=True), Rollout(buildpacks=1)),
    "the same, quota of 160 for low priority": (_TUNED, Rollout(buildpacks=1)),
    "the same, in 20 rings": (_TUNED, Rollout(buildpacks=1, rings=20)),
    "the same in 20 rings, no quota": (
        replace(_TUNED, quota=None),
        Rollout(buildpacks=1, rings=20),
    ),
    "new buildpack that 1 image in 20 uses": (_TUNED, Rollout(buildpacks=0.05)),
    "run image patched, kpack as installed": (Cluster(), Rollout(run_image=True)),
    "run image patched, SCALING_FACTOR 5": (Cluster(scaling=5), Rollout(run_image=True)),
    "run image and pip at once, SCALING_FACTOR 5": (
        Cluster(scaling=5),
        Rollout(buildpacks=1, run_image=True),
    ),
}
"""What docs/scale.md tells of."""


def table(found: dict[str, dict[str, Any]]) -> str:
    """The results in Markdown.

    Args:
        found: of each scenario, what `summary` gives.
    """
    rows = [
        (
            name,
            f"{each['builds']:,}",
            f"{each['rebases']:,}",
            _duration(each["seconds"]),
            f"{each['most']:,}",
            f"{each['refused']:,}",
            f"{each['pulled'] / 1e9:.1f} GB",
            f"{_duration(each['median'])} / {_duration(each['slow'])}",
        )
        for name, each in found.items()
    ]
    head = (
        *("", "builds", "rebases", "all done after", "pods at most", "pods refused"),
        *("builders pulled", "commit to image, median / 95 %"),
    )
    return markdown(head, rows)


def summary(found: Found) -> dict[str, float]:
    """The numbers of a scenario that are told."""
    waits = sorted(found.commits) or [0.0]
    return {
        "builds": sum(found.builds),
        "rebases": sum(found.rebases),
        "seconds": round(found.seconds),
        "most": found.most,
        "refused": found.refused,
        "calls": found.calls,
        "pulled": found.pulled,
        "median": round(median(waits)),
        "slow": round(waits[int(len(waits) * 0.95)]),
    }


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes == 0:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def main() -> None:
    """Simulate each scenario, print the table, and keep the numbers."""
    parser = argparse.ArgumentParser(prog="bench/scale.py", description=__doc__)
    names = {"images": int, "slots": int, "nodes": int, "build": float, "rebase": float}
    names |= {"commits": float, "builder": int}
    for name, kind in names.items():
        parser.add_argument(f"--{name}", type=kind, default=getattr(Cluster, name))
    options = vars(parser.parse_args())
    found = {}
    for name, (cluster, rollout) in SCENARIOS.items():
        found[name] = summary(simulate(replace(cluster, **options), rollout))
        print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    print(table(found))
    if options == {name: getattr(Cluster, name) for name in options}:
        result = {"assumed": asdict(Cluster()), "found": found}
        (HERE / "results" / "scale.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
