"""The run image for GPUs: the plain one with what NVIDIA's container runtime asks an image for.

    python -m cnbkit_engine.base.gpu      print run-cuda.Dockerfile

That runtime decides before anything of the image runs, by the environment in the image's
configuration (nvidia-container-toolkit, internal/config/image). An image has it from its run image,
and no buildpack can add to it: a layer's variables are set by the launcher, which is too late. So
there are two run images of the same layers, and the platform takes the one that fits the app.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit.hardware import FILE, PROJECT, SETTING, Words
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import UnknownImage
from cnbkit_engine.oci.types import OCI_MANIFEST
from cnbkit_engine.state.app_text import app_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore

__all__ = [
    "asks_container_runtime",
    "asks_for_gpus",
    "dockerfile",
    "gpu_name",
    "gpu_run_image",
    "plain_name",
    "stands_on_gpus",
]

# As NVIDIA's own images have it: all of the host's GPUs, to compute with, and nvidia-smi. Not
# NVIDIA_REQUIRE_CUDA, which keeps a container from starting: whether a driver that is too old is an
# error is for BPL_CUDA_CHECK to say.
_VARIABLES = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}

_PLAIN, _NAME = "cnbkit/run", "cnbkit/run-cuda"
_SUFFIX = "-cuda"


def asks_for_gpus(app: Path, env: Mapping[str, str], builder: Path) -> bool:
    """Whether the image is to be for NVIDIA's GPUs, as far as can be known before the build.

    The first of these counts: BP_HARDWARE, of the build or of the builder; hardware.txt; `hardware`
    below `[tool.cnbkit]` in pyproject.toml. Which words mean
    these GPUs says a buildpack of the builder: `cuda` in its `[metadata.cnbkit.run-image]`.

    Args:
        app: the app's folder.
        env: build-time variables.
        builder: the folder with assembled buildpacks.
    """
    words = _stated(app, env, builder / "build-config" / "env").words
    return bool(words) and bool({word.name for word in words} & _known(builder / "buildpacks"))


def gpu_run_image(store: ImageStore, plain: str) -> str:
    """The run image for GPUs made from the plain one, in the store; returns its name.

    Args:
        store: has the plain one.
        plain: its name.

    Raises:
        PlatformFault: the store is damaged, or cannot be written.
    """
    name = gpu_name(plain)
    image = Image.from_store(store, plain)
    settings = image.config["config"]
    variables = [f"{key}={value}" for key, value in _VARIABLES.items()]
    env = [*(settings.get("Env") or ()), *variables]
    data = _json({**image.config, "config": {**settings, "Env": env}})
    descriptor = {**image.manifest["config"], "digest": store.put_blob(data), "size": len(data)}
    manifest = _json({**image.manifest, "config": descriptor})
    if _digest(store, name) != _sha256(manifest):
        store.put_manifest(name, image.manifest.get("mediaType", OCI_MANIFEST), manifest)
    return name


def stands_on_gpus(run_image: str) -> bool:
    """Whether a run image, as an image names what it was built on, is the one for GPUs."""
    return f"/{_NAME}:" in f"/{run_image}" or run_image.partition("@")[0].endswith(_SUFFIX)


def gpu_name(plain: str) -> str:
    """The name of the run image for GPUs, by the plain one's.

    cnbkit's own has a repository of its own; of any other the tag has the word at its end.
    """
    if plain.startswith(f"{_PLAIN}:"):
        return plain.replace(_PLAIN, _NAME, 1)
    reference = Reference.parse(plain)
    return f"{reference.familiar}:{reference.tag or 'latest'}{_SUFFIX}"


def plain_name(gpu: str) -> str:
    """The plain run image's name, by that of the one for GPUs."""
    if gpu.startswith(f"{_NAME}:"):
        return gpu.replace(_NAME, _PLAIN, 1)
    return gpu.removesuffix(_SUFFIX)


def asks_container_runtime(settings: Mapping[str, Any]) -> bool:
    """Whether an image asks NVIDIA's container runtime for GPUs already.

    Args:
        settings: `config` of its configuration.
    """
    known = {str(each).partition("=")[0] for each in settings.get("Env") or ()}
    return next(iter(_VARIABLES)) in known


def dockerfile() -> str:
    """A Dockerfile for the same image, for where an image builder is at hand."""
    return "\n".join(
        [
            "# Generated: python -m cnbkit_engine.base.gpu",
            "# Build with: docker build -f run-cuda.Dockerfile --build-arg run_image=REF .",
            "ARG run_image",
            "FROM ${run_image}",
            *(f"ENV {key}={value}" for key, value in _VARIABLES.items()),
            "",
        ]
    )


def _stated(app: Path, env: Mapping[str, str], configured: Path) -> Words:
    """What names the hardware, or nothing."""
    told = [
        _text(configured / f"{SETTING}.override"),
        env.get(SETTING, ""),
        # As the lifecycle has it, a builder's variable without a suffix is a default.
        _text(configured / SETTING) or _text(configured / f"{SETTING}.default"),
    ]
    file = app_text(app, FILE)
    project = app_text(app, PROJECT) or ""
    return Words.of(next(filter(None, told), ""), file, project)


def _known(buildpacks: Path) -> set[str]:
    """The words that stand for NVIDIA's GPUs."""
    import tomllib

    found: set[str] = set()
    for path in buildpacks.glob("*/*/buildpack.toml"):
        text = _text(path)
        if "[metadata.cnbkit.run-image]" in text:
            metadata = tomllib.loads(text)["metadata"]
            found.update(metadata["cnbkit"]["run-image"].get("cuda", ()))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _digest(store: ImageStore, name: str) -> str:
    try:
        return store.resolve(name).digest
    except UnknownImage:
        return ""


def _sha256(data: bytes) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode()


if __name__ == "__main__":
    import sys

    sys.stdout.write(dockerfile())
