"""What detect and build give back."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeVar

    from cnbkit.spec.build_plan import Plan
    from cnbkit.spec.launch import Process

    T = TypeVar("T")

__all__ = ["BuildResult", "DetectResult"]


class DetectResult:
    """The answer of detect. Made by `DetectContext.join` and `DetectContext.skip`.

    Attributes:
        joins: whether the buildpack takes part.
        reason: why, for people.
        plan: what it provides and requires, if it takes part.
    """

    __slots__ = ("joins", "plan", "reason")

    def __init__(self, joins: bool, reason: str, plan: Plan | None = None) -> None:
        if not isinstance(reason, str):
            raise BuildpackFault(
                f"the reason of detect is {reason!r}, not text",
                remedy='write: ctx.join("found requirements.txt", plan), or ctx.skip("no …")',
            )
        if plan is not None and not hasattr(plan, "alternatives"):
            raise BuildpackFault(
                f"the plan of detect is {plan!r}, no Plan",
                remedy='write: Plan().provides("…").requires("…")',
            )
        self.joins = joins
        self.reason = reason
        self.plan = plan


class BuildResult:
    """The result of build besides its layers.

    Args:
        processes: what the image can start; a later one of the same type replaces it. Several
            for different execution environments may share a type: the lifecycle knows one, so
            the image has the one for its own.
        labels: labels of the image.
        slices: app files with layers of their own, each a list of patterns.
        unmet: plan entries left to a later buildpack.
        store: data to find again at the next build (`BuildContext.store`); None keeps what is
            there, and an empty table removes it.
        sbom: what the image holds besides layers' own: "cdx", "spdx" or "syft" → JSON document.
        build_sbom: what only the build used, likewise; it goes to the platform, not the image.

    Raises:
        BuildpackFault: more than one process is the default in an execution environment, or
            something is not of its type.
    """

    __slots__ = ("build_sbom", "labels", "processes", "sbom", "slices", "store", "unmet")

    def __init__(
        self,
        *processes: Process,
        labels: Mapping[str, str] | None = None,
        slices: Sequence[Sequence[str]] = (),
        unmet: Sequence[str] = (),
        store: Mapping[str, object] | None = None,
        sbom: Mapping[str, Mapping[str, object] | str | bytes] | None = None,
        build_sbom: Mapping[str, Mapping[str, object] | str | bytes] | None = None,
    ) -> None:
        for process in processes:
            if not hasattr(process, "command"):
                raise BuildpackFault(
                    f"{process!r} is not a Process",
                    remedy="give each Process by itself: BuildResult(web, worker), or "
                    "BuildResult(*processes) for a list",
                )
            _texts(f"exec_env of {process.type}", process.exec_env)
        by_place = {(each.type, *sorted(each.exec_env)): each for each in processes}
        self.processes = tuple(by_place.values())
        for exec_env in {"", *(name for each in self.processes for name in each.exec_env)}:
            defaults = [each.type for each in self.in_image(exec_env) if each.default]
            if len(defaults) > 1:
                raise BuildpackFault(
                    f"more than one process is the default: {', '.join(defaults)}",
                    remedy="leave `default=True` with one of them",
                )
        self.labels = _table("labels", labels)
        self.slices = [
            _texts(f"slices[{at}]", paths) for at, paths in enumerate(_list("slices", slices))
        ]
        self.unmet = _texts("unmet", unmet)
        self.store = None if store is None else _table("store", store)
        self.sbom = _table("sbom", sbom)
        self.build_sbom = _table("build_sbom", build_sbom)
        for key, value in self.labels.items():
            if not isinstance(key, str) or not isinstance(value, str) or not key:
                raise BuildpackFault(
                    f"the label {key!r} = {value!r} is not text", remedy="make both strings"
                )
        for process in self.processes:
            if not _texts(f"command of {process.type}", process.command):
                raise BuildpackFault(
                    f"the process {process.type} has no command", remedy="name its program"
                )
            _texts(f"args of {process.type}", process.args)

    def in_image(self, exec_env: str) -> list[Process]:
        """The processes of an image for an execution environment: one of each type.

        That is the last one for it, or, if all are for others, the last. One for others is not
        the default, even if it is declared so.
        """
        found: dict[str, Process] = {}
        for process in self.processes:
            there = found.get(process.type)
            if there is None or process.runs_in(exec_env) or not there.runs_in(exec_env):
                found[process.type] = process
        return [
            each if each.runs_in(exec_env) or not each.default else each.replace(default=False)
            for each in found.values()
        ]


def _table(what: str, value: Mapping[str, T] | None) -> dict[str, T]:
    if value is not None and not hasattr(value, "keys"):
        raise BuildpackFault(
            f"{what} is {value!r}, not a table", remedy=f'write: {what}={{"…": …}}'
        )
    return dict(value or {})


def _list(what: str, value: Sequence[T]) -> Sequence[T]:
    if not isinstance(value, list | tuple):
        raise BuildpackFault(f"{what} is {value!r}, not a list", remedy=f"write: {what}=[…]")
    return value


def _texts(what: str, value: object) -> list[str]:
    # A lone string would be taken for a list of its letters.
    if not isinstance(value, list | tuple) or any(not isinstance(each, str) for each in value):
        raise BuildpackFault(f"{what} is {value!r}, not a list of strings", remedy="make it one")
    return list(value)
