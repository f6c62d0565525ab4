"""Which packages in which layers, before any is installed.

By a build and by `cnbkit plan` alike. The plan has less: neither the interpreter that the
`python` buildpack would install, nor a conda environment.
"""

from __future__ import annotations

import os
import shutil
import sys

from cnbkit import BuildContext, Log
from cnbkit_pip.decide import decide, engine_for
from cnbkit_pip.diagnosis.survey import Survey
from cnbkit_pip.layers.contents import Shelf
from cnbkit_pip.layers.environment import environment_of, write_environment
from cnbkit_pip.layers.installed import Record, entangled
from cnbkit_pip.layers.partition import partition
from cnbkit_pip.layers.planned import Planned, planned
from cnbkit_pip.present import Present
from cnbkit_pip.resolution.kept import KEPT
from cnbkit_pip.resolution.pins import lacks_address
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.lock import read_entries
from cnbkit_python_inputs.target import TargetEnvironment
from cnbkit_python_inputs.wanted import Locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit import PackageRequest
    from cnbkit_indexes.sources import Sources
    from cnbkit_logins.address import Login
    from cnbkit_pip.engines.engine import Engine
    from cnbkit_python_inputs.config import PipConfig
    from cnbkit_python_inputs.package import Package
    from cnbkit_python_inputs.project import Project
    from cnbkit_python_inputs.requirements import Requirements

__all__ = ["Resolved", "give_back", "lend", "resolved", "why_not"]


class Resolved:
    """What is to be installed.

    Attributes:
        packages: all of them.
        layers: what they are to lie in.
        engine: has resolved them, and installs.
        survey: finds out what is wrong if one cannot be installed.
        target: what they fit.
    """

    def __init__(
        self,
        packages: list[Package],
        layers: list[Planned],
        engine: Engine,
        survey: Survey,
        target: TargetEnvironment,
    ) -> None:
        self.packages = packages
        self.layers = layers
        self.engine = engine
        self.survey = survey
        self.target = target


def resolved(
    ctx: BuildContext,
    config: PipConfig,
    wanted: Requirements | Project | Locked,
    python: Interpreter,
    sources: Sources,
    request: PackageRequest | None,
    present: Present,
    *,
    logins: Mapping[str, Login],
    lock: str,
    site: str,
) -> Resolved:
    """Resolve, or read the lock, and split into layers.

    Args:
        ctx: the build.
        config: what the person who builds has set.
        wanted: what the app declares.
        python: the interpreter packages are for.
        sources: where they come from.
        request: what later buildpacks ask for.
        present: how the layers are kept.
        logins: of git repositories, by address; the app's files have none meanwhile.
        lock: folder of the layer with the last resolution, as restored.
        site: folder of the layer that will have the environment.

    Raises:
        UserFault: there is no such set of packages, or a lock is wrong.
        PlatformFault: the index cannot be reached.
    """
    if not ctx.dry:
        python.make_present(ctx)
    # The real one lies in a layer, which is not made before all is settled.
    environment = write_environment(f"{ctx.scratch}/environment", _there(ctx, python))
    target = TargetEnvironment.of(ctx, environment)
    for line in sources.describe():
        ctx.log.info(line)
    for line in sources.warnings():
        ctx.log.warning(line)
    engine = engine_for(ctx, config, wanted, environment, sources)
    engine.log_in(logins)
    survey = Survey.of(ctx, config, wanted, engine, environment, target, sources)
    kept = lend(ctx, lock)
    packages = decide(ctx, config, wanted, engine, target, sources, request, survey, kept=kept)
    ctx.log.info(f"{Log.counted(len(packages), 'package')} for Python {python}")
    record = Record(f"{lock}/packages.json")
    groups = partition(packages, entangled(list(record.packages.values())))
    final = environment_of(site, python)
    shelf = Shelf(f"{lock}/contents.json")
    layers = planned(ctx, groups, final, present, shelf, slim=config.slim)
    return Resolved(packages, layers, engine, survey, target)


def why_not(
    ctx: BuildContext,
    config: PipConfig,
    wanted: Requirements | Project | Locked,
    python: Interpreter,
    request: PackageRequest | None,
) -> str:
    """What keeps a plan from naming the packages; empty if nothing does, as in every build."""
    if not ctx.dry:
        return ""
    if python.restore or python.site:
        return "the packages, which go by what the conda environment has"
    if config.engine == "pip":
        return "the packages, which BP_PIP_ENGINE=pip tells only when it has fetched them"
    if ctx.resolves:
        return ""
    if isinstance(wanted, Locked) and request is None:
        entries = read_entries(wanted.path, wanted.name)["packages"]
        if not any(lacks_address(each) for each in entries):
            return ""
    return "the packages, because nothing is resolved (--no-resolve)"


def _there(ctx: BuildContext, python: Interpreter) -> Interpreter:
    """The interpreter, or one that stands for it in a plan."""
    if not ctx.dry or os.path.exists(python.path):
        return python
    return Interpreter(sys.executable, python.minor, stands_for=python.version)


def lend(ctx: BuildContext, lock: str) -> str:
    """A copy of the last resolution, to be changed; the layer is not open yet."""
    folder = f"{ctx.scratch}/lock"
    os.makedirs(folder, exist_ok=True)
    _copy(lock, folder)
    return folder


def give_back(ctx: BuildContext, lock: str) -> None:
    """Put this resolution into the layer, which is open now."""
    _copy(f"{ctx.scratch}/lock", lock)


def _copy(source: str, target: str) -> None:
    for name in KEPT:
        if os.path.exists(f"{target}/{name}"):
            os.unlink(f"{target}/{name}")
        if os.path.exists(f"{source}/{name}"):
            shutil.copyfile(f"{source}/{name}", f"{target}/{name}")
