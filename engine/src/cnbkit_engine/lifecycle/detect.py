"""The lifecycle's detector alone, without a build around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.spec.toml import encode
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.lifecycle.handover import document, hand_over
from cnbkit_engine.lifecycle.options import DETECTOR, EXTENSIONS, layers_folder
from cnbkit_engine.lifecycle.process import STDIN, Process

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.lifecycle.output import Narrator
    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes
    from cnbkit_engine.oci.image import Image

__all__ = ["analyzed_for", "detect"]

_DISTRO = "io.buildpacks.base.distro"
_ID = "io.buildpacks.base.id"


def analyzed_for(run_image: Image, name: str) -> bytes:
    """The analyzed.toml that the analyzer writes for a new image, as far as the detector reads it.

    Args:
        run_image: what the image would stand on.
        name: its name.
    """
    labels = run_image.config.get("config", {}).get("Labels") or {}
    target = {
        "id": labels.get(_ID, ""),
        "os": run_image.config.get("os", ""),
        "arch": run_image.config.get("architecture", ""),
        "distro": {key: labels.get(f"{_DISTRO}.{key}", "") for key in ("name", "version")},
    }
    return encode({"run-image": {"reference": name, "image": name, "target": target}}).encode()


def detect(
    sandboxes: PhaseSandboxes, narrator: Narrator, log: Path, space: Path, analyzed: bytes
) -> tuple[bytes, bytes]:
    """Run the detector; returns group.toml and plan.toml.

    The narrator's `detection` has what each buildpack said, also where a group fits.

    Args:
        sandboxes: the detector's is used.
        narrator: is told its lines.
        log: the file those lines go to.
        space: this build's own folder.
        analyzed: what `analyzed_for` returns.

    Raises:
        BuildFailed: no group fits, or a buildpack failed.
        PlatformFault: the sandbox cannot be made.
    """
    layers = layers_folder(space, "detector")
    narrator.line("===> DETECTING")
    given: tuple[str, ...] = ("-analyzed", STDIN)
    if sandboxes.has_extensions:
        given = EXTENSIONS
        hand_over(layers, {"analyzed.toml": analyzed})
    with Process(
        sandboxes.buildpacks(layers), "detector", "-log-level", "debug", *given, *DETECTOR
    ) as detector:
        code = detector.finish(narrator.line, analyzed)
    if code:
        raise BuildFailed(code, log, told=narrator.told)
    return document(layers, "group.toml"), document(layers, "plan.toml")
