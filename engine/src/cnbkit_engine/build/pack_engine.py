"""The engine `pack`: the same builder.toml and options, built by pack with a Docker engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.gpu import asks_for_gpus, gpu_run_image
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.build.app_copy import copy_app
from cnbkit_engine.build.app_files import PROJECT, AppFiles
from cnbkit_engine.build.app_report import told_of_app
from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.build.build import Outcome
from cnbkit_engine.build.conventions import unused
from cnbkit_engine.build.verdict import judged
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.oci.export import export_docker_archive
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.state.workspace import Workspace
from cnbkit_engine.tools.pack import ensure_pack

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.base.suites import Suite
    from cnbkit_engine.build.build import Build
    from cnbkit_engine.state.home import Home

__all__ = ["build_with_pack"]

_PREFIX = re.compile(r"^\[[a-z]+\] ")  # the phase, where the builder is not trusted
_STATUS = re.compile(r"status code: (\d+)")


def build_with_pack(build: Build, home: Home, *, network: str = "") -> Outcome:
    """Build with pack and the Docker engine that `docker` talks to.

    The builder image is made from builder.toml and put into the engine when one of its sources
    has changed; so are cnbkit's base images, where builder.toml names no others.

    Args:
        build: what to build, and how.
        home: base images, the lifecycle, pack and assembled buildpacks are kept there.
        network: the network of the build's containers; the engine's default if empty.

    Raises:
        BuildFailed: the lifecycle or a buildpack failed.
        UserFault: the app's folder is not one, or with `publish` no registry has the run image.
        PlatformFault: there is no Docker engine, or it does not take an image.
    """
    start = time.monotonic()
    files = AppFiles(build.app)
    env = {**files.variables, **build.env}
    choice = choose_base(build.base, build.app, env, build.builder)
    if choice.reason:
        build.show(str(choice))
    suite = choice.suite
    docker = _docker()
    arch = machine_architecture()
    pack = ensure_pack(home, arch=arch, progress=build.show)
    run_image = (
        ""
        if _names_run_image(build.builder) or build.publish or build.run_image
        else _own_run_image(home, docker, build, suite)
    )
    assembled = _assembled(home, build, suite)
    named = run_image or ("" if _names_run_image(build.builder) else build.run_image)
    builder = _builder(home, docker, build, assembled, named, suite)
    command = [
        *(str(pack), "build", build.name, "--builder", builder),
        *("--trust-builder", "--pull-policy", "if-not-present", "--no-color"),
    ]
    if run_image and asks_for_gpus(build.app, env, assembled):
        command += ["--run-image", _own_run_image(home, docker, build, suite, gpus=True)]
    elif build.run_image:
        command += ["--run-image", build.run_image]
    for name in build.env:
        command += ["--env", name]  # its value by the environment, which others cannot read
    if build.exec_env:
        # --exec-env tells only buildpacks for Buildpack API 0.12.
        command += ["--env", f"CNB_EXEC_ENV={build.exec_env}"]
    for volume in build.volumes:
        mode = "rw" if volume.writable else "ro"
        command += ["--volume", f"{volume.source}:{volume.target}:{mode}"]
    if bundle := host_bundle():
        command += ["--volume", f"{bundle.resolve()}:{BUNDLE}:ro"]
    for host in build.insecure_registries:
        command += ["--insecure-registry", host]
    for option, value in (
        # Otherwise the lifecycle looks for the engine at the usual place only.
        ("--docker-host", "inherit" if os.environ.get("DOCKER_HOST") else ""),
        ("--default-process", build.default_process),
        ("--exec-env", build.exec_env),
        ("--creation-time", build.created),
        ("--network", network),
        ("--previous-image", build.previous_image),
        ("--cache-image", build.cache_image),
    ):
        if value:
            command += [option, value]
    for tag in build.tags:
        command += ["--tag", tag]
    command += ["--publish"] if build.publish else []
    command += ["--clear-cache"] if build.clear_cache else []
    with Workspace(home.tmp) as space:
        # pack itself knows project.toml alone.
        copied = copy_app(build.app, space / "app", files)
        told_of_app(copied, files, build.env, assembled, build.show)
        command += ["--path", str(space / "app")]
        if (build.app / PROJECT).is_file():  # which its own rules may leave out of the copy
            command += ["--descriptor", str(build.app / PROJECT)]
        narrator = _run(command, build, home.root / "pack.log", copied.paths, assembled)
    return Outcome(
        name=build.name,
        digest=narrator.digest,
        layers=narrator.layers,
        why={},
        seconds=time.monotonic() - start,
        image=None,
    )


def _docker() -> str:
    found = shutil.which("docker")
    if not found:
        raise PlatformFault(
            "there is no docker, which the engine pack needs",
            where="PATH",
            remedy="install Docker, or build with --engine embedded, which needs none",
        )
    done = subprocess.run(
        [found, "version", "--format", "{{.Server.Version}}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise PlatformFault(
            "the Docker engine does not answer",
            where=os.environ.get("DOCKER_HOST", "docker"),
            remedy="start it, or build with --engine embedded, which needs none",
            detail=done.stderr.rstrip(),
        )
    return found


def _names_run_image(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False  # whoever makes the builder says so
    builder = BuilderDescriptor.loads(text, name=path.name, where=str(path))
    return bool((builder.run and builder.run.images) or (builder.stack and builder.stack.run_image))


def _own_run_image(
    home: Home, docker: str, build: Build, suite: Suite, *, gpus: bool = False
) -> str:
    """The run image of the embedded engine, for Docker's."""
    store = ImageStore(home.images)
    name = BaseImages(home, store, suite=suite, progress=build.show).ensure_run_image()
    if gpus:
        name = gpu_run_image(store, name)
    if _id(docker, name) != Image.from_store(store, name).config_digest:
        _load(home, docker, store, name)
    return name


def _assembled(home: Home, build: Build, suite: Suite) -> Path:
    bases = BaseImages(home, ImageStore(home.images), suite=suite, progress=build.show)
    root = bases.ensure_build_root()
    runtime = Runtime(version=suite.python, arch=machine_architecture())
    return ensure_builder(home, build.builder, runtime, root, build.show)


def _builder(
    home: Home, docker: str, build: Build, assembled: Path, run_image: str, suite: Suite
) -> str:
    """The builder image, in the engine under a name that changes with its sources."""
    reference = f"cnbkit/builder:{assembled.name}"
    if run_image:
        reference += f"-{sha256(run_image.encode()).hexdigest()[:8]}"  # recorded in the builder
    if not _id(docker, reference):
        build.show("Making the builder image ...")
        with Workspace(home.tmp) as space:
            image = BuilderImage(
                build.builder,
                run_image=run_image,
                base=suite.name,
                targets=[machine_architecture()],
                insecure=build.insecure_registries,
                show=build.show,
            )
            image.save(home, "oci", space / "builder")
            store = ImageStore(space / "builder")
            [name] = store.names()
            made = store.resolve(name)
            store.put_manifest(reference, made.media_type, store.read_blob(made.digest))
            _load(home, docker, store, reference)
    return reference


def _id(docker: str, reference: str) -> str:
    """The digest of an image's config; empty if the engine does not have it."""
    asked = [docker, "image", "inspect", "--format", "{{.Id}}", reference]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _load(home: Home, docker: str, store: ImageStore, reference: str) -> None:
    with Workspace(home.tmp) as space:
        export_docker_archive(store, reference, space / "image.tar")
        done = subprocess.run(
            [docker, "load", "--input", str(space / "image.tar")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise PlatformFault(
            "the Docker engine does not take an image",
            where=reference,
            remedy="see below what it says",
            detail=done.stderr.rstrip(),
        )


def _run(
    command: list[str], build: Build, log: Path, paths: list[str], assembled: Path
) -> Narrator:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        notes = unused(paths, assembled)
        narrator = Narrator(build.show, file, verbose=build.verbose, notes=notes)
        with subprocess.Popen(
            command,
            env={**os.environ, **build.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as running:
            assert running.stdout is not None
            for line in running.stdout:
                narrator.line(_PREFIX.sub("", line.decode(errors="replace").rstrip("\n")))
    if not running.returncode:
        return narrator
    said = log.read_text(encoding="utf-8")
    status = _STATUS.findall(said)
    if not status and not build.verbose:
        for text in said.splitlines()[-5:]:
            build.show(text)  # pack's own fault, which is not a line of the lifecycle's
    failed = BuildFailed(int(status[-1]) if status else 1, log, told=narrator.told)
    raise judged(failed, narrator.detection, build.app, paths, assembled)
