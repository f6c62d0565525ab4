"""The lifecycle, run as other platforms run it: their Platform API, steps, environment, bindings.

What each does is read from its sources; the versions are in docs/howto/ci.md. The builder image's
place is taken by the same folders in a sandbox, and the registry's by cnbkit's own.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.build import prepare
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.grant import ANY, Grant
from cnbkit_engine.registry.server import Registry
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.sandbox.giving import give
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox
from cnbkit_engine.state.workspace import Workspace
from cnbkit_engine.testing import EmbeddedEngine
from cnbkit_engine.testing.engine import Options, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.build.build import Kit
    from cnbkit_engine.state.home import Home

__all__ = ["JobEngine", "Platform", "PlatformEngine", "cut", "whole", "with_newline"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LIFECYCLE = "/cnb/lifecycle"


def whole(value: str) -> str:
    """The value's file has nothing but the value."""
    return value


def with_newline(value: str) -> str:
    """Written with `echo`."""
    return f"{value}\n"


def cut(value: str) -> str:
    """`IFS='=' read -r key value rest`: gone from the value's own equals sign on."""
    return value.partition("=")[0]


@dataclass(frozen=True)
class Platform:
    """How a platform runs the lifecycle.

    Args:
        name: for people.
        api: its Platform API.
        phases: whether each phase has a container of its own; otherwise it is `creator`.
        app: the app's folder.
        value: what becomes of a variable's value on its way to a file.
        binding: how a binding is mounted: "" for not at all, "files", or "kubernetes" for links.
        binding_root: whether SERVICE_BINDING_ROOT is set where the buildpacks' builds run.
        cache_image: whether the cache is an image in the registry, and no folder.
        docker_config: whether credentials are in `~/.docker/config.json`, else in a variable.
        options: more options of the exporting program.
        restores: whether layers of the last build are restored.
    """

    name: str
    api: str
    phases: bool = False
    app: str = "/workspace"
    value: Callable[[str], str] = whole
    binding: str = ""
    binding_root: bool = False
    cache_image: bool = False
    docker_config: bool = False
    options: tuple[str, ...] = ()
    restores: bool = True


_PLAIN = Options()


@dataclass
class _Engine(EmbeddedEngine):
    """Runs what was built as the embedded engine does."""

    home: Home
    binding: Mapping[str, str]
    folder: Path
    store: ImageStore = field(init=False)

    def __post_init__(self) -> None:
        super().__init__(self.home)
        self.store = ImageStore(self.home.images)

    @property
    def place(self) -> str:
        """The app's folder."""
        return "/workspace"

    def kit(self, builder: Path) -> Kit:
        """What is in the builder image."""
        return prepare(self.home, self.store, builder, print)

    def exported(self, name: str) -> str:
        """What the platform calls the image in the registry."""
        return name

    def steps(
        self, registry: Registry, kit: Kit, name: str, env: Mapping[str, str], space: Path
    ) -> list[tuple[list[str], dict[str, str]]]:
        """Commands and their environments, in their order."""
        raise NotImplementedError

    def build(
        self,
        app: Path,
        name: str,
        builder: Path,
        env: Mapping[str, str],
        options: Options = _PLAIN,  # noqa: ARG002 - the protocol's
    ) -> Outcome:
        """Build as the platform does."""
        kit = self.kit(builder)
        log = StringIO()
        narrator = Narrator(lambda _line: None, log, verbose=False)
        with ExitStack() as stack:
            registry = stack.enter_context(Registry(self.store))
            space = stack.enter_context(Workspace(self.home.tmp))
            for folder in ("layers", "platform/env", "tmp", "home/.docker"):
                (space / folder).mkdir(parents=True)
            shutil.copytree(app, space / self.place.removeprefix("/"), symlinks=True)
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            run = f'[[images]]\nimage = "{registry.host}/{kit.run_image}"\n'
            (space / "run.toml").write_text(run)
            for command, variables in self.steps(registry, kit, name, env, space):
                sandbox = self._sandbox(kit, registry, space, variables, name)
                with sandbox.popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                ) as running:
                    assert running.process.stdout is not None
                    for line in running.process.stdout:
                        narrator.line(line.decode(errors="replace").rstrip("\n"))
                    code = running.wait()
                if code:
                    return Outcome(code, log.getvalue(), None, {}, {})
        image = Image.from_store(self.store, self.exported(name))
        return Outcome(0, log.getvalue(), image, narrator.layers, {})

    def _sandbox(
        self,
        kit: Kit,
        registry: Registry,
        space: Path,
        variables: Mapping[str, str],
        name: str,
    ) -> Sandbox:
        give(self.folder / name, sandbox_user(), within=self.folder)
        binds = [
            Bind(kit.builder / "buildpacks", "/cnb/buildpacks", given=True),
            Bind(kit.builder / "order.toml", "/cnb/order.toml", given=True),
            Bind(kit.lifecycle, _LIFECYCLE, given=True),
            Bind(space / "run.toml", "/cnb/run.toml", given=True),
            Bind(space / "tmp", "/tmp", writable=True, given=True),
            Bind(space / "workspace", "/workspace", writable=True, given=True),
            Bind(space / "layers", "/layers", writable=True, given=True),
            Bind(space / "platform", "/platform", given=True),
            Bind(self.folder / name, "/cache", writable=True),
            Bind(space / "home", "/home/cnb", writable=True, given=True),
        ]
        if bundle := host_bundle():
            binds.append(Bind(bundle.resolve(), BUNDLE))
        return Sandbox(
            self.home.tmp,
            root=kit.root,
            binds=tuple(binds),
            env={
                "PATH": _PATH,
                "HOME": "/home/cnb",
                # The builder image's own.
                "CNB_USER_ID": "1000",
                "CNB_GROUP_ID": "1000",
                "CNB_STACK_ID": DEFAULT.stack,
                "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AMAZON": "true",
                "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE": "true",
                **variables,
            },
            cwd=self.place,
            hosts={registry.host.partition(":")[0]: registry.address},
        )


@dataclass
class PlatformEngine(_Engine):
    """Builds as a platform does.

    Args:
        platform: which.
        home: base images and lifecycle.
        binding: files of a binding, by name.
        folder: for caches.
    """

    platform: Platform

    @property
    def place(self) -> str:
        """The app's folder."""
        return self.platform.app

    def steps(
        self, registry: Registry, kit: Kit, name: str, env: Mapping[str, str], space: Path
    ) -> list[tuple[list[str], dict[str, str]]]:
        """The phases, or `creator`."""
        platform = self.platform
        for key, value in env.items():
            (space / "platform" / "env" / key).write_text(platform.value(value))
        if platform.binding:
            _mount_binding(
                space / "platform" / "bindings" / "index", self.binding, platform.binding
            )
        variables = {"CNB_PLATFORM_API": platform.api}
        if platform.docker_config:
            login = {"auth": registry.admit(Grant(writes=ANY)).removeprefix("Basic ")}
            config = json.dumps({"auths": {registry.host: login}})
            (space / "home" / ".docker" / "config.json").write_text(config)
        else:
            variables["CNB_REGISTRY_AUTH"] = json.dumps(
                {registry.host: registry.admit(Grant(writes=ANY))}
            )
        bound = {"SERVICE_BINDING_ROOT": "/platform/bindings"} if platform.binding_root else {}
        image = f"{registry.host}/{name}"
        run = ["-run-image", f"{registry.host}/{kit.run_image}"]
        owner = ["-uid", "1000", "-gid", "1000"]
        cache = (
            ["-cache-image", f"{image}-cache"] if platform.cache_image else ["-cache-dir", "/cache"]
        )
        app = ["-app", platform.app]
        if not platform.phases:
            skip = [] if platform.restores else ["-skip-restore"]
            command = [
                *(f"{_LIFECYCLE}/creator", *app, "-platform", "/platform", *cache, *owner, *run),
                *(*skip, *platform.options, image),
            ]
            return [(command, {**variables, **bound})]
        # The analyzer looks whether it may write the cache image.
        analyzed = cache if platform.cache_image else []
        return [
            ([f"{_LIFECYCLE}/analyzer", *analyzed, *owner, *run, image], {**variables, **bound}),
            ([f"{_LIFECYCLE}/detector", *app, "-platform", "/platform"], variables),
            ([f"{_LIFECYCLE}/restorer", *cache, *owner], variables),
            ([f"{_LIFECYCLE}/builder", *app, "-platform", "/platform"], {**variables, **bound}),
            ([f"{_LIFECYCLE}/exporter", *app, *cache, *owner, *platform.options, image], variables),
        ]


@dataclass
class JobEngine(_Engine):
    """Runs the script of a GitLab job in the builder, with what GitLab puts around it.

    Args:
        job: the file with the job.
        home: base images and lifecycle.
        binding: the index's address and login.
        folder: unused.
    """

    job: Path
    _commits: list[str] = field(default_factory=list)

    def exported(self, name: str) -> str:
        """The image of the branch."""
        return f"{name}:main"

    def remove(self, name: str) -> None:
        """Forget all images of a project."""
        for tag in ("main", *self._commits):
            super().remove(f"{name}:{tag}")
        super().remove(f"{name}/cache")

    def steps(
        self,
        registry: Registry,
        kit: Kit,  # noqa: ARG002 - run.toml names the run image
        name: str,
        env: Mapping[str, str],
        space: Path,  # noqa: ARG002 - the job makes its own
    ) -> list[tuple[list[str], dict[str, str]]]:
        """The job's lines."""
        job = YAML(typ="safe").load(self.job.read_text())["build-image"]
        user, _, password = (
            base64.b64decode(registry.admit(Grant(writes=ANY)).removeprefix("Basic "))
            .decode()
            .partition(":")
        )
        self._commits.append(uuid.uuid4().hex[:8])  # each run is of a commit of its own
        predefined = {
            "CI_REGISTRY": registry.host,
            "CI_REGISTRY_IMAGE": f"{registry.host}/{name}",
            "CI_REGISTRY_USER": user,
            "CI_REGISTRY_PASSWORD": password,
            "CI_COMMIT_SHORT_SHA": self._commits[-1],
            "CI_COMMIT_REF_SLUG": "main",
            **{f"PACKAGE_INDEX_{key.upper()}": value for key, value in self.binding.items()},
        }
        own = {key: _expanded(value, predefined) for key, value in job["variables"].items()}
        script = "\n".join(["set -eo pipefail", *job["script"]])
        return [(["/bin/bash", "-c", script], {**predefined, **own, **env})]


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    for key in sorted(variables, key=len, reverse=True):
        text = text.replace(f"${key}", variables[key])
    return text


def _mount_binding(folder: Path, files: Mapping[str, str], kind: str) -> None:
    """As files, or as the kubelet mounts a secret: links into a folder that it can exchange."""
    folder.mkdir(parents=True)
    if kind == "files":
        for name, text in files.items():
            (folder / name).write_text(text)
        return
    data = folder / "..2026_11_22_20_15_09.1234567890"
    data.mkdir()
    (folder / "..data").symlink_to(data.name)
    for name, text in files.items():
        (data / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")
