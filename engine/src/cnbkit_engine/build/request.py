"""What is to be built, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.lifecycle.detection import Detection
    from cnbkit_engine.lifecycle.timeline import Mark
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.sandbox.sandbox import Bind

__all__ = ["BuildRequest", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """A finished build.

    Args:
        name: the image's name.
        digest: of its manifest.
        layers: "built" or "reused" for each layer, by the lifecycle's name for it.
        why: reasons for rebuilds, by `buildpack_id:layer`.
        seconds: wall time, preparations included.
        image: the image in the store; None if it was published.
        marks: when phases and buildpacks began.
        unchanged: whether the image is the one that was there, and nothing was built.
    """

    name: str
    digest: str
    layers: Mapping[str, str]
    why: Mapping[str, str]
    seconds: float
    image: Image | None
    marks: tuple[Mark, ...] = ()
    unchanged: bool = False


@dataclass(frozen=True)
class BuildRequest:
    """What to build, and how.

    Args:
        app: the app's folder.
        name: the image's name; with `publish`, a registry's reference.
        builder: path of builder.toml.
        env: build-time variables (`--env`).
        volumes: files and folders of the host to show to the buildpacks (`--volume`).
        publish: export to the registry in `name` instead of the store.
        tags: more names for the published image, in the same registry.
        compression: of the published image's layers, `gzip` or `zstd`; the run image's stay.
        run_image: what the app is put on (`--run-image`); the builder's choice if empty.
        previous_image: whose layers are used again (`--previous-image`); if empty the image that
            has the name, else an earlier one of the repository.
        cache_image: where the cache is kept in a registry (`--cache-image`).
        clear_cache: begin with an empty cache, and re-use nothing of the previous image.
        force: run the lifecycle also if nothing has changed since the image was built.
        default_process: the process type the image starts; the buildpacks' choice if empty.
        exec_env: what the image is for (`--exec-env`); "production" if empty.
        created: seconds since 1970 that the image says it was made at; 1980 if empty.
        arch: `amd64` or `arm64`; this machine's if empty.
        base: `bookworm` or `trixie`; the builder's, or the one whose Python the app asks for, if
            empty.
        insecure_registries: hosts to speak plain HTTP to.
        network: of the phases that run others' code: `host`, `none` or `private`; private where it
            can be had if empty.
        verbose: show all of the lifecycle's output.
        detection: gets to know what each buildpack says in detect, also where all goes well.
        show: prints a line.
    """

    app: Path
    name: str
    builder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Bind, ...] = ()
    publish: bool = False
    tags: tuple[str, ...] = ()
    compression: str = "gzip"
    run_image: str = ""
    previous_image: str = ""
    cache_image: str = ""
    clear_cache: bool = False
    force: bool = False
    default_process: str = ""
    exec_env: str = ""
    created: str = ""
    arch: str = ""
    base: str = ""
    insecure_registries: tuple[str, ...] = ()
    network: str = ""
    verbose: bool = False
    detection: Detection | None = None
    show: Callable[[str], None] = print
