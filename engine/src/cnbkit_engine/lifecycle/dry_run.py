"""The lifecycle's builder, for buildpacks that decide and contribute nothing (`cnbkit.dry_run`).

It runs them in their order, gives each its part of the plan, and hands on what they tell, as in a
build; so what they decide is what they would decide there.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from cnbkit.dry_run import DECISION
from cnbkit.runtime import DRY_RUN
from cnbkit.spec.toml import encode
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.lifecycle.handover import hand_over
from cnbkit_engine.lifecycle.output import FAULT
from cnbkit_engine.lifecycle.process import Process
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.lifecycle.handover import Member
    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes

__all__ = ["can_decide", "decisions"]

_LIMIT = 64 << 20
_BUILDER = (
    *("-group", "/layers/group.toml", "-app", "/workspace", "-layers", "/layers"),
    *("-buildpacks", "/cnb/buildpacks", "-platform", "/platform"),
)


def can_decide(buildpack: Path) -> bool:
    """Whether an assembled buildpack knows dry runs: any other would build.

    Args:
        buildpack: its folder.
    """
    return (buildpack / "lib/cnbkit/dry_run.py").is_file()


def decisions(
    sandboxes: PhaseSandboxes,
    log: Path,
    layers: Path,
    members: Sequence[Member],
    documents: Mapping[str, bytes],
    *,
    resolve: bool,
    tell: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """Ask the buildpacks of a group, one after the other; what each says, by its id.

    Args:
        sandboxes: the builder's is used.
        log: the file that their lines go to.
        layers: the builder's `/layers`, with what is known of the last build.
        members: those that can decide; others are not in it.
        documents: group.toml, plan.toml and analyzed.toml, as the detector left them.
        resolve: whether they may ask indexes.
        tell: is told what the one that fails says.

    Raises:
        BuildFailed: one of them failed.
        PlatformFault: the sandbox cannot be made.
    """
    asked = {each.id for each in members}
    group = tomllib.loads(documents["group.toml"].decode()).get("group", [])
    own = {"group": [each for each in group if each["id"] in asked]}
    hand_over(layers, {**documents, "group.toml": encode(own).encode()})
    order = json.dumps({"resolve": resolve})
    (sandboxes.space / "platform" / DRY_RUN).write_text(order, encoding="utf-8")
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        file.write(f"{line}\n")

    with (
        log.open("a", encoding="utf-8") as file,
        Process(sandboxes.buildpacks(layers), "builder", *_BUILDER) as builder,
    ):
        code = builder.finish(hear)
    if code:
        last = _of_last(said)
        for line in last:
            tell(line)
        raise BuildFailed(code, log, told=any(line.startswith(FAULT) for line in last))
    return {each.id: _read(layers / each.folder) for each in members}


def _of_last(said: Sequence[str]) -> list[str]:
    """What the last buildpack says: headings begin a line."""
    lines = [line for line in said if not line.startswith("ERROR: failed to build: exit status")]
    start = max((at for at, line in enumerate(lines) if line[:1] not in (" ", "E")), default=0)
    return lines[start:]


def _read(folder: Path) -> dict[str, Any]:
    try:
        with Folder(folder) as own:
            found = json.loads(own.read(DECISION, _LIMIT))
    except (OSError, Unfit, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
