"""What buildpacks decide before they contribute, as the plan of a build has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.dry_run import DECISION
from cnbkit.errors import BuildpackFault, CnbkitError
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.build.predecessor import candidates, last_name, predecessor_in_store
from cnbkit_engine.lifecycle.dry_run import can_decide, decisions
from cnbkit_engine.lifecycle.handover import members
from cnbkit_engine.lifecycle.known_layers import restore_known
from cnbkit_engine.lifecycle.options import layers_folder
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.sandbox.emulation import is_foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

__all__ = [
    "Decided",
    "LastBuild",
    "PlannedLayer",
    "PlannedPackage",
    "PlannedProcess",
    "decided",
    "last_build",
    "read_decision",
]

_METADATA = "io.buildpacks.lifecycle.metadata"


@dataclass(frozen=True)
class PlannedLayer:
    """A layer.

    Args:
        name: its name.
        state: "rebuild", "keep" (from the cache) or "reuse" (from the previous image).
        why: reasons for a rebuild.
        launch: whether the image gets it.
    """

    name: str
    state: str
    why: tuple[str, ...]
    launch: bool


@dataclass(frozen=True)
class PlannedPackage:
    """A package.

    Args:
        name: its name.
        version: its version.
        size: bytes to download; 0 if that is not known.
        layer: the layer it is in; empty if that is not known.
    """

    name: str
    version: str
    size: int
    layer: str


@dataclass(frozen=True)
class PlannedProcess:
    """A process.

    Args:
        type: its name.
        command: what runs, arguments included.
        default: whether it is what the image starts.
    """

    type: str
    command: tuple[str, ...]
    default: bool


@dataclass(frozen=True)
class Decided:
    """What one buildpack decides.

    Args:
        id: the buildpack's.
        decides: whether it decides before it builds; nothing else is known if not.
        rest: what is not known before it builds; empty if all is.
        layers: those it will open.
        packages: those that the image gets.
        processes: those of the image.
        labels: of the image.
        notes: what it says.
        warnings: what may go wrong.
    """

    id: str
    decides: bool
    rest: str = ""
    layers: tuple[PlannedLayer, ...] = ()
    packages: tuple[PlannedPackage, ...] = ()
    processes: tuple[PlannedProcess, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LastBuild:
    """What there is of an app's last build.

    Args:
        metadata: the label with its layers; empty if there is no image.
        cache: the lifecycle's cache folder.
    """

    metadata: Mapping[str, Any]
    cache: Path


def last_build(home: Home, store: ImageStore, name: str, arch: str, hardware: str) -> LastBuild:
    """The last build of an image, found as `Build` finds it.

    Args:
        home: where caches are.
        store: where images are.
        name: the image's.
        arch: what it would be for.
        hardware: BP_HARDWARE.
    """
    reference = Reference.parse(name).to_store("")
    cache = app_cache(home, reference, arch if is_foreign(arch) else "", hardware)
    before, usable = predecessor_in_store(store, candidates(reference, "", last_name(cache)), arch)
    metadata: Mapping[str, Any] = {}
    if before and usable:
        try:
            config = Image.from_store(store, before, f"linux/{arch}").config
            metadata = json.loads(config.get("config", {}).get("Labels", {}).get(_METADATA, "{}"))
        except (CnbkitError, ValueError, AttributeError):
            metadata = {}  # a build would not find anything of it, either
    return LastBuild(metadata, cache / "layers")


def decided(
    sandboxes: PhaseSandboxes,
    log: Path,
    documents: Mapping[str, bytes],
    last: LastBuild,
    *,
    resolve: bool,
    tell: Callable[[str], None],
) -> tuple[Decided, ...]:
    """Ask every buildpack that takes part.

    Args:
        sandboxes: the builder's is used.
        log: the file that their lines go to.
        documents: group.toml, plan.toml and analyzed.toml.
        last: what there is of the last build.
        resolve: whether they may ask indexes.
        tell: is told what the one that fails says.

    Raises:
        BuildFailed: one of them failed.
        PlatformFault: the sandbox cannot be made.
    """
    folder = sandboxes.builder / "buildpacks"
    group = members(documents["group.toml"], folder)
    asked = [each for each in group if can_decide(folder / each.folder / each.version)]
    layers = layers_folder(sandboxes.space, "builder")
    restore_known(layers, asked, last.metadata, last.cache)
    found = decisions(sandboxes, log, layers, asked, documents, resolve=resolve, tell=tell)
    return tuple(read_decision(each.id, found.get(each.id, {})) for each in group)


def read_decision(id: str, table: Mapping[str, Any]) -> Decided:  # noqa: A002
    """What a buildpack has written; code of the app may have run there, and written over it.

    Raises:
        BuildpackFault: it is not a decision.
    """
    try:
        found = _decided(id, table)
        _check(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BuildpackFault(
            f"{id} decided what cannot be read: {error!r}"[:300],
            where=DECISION,
            remedy="tell whoever made the buildpack, if no code of the app has written it",
        ) from None
    return found


def _check(found: Decided) -> None:
    """Raises TypeError where what is shown as text is none."""
    texts = [
        *(found.rest, *found.notes, *found.warnings),
        *(text for label in found.labels for text in label),
        *(text for each in found.layers for text in (each.name, each.state, *each.why)),
        *(text for each in found.processes for text in (each.type, *each.command)),
        *(text for each in found.packages for text in (each.name, each.version, each.layer)),
    ]
    if any(not isinstance(each.size, int) for each in found.packages):
        raise TypeError("a size is not a number")
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is not text")


def _decided(id: str, table: Mapping[str, Any]) -> Decided:  # noqa: A002
    return Decided(
        id=id,
        decides=bool(table.get("decides")),
        rest=str(table.get("rest", "")),
        layers=tuple(
            PlannedLayer(each["name"], each["state"], tuple(each["why"]), bool(each["launch"]))
            for each in table.get("layers", [])
        ),
        packages=tuple(PlannedPackage(**each) for each in table.get("packages", [])),
        processes=tuple(
            PlannedProcess(each["type"], (*each["command"], *each["args"]), each["default"])
            for each in table.get("processes", [])
        ),
        labels=tuple(sorted(table.get("labels", {}).items())),
        notes=tuple(table.get("notes", [])),
        warnings=tuple(table.get("warnings", [])),
    )
