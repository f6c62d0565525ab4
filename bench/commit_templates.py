"""The templates that build in containers: what their service does with a commit, on this machine.

Each builds in two ways. `reuse` is the template as it stands. Without it each commit is built as
if it were the first: an image of a new name, no previous image, no cache.

- CircleCI: the template's own `pack build`, with pack and a Docker engine. Its machine is a new one
  for every job, so pack's volumes are removed before. Not done: checkout, installing pack, login.
- Tekton: the task buildpacks-phases 0.3, which the template names: its five steps of the lifecycle
  with the arguments, environment and volumes that the task gives them, each in a container of the
  builder image. Not done: `get-labels-and-env` and `results`, which are scripts in images of
  others; `prepare` is done in their place (files of variables, owners).
- kpack 0.18: its own program `build-init` (clones the commit, writes variables and credentials),
  five phases with a build pod's arguments, environment and volumes, and its own code of
  `completion` (reads the image, says what the next build goes on from; tools/kpack/complete.go).
  Both are mounted into the builder image, whose git stands for a git server. Not done: what the
  controller does. The builder is cnbkit's, not one that kpack made of the same buildpacks.

A pod's start, pulls of images and clones over a network are in none of them.
"""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Protocol

from ruamel.yaml import YAML

from bench.pods import Pod, Step
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.ci.files import rendered
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices

__all__ = ["CircleCi", "Kpack", "Tekton", "Template"]

_PYTHON = ("BP_PYTHON_VERSION", DEFAULT.python)
_LIFECYCLE = "/cnb/lifecycle"
_PODS = "commits"


class Template(Protocol):
    """A template, and what stands for its service here."""

    name: str

    def fresh_machine(self) -> None:
        """Leave nothing of earlier builds on the machine."""

    def build(self, app: Path, commit: str, *, reuse: bool) -> tuple[str, str]:
        """Build and publish a commit; the image, and what was printed."""


class CircleCi:
    """`.circleci/config.yml`.

    Args:
        services: pack, engine, registry.
        builder: the builder image.
    """

    name = "CircleCI with pack"

    def __init__(self, services: PackServices, builder: str) -> None:
        self._services = services
        self._builder = builder

    def fresh_machine(self) -> None:
        """Remove pack's volumes."""
        docker = self._services.docker
        if volumes := docker.docker("volume", "ls", "--quiet").stdout.split():
            docker.docker("volume", "rm", *volumes)

    def build(self, app: Path, commit: str, *, reuse: bool) -> tuple[str, str]:
        """The template's command, with the options that this machine needs."""
        registry = f"{self._services.registry}/circleci"
        text = rendered("circleci", registry=registry, builder=self._builder)[
            ".circleci/config.yml"
        ]
        steps = YAML(typ="safe").load(text)["jobs"]["image"]["steps"]
        [script] = [
            step["run"]["command"]
            for step in steps
            if "run" in step and "pack build" in step["run"]["command"]
        ]
        command = shlex.split(script.replace("$CIRCLE_SHA1", commit).replace("\\\n", " "))[1:]
        if not reuse:
            command = without_reuse(command)
            command[1] = command[1].replace("/my-app:", f"/alone-{commit}:")
        # The template hands on the job's variable, which has its value from `environment`.
        command = ["=".join(_PYTHON) if word == _PYTHON[0] else word for word in command]
        here = ["--path", str(app), "--network", "host", "--pull-policy", "if-not-present"]
        if bundle := host_bundle():
            here += ["--volume", f"{bundle.resolve()}:{BUNDLE}:ro"]
        return command[1], self._services.pack(*command, *here).stdout


def without_reuse(command: list[str]) -> list[str]:
    """A `pack build` without what it goes on from, and without the tag it leaves for the next."""
    left = iter(command)
    kept = []
    for word in left:
        if word in ("--previous-image", "--cache", "--tag"):
            next(left)
        else:
            kept.append(word)
    return kept


class Tekton:
    """`pipeline.yaml` and `run.yaml`.

    Args:
        services: engine and registry.
        builder: the builder image.
    """

    name = "Tekton `buildpacks-phases`"

    def __init__(self, services: PackServices, builder: str) -> None:
        self._services = services
        self._builder = builder

    def fresh_machine(self) -> None:
        """A pod leaves nothing."""

    def build(self, app: Path, commit: str, *, reuse: bool) -> tuple[str, str]:
        """The task's steps, `prepare` to `export`.

        The template gives every commit the same name; without reuse each has one of its own.
        """
        host = self._services.registry
        image = f"{host}/tekton/my-app:main" if reuse else f"{host}/tekton/alone:{commit}"
        cache = f"{host}/tekton/my-app-cache" if reuse else ""
        source = "/workspace/source"
        api = {"CNB_PLATFORM_API": "0.13", "CNB_EXPERIMENTAL_MODE": "silent"}
        env = {**api, "HOME": "/tekton/home"}
        owner = ("-uid=1000", "-gid=1000", "-insecure-registry=")
        level, layers = "-log-level=info", {"/layers": "layers"}
        files = {**layers, "/platform": "platform", "/tekton/home": "home", source: "source"}
        here = (f"-app={source}/", "-layers=/layers", "-platform=/platform")
        group, plan = "-group=/layers/group.toml", "-plan=/layers/plan.toml"
        steps = (
            Step(
                (
                    *(f"{_LIFECYCLE}/analyzer", level, "-layers=/layers", "-run-image="),
                    *(f"-cache-image={cache}", *owner, "-tag=", "-skip-layers=false", image),
                ),
                layers,
                env,
            ),
            Step((f"{_LIFECYCLE}/detector", level, *here, group, plan), files, env),
            Step(
                (
                    *(f"{_LIFECYCLE}/restorer", level, f"-build-image={self._builder}", group),
                    *("-layers=/layers", "-cache-dir=", f"-cache-image={cache}", *owner),
                    "-skip-layers=false",
                ),
                {**layers, "/kaniko": "kaniko"},
                env,
            ),
            Step((f"{_LIFECYCLE}/builder", level, *here, group, plan), files, env),
            Step(
                (
                    *(f"{_LIFECYCLE}/exporter", level, *here[:2], group, "-cache-dir="),
                    *(f"-cache-image={cache}", "-report=/layers/report.toml"),
                    *("-process-type=web", *owner, image),
                ),
                {**layers, source: "source"},
                env,
            ),
        )
        with Workspace(self._services.docker.folder.parent / _PODS, background=True) as space:
            space.chmod(0o755)
            pod = Pod(self._services.docker, self._builder, space / "pod", {})
            _variables(pod)
            pod.put(app, "source")
            return image, "".join(map(pod.run, steps))


def _variables(pod: Pod) -> None:
    folder = pod.folder("platform") / "env"
    folder.mkdir()
    (folder / _PYTHON[0]).write_text(_PYTHON[1])


class Kpack:
    """`image.yaml`.

    Args:
        services: engine and registry.
        builder: the builder image.
        programs: folder with kpack's `build-init` and tools/kpack.
    """

    name = "kpack"

    def __init__(self, services: PackServices, builder: str, programs: Path) -> None:
        self._services = services
        self._builder = builder
        self._programs = programs
        self._last: dict[str, str] = {}
        self._number = 0

    def fresh_machine(self) -> None:
        """A pod leaves nothing."""

    def build(self, app: Path, commit: str, *, reuse: bool) -> tuple[str, str]:
        """A build pod: `prepare` to `completion`.

        kpack knows its last build; without reuse each commit is the first build of an Image.
        """
        self._number += 1
        registry = f"{self._services.registry}/kpack"
        image = f"{registry}/my-app" if reuse else f"{registry}/alone-{commit}"
        tags = (image, f"{image}:b{self._number}.20261201.000000")
        with Workspace(self._services.docker.folder.parent / _PODS, background=True) as space:
            space.chmod(0o755)
            (space / "repository").mkdir()
            pod = Pod(
                self._services.docker,
                self._builder,
                space / "pod",
                {"/kpack": self._programs, "/repository": space / "repository"},
            )
            revision = _commit(app, space / "repository", commit)
            last = self._last if reuse else {}
            cache = f"{image}-cache" if reuse else ""
            said = "".join(map(pod.run, self._steps(tags, revision, last, cache)))
            message = (pod.folder("termination") / "message").read_bytes()
        if reuse:
            self._last = json.loads(gzip.decompress(base64.b64decode(message)))
        return tags[1], said

    def _steps(
        self, tags: tuple[str, str], revision: str, last: dict[str, str], cache: str
    ) -> tuple[Step, ...]:
        run_image = self._services.run_image
        env = {"HOME": "/builder/home", "CNB_PLATFORM_API": "0.9"}
        bound = {"SERVICE_BINDING_ROOT": "/platform/bindings"}
        layers, app = {"/layers": "layers"}, {"/workspace": "workspace"}
        home, report = {"/builder/home": "home"}, {"/var/report": "report"}
        platform = {"/platform": "platform"}
        where = ("-layers=/layers",)
        group, plan = "-group=/layers/group.toml", "-plan=/layers/plan.toml"
        analyzed = "-analyzed=/layers/analyzed.toml"
        restored = [f"-cache-image={last.get('latestCacheImage') or cache}"] if cache else []
        exported = [f"-cache-image={cache}"] if cache else []
        previous = [f"-previous-image={last['latestImage']}"] if last else []
        return (
            Step(
                ("/kpack/build-init",),
                {**platform, **app, **home, "/projectMetadata": "layers"},
                {
                    "GIT_URL": "file:///repository",
                    "GIT_REVISION": revision,
                    f"PLATFORM_ENV_{_PYTHON[0]}": _PYTHON[1],
                    "IMAGE_TAG": tags[0],
                    "RUN_IMAGE": run_image,
                    "BUILDER_IMAGE": self._builder,
                    "BUILDER_NAME": "cnbkit",
                    "BUILDER_KIND": "ClusterBuilder",
                },
            ),
            Step(
                (
                    *(f"{_LIFECYCLE}/analyzer", *where, analyzed, f"-run-image={run_image}"),
                    *(*restored, f"-tag={tags[1]}", *previous, tags[0]),
                ),
                {**layers, **app, **home},
                {**env, **bound},
            ),
            Step(
                (f"{_LIFECYCLE}/detector", "-app=/workspace", group, plan),
                {**layers, **platform, **app},
                {"CNB_PLATFORM_API": "0.9"},
            ),
            Step(
                (f"{_LIFECYCLE}/restorer", group, *where, *restored, analyzed),
                {**layers, **home},
                env,
            ),
            Step(
                (f"{_LIFECYCLE}/builder", *where, "-app=/workspace", group, plan),
                {**layers, **platform, **app},
                {"CNB_PLATFORM_API": "0.9", **bound},
            ),
            Step(
                (
                    *(f"{_LIFECYCLE}/exporter", *where, "-app=/workspace", group, analyzed),
                    *("-project-metadata=/layers/project-metadata.toml", *exported),
                    *("-process-type=web", "-report=/var/report/report.toml", *tags),
                ),
                {**layers, **app, **home, **report},
                {**env, "CNB_RUN_IMAGE": run_image},
            ),
            Step(
                (
                    *("/kpack/kpack", "complete", "/var/report/report.toml", cache),
                    "/termination/message",
                ),
                {**home, **report, "/termination": "termination"},
                {"HOME": "/builder/home"},
            ),
        )


def _commit(app: Path, repository: Path, message: str) -> str:
    """A repository whose only commit has the app's files; the commit's digest."""

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        command = ["git", *who, "-C", str(repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("config", "uploadpack.allowTipSHA1InWant", "true")  # as git's hosts do
    git("config", "uploadpack.allowReachableSHA1InWant", "true")
    subprocess.run(["cp", "-a", f"{app}/.", str(repository)], check=True)
    git("add", "--all")
    git("commit", "--quiet", "--message", message)
    subprocess.run(["chown", "-R", "1000:1000", str(repository)], check=True)
    return git("-c", f"safe.directory={repository}", "rev-parse", "HEAD")
