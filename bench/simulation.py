"""A release on a cluster as kpack carries it out, event by event."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.cluster import Cluster, Found, Rollout
from bench.event_queue import Bucket, Clock, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["simulate"]

_CALL = 0.01  # seconds until the API server answers
_GENERATE = 6  # reads of accounts and secrets before a pod is made
_LOOK = 0.3  # seconds to read the builder's manifest and configuration, before a pod is made
_GIT = 0.25  # seconds to ask a git server for a branch
_POLL = 60.0  # seconds between two looks at a source


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
        self.clock = clock = Clock()
        scaling = cluster.scaling
        self.kpack = Bucket(clock, 35 * scaling, 70 * scaling)
        self.kubernetes = Bucket(clock, 35 * scaling, 70 * scaling)
        self.image_queue = Queue(clock, 2 * scaling, self._image)
        self.build_queue = Queue(clock, 2 * scaling, self._build)
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
