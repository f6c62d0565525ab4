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
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.cluster import Cluster, Found, Rollout  # noqa: E402
from bench.simulation import simulate  # noqa: E402
from bench.table import markdown  # noqa: E402

__all__ = ["SCENARIOS", "table"]


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
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / "scale.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
