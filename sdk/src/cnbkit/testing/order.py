"""Which buildpacks of an order take part, and who provides what to whom: without running one.

The lifecycle's own algorithm (phase/detector.go, Platform API 0.15), which the specification
describes in buildpack.md, "Phase #1: Detection" and "Phase #2: Analysis". A test compares the
two on random orders. What is easily missed in it:

- all options of a buildpack (its plan and each `or`) but the last count as required, even if the
  buildpack is optional; only on the last one may it be dropped;
- a buildpack's detect runs once: what it said in one group holds in all;
- a buildpack for other targets is an error where it is required, and is asked where it is
  optional; one for other execution environments is passed over either way.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cnbkit.spec.target import Target
from cnbkit.testing.detector import Detector, NoneFits
from cnbkit.testing.trial import elements
from cnbkit.testing.verdict import NONE_DETECTED, NONE_DETECTED_WITH_ERRORS, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit.testing.detector import Known
    from cnbkit.testing.trial import Group

__all__ = ["simulate"]


def simulate(
    order: Sequence[Group],
    buildpacks: Mapping[str, Known],
    *,
    order_extensions: Sequence[Group] = (),
    extensions: Mapping[str, Known] | None = None,
    target: Target | None = None,
    exec_env: str = "production",
) -> Verdict:
    """Find the group that builds.

        simulate(
            [["python", "pip?"], ["python"]],
            {"python": Plan().provides("python"), "pip": Plan().requires("python")},
        )

    Args:
        order: the groups to try. A buildpack is `id` or `id@version`, with `?` if optional; or
            an entry of a descriptor.
        buildpacks: what is known of each, under `id` or `id@version`: the plan it joins with,
            None if it joins without one, the exit status of its detect, a `Candidate` for
            more; or, for a composite, its groups.
        order_extensions: groups of image extensions, the first that fits goes before each
            group. They are always optional.
        extensions: what is known of each extension; it may provide, not require.
        target: what is built for.
        exec_env: the execution environment (CNB_EXEC_ENV).

    Raises:
        BuildpackFault: a buildpack is not known, or a composite contains itself.
    """
    known = {False: buildpacks, True: extensions or {}}
    before = [
        [dataclasses.replace(each, optional=True, extension=True) for each in elements(group)]
        for group in order_extensions
    ]
    groups = [elements(group) for group in order]
    detector = Detector(known, before, target or Target(), exec_env)
    detector.check([*before, *groups], ())
    try:
        return detector.detect(groups)
    except NoneFits as failed:
        code = NONE_DETECTED_WITH_ERRORS if failed.error else NONE_DETECTED
        return Verdict(code, log=tuple(detector.log))
