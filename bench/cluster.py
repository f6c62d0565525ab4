"""The cluster that is simulated, how a release is rolled out, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Cluster", "Found", "Rollout"]


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
    builder: int = 229_500_000
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
