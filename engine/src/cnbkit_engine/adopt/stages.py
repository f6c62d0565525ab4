"""Which stages of a Dockerfile the image is made of, and what holds at each instruction."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.spec.dockerfile import assignments, expanded, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnbkit_engine.adopt.dockerfile import Instruction

__all__ = ["Role", "Stage", "Step", "read_stages", "steps"]

_PLATFORM = {
    "TARGETPLATFORM": "linux/amd64",
    "TARGETOS": "linux",
    "TARGETARCH": "amd64",
    "BUILDPLATFORM": "linux/amd64",
    "BUILDOS": "linux",
    "BUILDARCH": "amd64",
}


class Role(StrEnum):
    """What a stage is for the image."""

    IMAGE = "image"
    SOURCE = "source"
    UNUSED = "unused"


@dataclass
class Stage:
    """A stage.

    Args:
        name: in lower case; its number if it has none.
        base: the image or stage it stands on, variables replaced.
        source: its FROM.
        instructions: those after FROM.
        globals: values of ARG before the first FROM.
        role: what it is for the image.
        parent: the stage it stands on.
    """

    name: str
    base: str
    source: Instruction
    instructions: list[Instruction] = field(default_factory=list)
    globals: Mapping[str, str] = field(default_factory=dict)
    role: Role = Role.UNUSED
    parent: Stage | None = None


@dataclass(frozen=True)
class Step:
    """An instruction, and what holds where it stands.

    Args:
        instruction: itself.
        stage: where it is.
        values: of ENV and ARG.
        workdir: the folder it is in.
        shell: what runs its shell form.
    """

    instruction: Instruction
    stage: Stage
    values: Mapping[str, str]
    workdir: str
    shell: tuple[str, ...]


@dataclass
class _Held:
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    shell: tuple[str, ...] = ("/bin/sh", "-c")

    @property
    def values(self) -> dict[str, str]:
        return {**self.args, **self.env}


def read_stages(
    instructions: Sequence[Instruction],
    *,
    name: str,
    target: str = "",
    arguments: Mapping[str, str],
) -> tuple[list[Instruction], list[Stage]]:
    """What stands before the first FROM, and the stages.

    Args:
        instructions: of the whole Dockerfile.
        name: the Dockerfile's, for faults.
        target: the stage that is the image; the last one if it is empty.
        arguments: values of ARG that are given.

    Raises:
        UserFault: there is no FROM, or no such stage.
    """
    before: list[Instruction] = []
    values: dict[str, str] = {}
    stages: list[Stage] = []
    for each in instructions:
        if each.keyword == "FROM":
            stages.append(_stage(each, stages, values))
        elif stages:
            stages[-1].instructions.append(each)
        else:
            before.append(each)
            if each.keyword == "ARG":
                given = assignments(each.value, {**_PLATFORM, **values}, each.escape)
                given |= {key: value for key, value in arguments.items() if key in given}
                values.update({key: value for key, value in given.items() if value})
    if not stages:
        raise UserFault(f"{name} has no FROM", where=name, remedy="name the Dockerfile to read")
    _assign_roles(stages, target, name)
    return before, stages


def steps(stages: Sequence[Stage], arguments: Mapping[str, str]) -> Iterator[Step]:
    """Each instruction of the stages, in the Dockerfile's order, FROM included.

    Args:
        stages: of a Dockerfile.
        arguments: values of ARG that are given.
    """
    held: dict[int, _Held] = {}
    for stage in stages:
        above = held[id(stage.parent)] if stage.parent else _Held()
        now = _Held(dict(above.env), dict(_PLATFORM), above.workdir, above.shell)
        held[id(stage)] = now
        yield _step(stage.source, stage, now, stage.globals)
        for each in stage.instructions:
            yield _step(each, stage, now, {})
            _hold(now, each, stage.globals, arguments)


def _step(instruction: Instruction, stage: Stage, now: _Held, more: Mapping[str, str]) -> Step:
    return Step(instruction, stage, {**more, **now.values}, now.workdir, now.shell)


def _hold(
    now: _Held, each: Instruction, before: Mapping[str, str], arguments: Mapping[str, str]
) -> None:
    if each.keyword == "ENV":
        now.env.update(assignments(each.value, now.values, each.escape))
    elif each.keyword == "ARG":
        for piece in split(each.value, now.values, each.escape):
            key, given, value = piece.partition("=")
            if key in arguments:
                now.args[key] = arguments[key]
            elif given or key in before:
                now.args[key] = value if given else before[key]
    elif each.keyword == "WORKDIR":
        path = expanded(each.value, now.values, each.escape)
        now.workdir = posixpath.normpath(posixpath.join(now.workdir, path))
    elif each.keyword == "SHELL" and each.words:
        now.shell = each.words


def _stage(each: Instruction, stages: Sequence[Stage], values: Mapping[str, str]) -> Stage:
    words = split(each.value, {**_PLATFORM, **values}, each.escape)
    base = words[0] if words else "scratch"
    named = len(words) > 2 and words[1].lower() == "as"
    known = {stage.name: stage for stage in stages}
    return Stage(
        name=words[2].lower() if named else str(len(stages)),
        base=base,
        source=each,
        globals=dict(values),
        parent=known.get(base.lower()),
    )


def _assign_roles(stages: Sequence[Stage], target: str, name: str) -> None:
    known = {stage.name: stage for stage in stages}
    known |= {str(number): stage for number, stage in enumerate(stages)}
    if target and target.lower() not in known:
        raise UserFault(
            f"{name} has no stage {target}",
            where=name,
            remedy=f"name one of these: {', '.join(stage.name for stage in stages)}",
        )
    _reach(known[target.lower()] if target else stages[-1], Role.IMAGE, known)


def _reach(stage: Stage, role: Role, known: Mapping[str, Stage]) -> None:
    todo = [(stage, role)]
    while todo:
        now, for_what = todo.pop()
        if now.role is Role.IMAGE or now.role is for_what:
            continue
        now.role = for_what
        if now.parent:
            todo.append((now.parent, for_what))
        todo += [(source, Role.SOURCE) for source in _sources(now, known)]


def _sources(stage: Stage, known: Mapping[str, Stage]) -> Iterator[Stage]:
    """Stages that one copies from, or mounts."""
    for each in stage.instructions:
        source = known.get((each.flag("from") or "").lower())
        if source:
            yield source
        if each.keyword == "RUN":
            for name, value in each.flags:
                mounted = dict(part.partition("=")[::2] for part in value.split(","))
                if name == "mount" and mounted.get("from", "").lower() in known:
                    yield known[mounted["from"].lower()]
