"""One app for several kinds of hardware: what its images take in a registry, beside Dockerfiles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.docker_engine import DockerEngine, docker_engine
from bench.measure import Command, timed
from bench.registry import LocalRegistry, local_registry
from bench.sides import CnbkitSide
from bench.table import markdown
from bench.turns import Written
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Blobs = dict[str, int]  # digest → bytes

__all__ = ["VARIANTS", "measure_variants", "variants_table"]

_CNBKIT, _DOCKER = "cnbkit", "docker"
_LIBRARY = "edge/libedgetpu.so.1.0"
# Word → what its Dockerfile has besides the requirements.
VARIANTS = {
    "cpu": "",
    "coral": f"COPY {_LIBRARY} /usr/local/lib/\nRUN ldconfig\n",
    "cuda:12": "RUN pip install --no-cache-dir nvidia-cublas-cu12 nvidia-cudnn-cu12\n",
}
_QUICK = {word: more for word, more in VARIANTS.items() if word != "cuda:12"}
_CHANGES = {"code": "one line of code", "light": "one light dependency"}

_LIGHT = ("2025.8.3", "2025.7.14")
_REQUIREMENTS = """\
flask==3.1.2
pandas==2.3.2
ctranslate2==4.6.0
ai-edge-litert==2.1.0
certifi=={light}
"""
_APP = """\
import ctranslate2
import pandas as pd

# Version {number}.
heights = pd.DataFrame({{"metres": [8849, 8611, 8586]}})
print(heights["metres"].mean(), ctranslate2.get_cuda_device_count())
"""
# As it is recommended: what all have in common comes first, so that Docker's cache shares it.
_DOCKERFILE = """\
FROM {base}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
{more}COPY . .
CMD ["python3", "app.py"]
"""
_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json"
)

_TOLD = """\
An app with Flask, pandas, CTranslate2 and LiteRT, of real wheels of the public index, for {words}.

- **docker**: a Dockerfile for each, written by somebody who knows: the common requirements in a
  first RUN step; in a second one what the hardware needs, cuBLAS and cuDNN or the Edge TPU's
  library (an empty stand-in of it). One engine builds them one after the other, so that its cache
  shares the first step; then `docker push`.
- **cnbkit**: `cnbkit build --hardware … --publish`, once; no requirement names any of it.

Bytes are those of the registry: compressed layers by the manifests, without the base image, which
neither has to send again. "added up" is what the images would take if they shared nothing, as when
each Dockerfile has all its packages in one step. "more" is what a change adds to the registry, and
about what travels to each node that has the images. Times are not measured here.
"""


def measure_variants(scratch: Path, results: Path, *, quick: bool = False) -> dict[str, Any]:
    """Build and push all variants with both, change something in all of them, build again.

    Args:
        scratch: an empty folder on a disk with 15 GB free, with a short path.
        results: keeps what later measurements use again, and logs.
        quick: without the largest variant.

    Returns:
        Bytes of each image by side and word, `stored` of all by side, and `more` by change.
    """
    words = _QUICK if quick else VARIANTS
    found: dict[str, Any] = {"images": {}, "stored": {}, "more": {}}
    with ExitStack() as stack:
        registry, _ = stack.enter_context(local_registry(scratch))
        with docker_engine(scratch / "docker") as engine:
            base = f"{registry.host}/base"
            engine.make_base(results / "docker-base.tar", base)
            build = _docker_build(engine, registry, base, scratch, results, words)
            _measure_side(_DOCKER, build, registry, words, _blobs(registry, "base:latest"), found)
        home = Home.default()
        BaseImages(home, ImageStore(home.images), progress=print).prepare()
        ensure_lifecycle(home, arch=machine_architecture(), progress=print)
        base_layers = _run_image(home)
        build = _cnbkit_build(registry, scratch, results, words)
        _measure_side(_CNBKIT, build, registry, words, base_layers, found)
    return found


def variants_table(found: Mapping[str, Any]) -> str:
    """What `measure_variants` gives, as a section of the report."""
    images, stored, more = found["images"], found["stored"], found["more"]
    words = list(images[_CNBKIT])
    rows = [_row(word, images[_DOCKER][word], images[_CNBKIT][word]) for word in words]
    sums = {side: sum(each.values()) for side, each in images.items()}
    rows.append(_row("added up", sums[_DOCKER], sums[_CNBKIT]))
    rows.append(_row("in the registry, each blob once", stored[_DOCKER], stored[_CNBKIT]))
    rows += [
        _row(f"more after {told} in all", more[change][_DOCKER], more[change][_CNBKIT])
        for change, told in _CHANGES.items()
    ]
    told = _TOLD.format(words=", ".join(words))
    return f"{told}\n{markdown(('', _DOCKER, _CNBKIT, 'ratio'), rows)}"


def _row(what: str, theirs: int, ours: int) -> tuple[str, str, str, str]:
    return what, _size(theirs), _size(ours), f"{ours / theirs:.3f}" if theirs else "-"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _measure_side(
    side: str,
    build: Callable[[Mapping[str, int]], None],
    registry: LocalRegistry,
    words: Mapping[str, str],
    base: Blobs,
    found: dict[str, Any],
) -> None:
    """Fresh images of all words, then each change; `base` is in the registry anyway."""

    def blobs() -> dict[str, Blobs]:
        return {word: _blobs(registry, f"{side}:{_tag(word)}") for word in words}

    print(f"  {side}", flush=True)
    build({})
    first = blobs()
    found["images"][side] = {word: _sum(own, base) for word, own in first.items()}
    known = dict(base)
    for own in first.values():
        known |= own
    found["stored"][side] = _sum(known, base)
    changes: dict[str, int] = {}
    for change in _CHANGES:
        changes[change] = 1
        build(changes)
        now: Blobs = {}
        for own in blobs().values():
            now |= own
        found["more"].setdefault(change, {})[side] = _sum(now, known)
        known |= now


def _sum(blobs: Blobs, without: Blobs) -> int:
    return sum(size for digest, size in blobs.items() if digest not in without)


def _docker_build(
    engine: DockerEngine,
    registry: LocalRegistry,
    base: str,
    scratch: Path,
    results: Path,
    words: Mapping[str, str],
) -> Callable[[Mapping[str, int]], None]:
    log = results / "docker-variants.log"
    library = _library(scratch)

    def build(changes: Mapping[str, int]) -> None:
        for word, more in words.items():
            app = Written(
                scratch / "apps" / _tag(word),
                lambda changed, more=more: {  # type: ignore[misc]
                    **_files(changed),
                    _LIBRARY: library,
                    "Dockerfile": _DOCKERFILE.format(base=base, more=more),
                    ".dockerignore": "Dockerfile\n.dockerignore\n",
                },
            )
            app.reset()
            for what, number in changes.items():
                app.change(what, number)
            tag = f"{registry.host}/{_DOCKER}:{_tag(word)}"
            timed(engine.build(app.folder, tag), log)
            timed(engine.command("push", "--quiet", tag), log)

    return build


def _cnbkit_build(
    registry: LocalRegistry, scratch: Path, results: Path, words: Mapping[str, str]
) -> Callable[[Mapping[str, int]], None]:
    library = _library(scratch)
    app = Written(
        scratch / "apps" / _CNBKIT, lambda changes: {**_files(changes), _LIBRARY: library}
    )
    home = Home(scratch / "home")
    log = results / "cnbkit-variants.log"
    CnbkitSide(_CNBKIT, registry, home, Home.default(), app, log).reset()
    program = Path(sys.executable).with_name("cnbkit")
    reference = f"{registry.host}/{_CNBKIT}"
    command = Command(
        (
            *(str(program), "build", str(app.folder), "--hardware", ",".join(words)),
            *("--publish", reference, "--insecure-registry", registry.host),
            *("--env", f"BP_CORAL_RUNTIME={_LIBRARY}"),
        ),
        env=os.environ | {"CNBKIT_HOME": str(home.root)},
    )

    def build(changes: Mapping[str, int]) -> None:
        for what, number in changes.items():
            app.change(what, number)
        timed(command, log)

    return build


def _files(changes: Mapping[str, int]) -> dict[str, str | bytes]:
    light = _LIGHT[changes.get("light", 0)]
    return {
        "app.py": _APP.format(number=changes.get("code", 0)),
        "requirements.txt": _REQUIREMENTS.format(light=light),
    }


def _library(scratch: Path) -> bytes:
    """As much of the Edge TPU's library as a loader asks for."""
    path = scratch / "libedgetpu.so.1.0"
    empty = ["gcc", "-shared", "-x", "c", "/dev/null", "-Wl,-soname,libedgetpu.so.1", "-o"]
    subprocess.run([*empty, path], check=True)
    return path.read_bytes()


def _tag(word: str) -> str:
    return word.replace(":", "-")


def _blobs(registry: LocalRegistry, name: str) -> Blobs:
    """The layers of an image in the registry."""
    repository, _, tag = name.rpartition(":")
    request = urllib.request.Request(
        f"http://{registry.host}/v2/{repository}/manifests/{tag}", headers={"Accept": _MANIFESTS}
    )
    with urllib.request.urlopen(request) as reply:
        manifest: dict[str, Any] = json.load(reply)
    return {layer["digest"]: layer["size"] for layer in manifest["layers"]}


def _run_image(home: Home) -> Blobs:
    store = ImageStore(home.images)
    name = BaseImages(home, store).ensure_run_image()
    manifest = json.loads(store.read_blob(store.resolve(name).digest))
    return {layer["digest"]: layer["size"] for layer in manifest["layers"]}
