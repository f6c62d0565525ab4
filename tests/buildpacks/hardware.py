"""What an app's words make the accelerators' buildpacks ask for, as the build plan carries it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit import Buildpack, DetectContext, Log, PackageRequest
from cnbkit.package_request import raise_for
from cnbkit_cuda import Cuda
from cnbkit_hardware import Hardware
from cnbkit_tpu import Tpu

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILDPACKS = Path(__file__).parents[2] / "buildpacks"
ACCELERATORS: dict[str, type[Buildpack]] = {"cuda": Cuda, "tpu": Tpu, "hardware": Hardware}


def requests(app: Path, env: Mapping[str, str]) -> list[PackageRequest]:
    """The requests of each buildpack that joins, in the order of the reference builder."""
    found = []
    for name, kind in ACCELERATORS.items():
        ctx = DetectContext(
            app=str(app),
            env={**env, "CNB_BUILDPACK_DIR": str(BUILDPACKS / name)},
            buildpack=str(BUILDPACKS / name),
            platform="",
            log=Log(),
        )
        answer = kind().detect(ctx)
        if answer.joins and answer.plan:
            found += [
                PackageRequest.parse(each.metadata["request"])
                for each in answer.plan.document().requires
                if each.name == "site-packages"
            ]
    return found


def joined(app: Path, env: Mapping[str, str]) -> PackageRequest | None:
    """All of them as one, as an installer takes them; raises what it would raise."""
    found = requests(app, env)
    raise_for(found)
    result = None
    for each in found:
        result = result.joined(each) if result else each
    return result
