"""Which of several buildpacks take part in the build of an app, by their real detects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault
from cnbkit.testing.harness import BuildpackRun
from cnbkit.testing.order import simulate
from cnbkit.testing.source import Program, Source
from cnbkit.testing.verdict import Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from cnbkit.spec.build_plan import BuildpackPlan
    from cnbkit.spec.target import Target
    from cnbkit.testing.commands import Reply
    from cnbkit.testing.inputs import Files
    from cnbkit.testing.result import Result
    from cnbkit.testing.source import Named
    from cnbkit.testing.verdict import Verdict

    Member: TypeAlias = "Named | tuple[Named, bool]"

__all__ = ["DetectGroup", "DetectedGroup"]


@dataclass(frozen=True)
class DetectedGroup:
    """What an order comes to on an app.

    Args:
        verdict: the detector's.
        results: what each buildpack's detect did, by id.
    """

    verdict: Verdict
    results: Mapping[str, Result]

    @property
    def code(self) -> int:
        """0, or the lifecycle's exit status: 20 if no group fits, 21 if errors are to blame."""
        return self.verdict.code

    @property
    def group(self) -> tuple[str, ...]:
        """Ids of the buildpacks that build, in order."""
        return self.verdict.group

    @property
    def log(self) -> str:
        """What the detects printed, then every decision."""
        said = [f"{name}:\n{result.log}" for name, result in self.results.items()]
        return "\n".join([*said, *self.verdict.log])

    @property
    def extensions(self) -> tuple[str, ...]:
        """Ids of the image extensions that generate, in order."""
        return self.verdict.extensions

    def plan(self, buildpack: str) -> BuildpackPlan:
        """What a buildpack of the group, by id, is given to build."""
        return self.verdict.plan(buildpack)


class DetectGroup:
    """Runs the detects of an order's buildpacks: the fixture `detect_group`.

    Args:
        root: an empty directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._calls = 0

    def __call__(
        self,
        *groups: Sequence[Member],
        extensions: Sequence[Sequence[Named]] = (),
        app: Files | Path | str | None = None,
        env: Mapping[str, str] | None = None,
        bindings: Mapping[str, Mapping[str, str]] | None = None,
        target: Target | None = None,
        exec_env: str = "production",
        commands: Mapping[str, Reply] | None = None,
    ) -> DetectedGroup:
        """Detect.

        Args:
            groups: the groups to try in order. Each member is a buildpack as `buildpack_run`
                takes it; `(buildpack, True)` if it is optional.
            extensions: groups of image extensions, the first that fits goes first.
            app: the app's files, by name; or a folder.
            env: variables the user set.
            bindings: service bindings.
            target: what is built for.
            exec_env: the execution environment.
            commands: fake commands.

        Raises:
            BuildpackFault: two different buildpacks have the same id.
        """
        self._calls += 1
        root = self._root / str(self._calls)
        run = BuildpackRun(root)
        results: dict[str, Result] = {}
        known: dict[str, Candidate] = {}
        sources: dict[Named, Source] = {}
        named_so: dict[str, Named] = {}

        def ask(member: Member) -> str:
            named, optional = member if isinstance(member, tuple) else (member, False)
            if named not in sources:
                sources[named] = Source.of(named, root / f"source-{len(sources)}")
            source = sources[named]
            name = source.info.id
            _check_id(name, named_so.setdefault(name, named), named, sources)
            if name not in results:
                result = results[name] = run(
                    source,
                    app=app,
                    env=env,
                    bindings=bindings,
                    target=target,
                    exec_env=exec_env,
                    commands=commands,
                    phases=["detect"],
                )
                known[name] = Candidate(
                    plan=result.plan,
                    code=result.code,
                    targets=source.descriptor.targets,
                    exec_env=() if source.descriptor.runs_in("") else source.info.exec_env,
                )
            return f"{name}?" if optional else name

        verdict = simulate(
            [[ask(member) for member in group] for group in groups],
            known,
            order_extensions=[[ask(member) for member in group] for group in extensions],
            extensions=known,
            target=target,
            exec_env=exec_env,
        )
        return DetectedGroup(verdict, results)


def _check_id(name: str, first: Named, second: Named, sources: Mapping[Named, Source]) -> None:
    """The lifecycle knows buildpacks by id, and so would ask one of the two only."""
    one, other = sources[first], sources[second]
    cls, of_other = type(one.buildpack), type(other.buildpack)
    same_folder = one.folder == other.folder and cls.__qualname__ == of_other.__qualname__
    if not same_folder and (cls is not of_other or cls is Program):
        raise BuildpackFault(
            f"{_called(first)} and {_called(second)} have the same id, {name}",
            where=str(other.folder),
            remedy="give each an id of its own in its buildpack.toml; of classes without one the "
            "class's name is the id",
        )


def _called(named: Named) -> str:
    if isinstance(named, type):
        return f"{named.__module__}.{named.__qualname__}"
    return str(named)
